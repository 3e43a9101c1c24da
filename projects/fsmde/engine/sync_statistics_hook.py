"""One set of running statistics for all ranks."""

from mmdet3d.registry import HOOKS
from mmengine.dist import all_reduce_params
from mmengine.hooks import EMAHook, SyncBuffersHook


@HOOKS.register_module()
class SyncStatisticsHook(SyncBuffersHook):
    """mmengine's hook, which gives all ranks the mean of their BatchNorms' statistics behind each epoch; averaged models, too.

    DDP shares gradients alone as mmengine sets it up: each rank would validate a model of its own, and the checkpoint would
    hold the first one's. An :class:`mmengine.hooks.EMAHook` validates the model's statistics and saves a copy of its own.
    """

    def before_val_epoch(self, runner) -> None:
        """Behind iterations that are no epochs."""
        if not self.called_in_train:
            self._sync_averages(runner)
        super().before_val_epoch(runner)

    def after_train_epoch(self, runner) -> None:
        """All-reduce the buffers."""
        super().after_train_epoch(runner)
        self._sync_averages(runner)

    def _sync_averages(self, runner):
        for hook in runner.hooks:
            if isinstance(hook, EMAHook):
                all_reduce_params(hook.ema_model.module.buffers(), op='mean')
