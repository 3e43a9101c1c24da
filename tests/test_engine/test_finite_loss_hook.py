"""Steps that a loss scaler skips are no error, as long as a lower scale may help."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import AmpOptimWrapper, OptimWrapper

from fsmde.engine import FiniteLossHook
from fsmde.engine.finite_loss_hook import SKIPPED


class ScaledOnCpu(OptimWrapper):
    """mmengine's AmpOptimWrapper, which refuses to be built on a CPU."""

    backward, step = AmpOptimWrapper.backward, AmpOptimWrapper.step

    def __init__(self, *args, fixed=None, **kwargs):
        super().__init__(*args, **kwargs)
        self._scale_update_param = fixed
        self.loss_scaler = torch.amp.GradScaler('cpu', init_scale=fixed or 2.0**16)


class Training:
    """A linear layer whose gradient can be broken, while its loss stays finite."""

    def __init__(self, fused=False, **wrapper):
        self.model = torch.nn.Linear(4, 4)
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3, fused=fused)
        self.optim_wrapper = ScaledOnCpu(optimizer, clip_grad=dict(max_norm=10.0), **wrapper)
        self.hook, self.iter = FiniteLossHook(), 0
        self.hook.before_train(SimpleNamespace(model=self.model, optim_wrapper=self.optim_wrapper, epoch=0, iter=0))

    def step(self, value=1.0):
        frame = SimpleNamespace(frame_id=f'frame {self.iter}')
        self.hook.before_train_iter(None, self.iter, dict(data_samples=[frame]))
        loss = self.model(torch.ones(2, 4)).sum()
        handle = self.model.weight.register_hook(lambda gradient: gradient * value)
        self.optim_wrapper.update_params(loss)
        handle.remove()
        self.hook.after_train_iter(None, self.iter, outputs=dict(loss=loss.detach()))
        self.iter += 1


@pytest.mark.parametrize('fused', [False, True])
def test_a_gradient_that_overflows_lowers_the_scale(fused):
    """A fused optimizer is called all the same, and skips the step by itself."""
    training = Training(fused)
    before = training.model.weight.detach().clone()
    training.step(torch.inf)
    assert training.optim_wrapper.loss_scaler.get_scale() == 2**15
    assert torch.equal(training.model.weight, before)
    training.step()
    assert not torch.equal(training.model.weight, before)


@pytest.mark.parametrize('fused', [False, True])
def test_steps_that_no_scale_helps_are_counted(fused):
    training = Training(fused)
    for _ in range(SKIPPED - 1):
        training.step(torch.nan)
        assert len(training.hook.frames) == 1
    training.step()  # The count begins again.
    for _ in range(SKIPPED - 1):
        training.step(torch.nan)
    with pytest.raises(FloatingPointError, match=rf'gradients of {SKIPPED} steps in a row, .* frames \[.frame 99.\]'):
        training.step(torch.nan)


def test_a_fixed_scale_does_not_help():
    training = Training(fixed=512.0)
    training.step(torch.nan)  # What a batch overflows by, another may not.
    training.step()
    training = Training(fixed=1.0)
    training.step()
    with pytest.raises(
        FloatingPointError, match='gradients of 1 steps in a row, at a loss scale of 1, are not finite'
    ):
        training.step(torch.nan)


def test_iterations_that_only_gather_gradients_are_no_skipped_steps():
    training = Training(fixed=1.0, accumulative_counts=3)
    training.step()
    training.step(torch.nan)
    with pytest.raises(FloatingPointError, match=r"gradients of 1 steps .* \['frame 0', 'frame 1', 'frame 2'\]"):
        training.step()
