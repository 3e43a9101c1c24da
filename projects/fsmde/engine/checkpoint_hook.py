"""Saving checkpoints so that a kill at any moment leaves the earlier ones."""

from mmdet3d.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """mmengine's hook, which never removes the only good file: neither the last checkpoint nor the best one.

    Files are written by :class:`AtomicBackend`. The best checkpoint is removed when a better one is on disk, where
    mmengine removes it before.

    Args:
        max_keep_ckpts: How many checkpoints to keep, -1 for all. At least two: mmengine removes the oldest before it
            writes a new one.
        save_best: Name of the one metric that decides.
        kwargs: See :class:`mmengine.hooks.CheckpointHook`.

    Raises:
        ValueError: If one checkpoint is to be kept, or several metrics are to decide.
    """

    def __init__(self, *args, max_keep_ckpts: int = -1, save_best: str = None, **kwargs):
        if max_keep_ckpts in (0, 1):
            raise ValueError(f'max_keep_ckpts must be at least 2, or -1 for all, found {max_keep_ckpts}')
        if isinstance(save_best, (list, tuple)):
            raise ValueError(f'save_best takes the name of one metric, found {save_best}')
        backend_args = dict(backend='atomic')
        super().__init__(
            *args, max_keep_ckpts=max_keep_ckpts, save_best=save_best, backend_args=backend_args, **kwargs
        )

    def _save_best_checkpoint(self, runner, metrics):
        if not self.save_best:
            return
        old, self.best_ckpt_path = self.best_ckpt_path, None
        super()._save_best_checkpoint(runner, metrics)
        if self.best_ckpt_path is None:
            self.best_ckpt_path = old
        elif old and old != self.best_ckpt_path and is_main_process() and self.file_backend.isfile(old):
            self.file_backend.remove(old)
