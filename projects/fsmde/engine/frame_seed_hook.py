"""Random choices that follow (seed, epoch, frame)."""

from mmdet3d.registry import HOOKS
from mmengine.hooks import Hook


@HOOKS.register_module()
class FrameSeedHook(Hook):
    """Tell the training data set seed and epoch, so that a resumed run draws what the uninterrupted one drew.

    Works through wrappers (ConcatDataset, RepeatDataset, ...). All repetitions of a frame in one epoch draw alike.
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner) -> None:
        self._set(runner.train_dataloader.dataset, runner.seed, runner.epoch)

    def _set(self, dataset, seed, epoch):
        if hasattr(dataset, 'set_epoch'):
            dataset.set_epoch(seed, epoch)
        for inner in [getattr(dataset, 'dataset', None), *getattr(dataset, 'datasets', [])]:
            if inner is not None:
                self._set(inner, seed, epoch)
