"""Stop when a loss is not finite."""

import torch
from mmdet3d.registry import HOOKS
from mmengine.hooks import Hook


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop training at the first loss that is not finite, naming the loss and the frames of the batch.

    The losses are on the host already when the hook looks at them: mmengine's log takes them there every iteration.
    """

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Raise a FloatingPointError that names the loss and the frames."""
        broken = [name for name, value in (outputs or {}).items() if not torch.isfinite(torch.as_tensor(value)).all()]
        if broken:
            frames = [sample.frame_id for sample in (data_batch or {}).get('data_samples', [])]
            raise FloatingPointError(
                f'{", ".join(broken)} not finite in epoch {runner.epoch + 1}, iteration {runner.iter + 1}, frames {frames}. '
                'Lower the learning rate, clip gradients, or look at these frames with tools/analysis_tools/browse_dataset.py'
            )
