"""Random choices that follow (seed, epoch, frame)."""

import torch
from mmdet3d.registry import HOOKS
from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop


@HOOKS.register_module()
class FrameSeedHook(Hook):
    """Let every random choice of training follow seed, epoch and iteration, so that a resumed run is the uninterrupted one.

    The data set is told seed and epoch, and draws for each frame by itself; works through wrappers (ConcatDataset,
    RepeatDataset, ...), where all repetitions of a frame in one epoch draw alike. The sampler gets the seed that a
    resumed run took from its checkpoint. What a model draws (dropout, drop path) is seeded anew in each iteration.
    """

    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner) -> None:
        """Tell data set and sampler."""
        loader = runner.train_dataloader
        # A loop that counts iterations is in its first epoch from end to end: its passes over the data are counted instead.
        passes = runner.iter // len(loader) if _counts_iterations(runner) else runner.epoch
        self._set(loader.dataset, runner.seed, passes)
        # Where batches are drawn by a sampler of their own, the loader's sampler is torch's, and idle.
        for sampler in (loader.sampler, getattr(loader.batch_sampler, 'sampler', None)):
            if hasattr(sampler, 'seed'):
                sampler.seed = runner.seed

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        """Seed what the model draws, and where iterations are counted the pass of the batch that is loaded next."""
        if _counts_iterations(runner):
            loader = runner.train_dataloader
            self._set(loader.dataset, runner.seed, (runner.iter + 1) // len(loader))
        # Not once an epoch: how much a loader draws from torch's generator depends on whether its workers are new.
        torch.manual_seed(runner.seed + runner.iter * get_world_size() + get_rank())

    def _set(self, dataset, seed, epoch):
        if hasattr(dataset, 'set_epoch'):
            dataset.set_epoch(seed, epoch)
        for inner in [getattr(dataset, 'dataset', None), *getattr(dataset, 'datasets', [])]:
            if inner is not None:
                self._set(inner, seed, epoch)


def _counts_iterations(runner):
    return isinstance(runner.train_loop, IterBasedTrainLoop)
