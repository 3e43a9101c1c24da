"""Stop before anything that is not finite gets into the weights or a checkpoint."""

import torch
from mmdet3d.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict

from .checkpoint import not_finite

#: Steps in a row that a scaler which lowers its scale may skip: from 2^16 it is below any that helps.
SKIPPED = 50


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop training where a loss, a gradient or a weight is not finite, naming it and the frames of the batch.

    - Gradients are looked at when the optimizer is about to step: a loss may be finite and its gradient NaN. In mixed
      precision the scaler looks first, and skips a step that overflowed: that is no error, unless no scale helps, or the
      scale is 1, as in bfloat16.
    - Losses are looked at after each iteration, when mmengine's log has taken them to the host.
    - Parameters, statistics of norms, averages and the optimizer's state are looked at before they are saved: statistics
      take up what a forward pass says, whatever the loss makes of it.

    A FloatingPointError leaves the last checkpoint as it was before.
    """

    def __init__(self):
        self.runner, self.losses, self.handles, self.wrappers = None, {}, [], []
        self.frames, self.stepped, self.skipped = [], False, 0

    def before_train(self, runner) -> None:
        """Look over the shoulders of the model and the optimizers."""
        self.runner = runner
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self.handles = [model.register_forward_hook(self._keep_losses)]
        wrapper = runner.optim_wrapper
        self.wrappers = list(wrapper.values()) if isinstance(wrapper, OptimWrapperDict) else [wrapper]
        for one in self.wrappers:
            self.handles.append(one.optimizer.register_step_pre_hook(self._check_gradients))

    def after_train(self, runner) -> None:
        """Let go of them."""
        for handle in self.handles:
            handle.remove()
        self.handles = []

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Keep the names of the frames, of all batches whose gradients are accumulated."""
        if any(wrapper.should_update() for wrapper in self.wrappers):
            self.frames = []
        samples = data_batch.get('data_samples', []) if isinstance(data_batch, dict) else []
        self.frames += [getattr(sample, 'frame_id', getattr(sample, 'sample_idx', None)) for sample in samples]

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Raise a FloatingPointError that names the loss and the frames."""
        self._raise_if(not_finite({name: torch.as_tensor(value) for name, value in (outputs or {}).items()}))
        scaled = [one for one in self.wrappers if hasattr(one, 'loss_scaler') and one.should_update()]
        if self.stepped:
            self.skipped, self.stepped = 0, False
        elif scaled:
            self.skipped += 1
            scale = scaled[0].loss_scaler.get_scale()
            # mmengine hands a fixed scale to the scaler at each update. One of 1 makes no gradient overflow.
            fixed = all(getattr(one, '_scale_update_param', None) is not None for one in scaled)
            if self.skipped >= (1 if fixed and scale == 1 else SKIPPED):
                scale = f'at a loss scale of {scale:g}'
                self._raise_if([f'losses are finite, but gradients of {self.skipped} steps in a row, {scale}, are'])

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Raise a FloatingPointError that names what would be saved."""
        buffers = {
            name for name, _ in runner.model.named_buffers() if not name.endswith(('running_mean', 'running_var'))
        }
        buffers = {name.removeprefix('module.') for name in buffers}  # Constants may well be infinite.
        found = not_finite({key: checkpoint.get(key) for key in ('state_dict', 'ema_state_dict', 'optimizer')})
        self._raise_if([name for name in found if name.split('.', 1)[1].removeprefix('module.') not in buffers])

    def _keep_losses(self, model, inputs, outputs):
        if model.training and isinstance(outputs, dict):
            self.losses = {name: value.detach() for name, value in outputs.items() if isinstance(value, torch.Tensor)}

    def _check_gradients(self, optimizer, *_):
        gradients = [p.grad for group in optimizer.param_groups for p in group['params'] if p.grad is not None]
        # One look at all of them, in few kernels: each look would make an accelerator wait. A norm may overflow by itself.
        if gradients and not torch.stack(torch._foreach_norm(gradients)).isfinite().all():
            # The scaler leaves it to a fused optimizer to skip its step.
            if getattr(optimizer, 'found_inf', 0):
                return
            broken = [gradient for gradient in gradients if not gradient.isfinite().all()]
            if broken:
                self._raise_if(
                    not_finite(self.losses)
                    or [f'losses are finite, but gradients of {len(broken)} of {len(gradients)} parameters are']
                )
        self.stepped = True

    def _raise_if(self, broken):
        if broken:
            few = ', '.join(broken[:6]) + (f' and {len(broken) - 6} more' if len(broken) > 6 else '')
            raise FloatingPointError(
                f'{few} not finite in epoch {self.runner.epoch + 1}, iteration {self.runner.iter + 1}, frames '
                f'{self.frames}. Lower the learning rate, clip gradients, or look at these frames with '
                'tools/analysis_tools/browse_dataset.py'
            )
