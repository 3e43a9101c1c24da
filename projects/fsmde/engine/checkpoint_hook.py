"""Saving checkpoints so that a kill at any moment leaves the earlier ones."""

import difflib
import math
import os
import os.path as osp
import re

from mmdet3d.registry import HOOKS
from mmengine.dist import barrier, is_main_process
from mmengine.hooks import CheckpointHook

from fsmde.models.estimators import DistilledDepthEstimator

from .checkpoint import load_checkpoint_file, remove_leftovers


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """mmengine's hook, which never removes the only good file: neither the last checkpoint nor the best one.

    Files are written by :class:`AtomicBackend`. The best checkpoint is removed when a better one is on disk, where
    mmengine removes it before. Nothing is removed outside the folder of this run: a checkpoint that came from another
    folder, or was copied, names files of the run that wrote it. What kills have left in the folder is put in order when
    training begins: temporary files go, and of several best checkpoints the best stays and is known.

    Checkpoints of a distilled run hold the teacher's name and licence, as ``meta['teacher']``.

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

    def before_train(self, runner):
        super().before_train(runner)
        if self.save_best and self.save_best != ['auto']:
            check_metric(runner, self.save_best[0])
            self._adopt_best(runner)
        if is_main_process():
            remove_leftovers(self.out_dir)
        # The ranks may only go on when they agree on what is there.
        barrier()

    def before_save_checkpoint(self, runner, checkpoint):
        """Write down who taught the student, and under which licence."""
        for module in runner.model.modules():
            if isinstance(module, DistilledDepthEstimator):
                checkpoint['meta']['teacher'] = dict(name=module.teacher.name, licence=module.teacher.licence)

    def _adopt_best(self, runner):
        """Know the best of the folder's best checkpoints, whatever the checkpoint that is resumed knew; drop the rest."""
        found, better = {}, self.is_better_than.get(self.key_indicators[0])
        name = re.escape('best_' + self.key_indicators[0].replace('/', '_')) + r'_(epoch|iter)_\d+\.pth'
        for file in os.listdir(self.out_dir) if osp.isdir(self.out_dir) else ():
            if re.fullmatch(name, file):
                path = osp.join(self.out_dir, file)
                try:
                    found[path] = float(load_checkpoint_file(path)['message_hub']['runtime_info']['best_score'])
                except (ValueError, KeyError, TypeError) as error:
                    runner.logger.warning(f'{path} is left alone: it does not say how good it is ({error})')
        barrier()  # Every rank has read them.
        self.best_ckpt_path = None
        for path, score in found.items():
            if self.best_ckpt_path is None or better(score, found[self.best_ckpt_path]):
                self.best_ckpt_path = path
        for key, value in (('best_ckpt', self.best_ckpt_path), ('best_score', found.get(self.best_ckpt_path))):
            if value is None:
                runner.message_hub.runtime_info.pop(key, None)
            else:
                runner.message_hub.update_info(key, value)
        for path in found.keys() - {self.best_ckpt_path}:
            if is_main_process():
                self.file_backend.remove(path)
                runner.logger.info(f'{path} is removed: {self.best_ckpt_path} is better')

    def _save_checkpoint_with_step(self, runner, step, meta):
        try:
            super()._save_checkpoint_with_step(runner, step, meta)
        except OSError as error:
            if 'cannot write' in str(error):
                raise
            # mmengine's note of the newest name, which nobody here reads: Python's error of a full disk names no file.
            path = osp.join(runner.work_dir, 'last_checkpoint')
            raise OSError(error.errno, f'cannot write {path}: {error.strerror or error}') from error

    def _save_best_checkpoint(self, runner, metrics):
        if not self.save_best:
            return
        name = self.save_best[0]
        if math.isnan(metrics.get(name, 0)):
            runner.logger.warning(
                f'no best checkpoint: {name} is not a number, as where the validation frames have no ground truth. Without '
                'any set val_dataloader = val_cfg = val_evaluator = None and take the last checkpoint'
            )
        old, self.best_ckpt_path = self.best_ckpt_path, None
        super()._save_best_checkpoint(runner, metrics)
        if self.best_ckpt_path is None:
            self.best_ckpt_path = old
        elif old and old != self.best_ckpt_path and is_main_process() and self.file_backend.isfile(old):
            self.file_backend.remove(old)


def check_metric(runner, name: str) -> None:
    """Raise before the first iteration if no validation will say what decides; mmengine finds out an epoch later."""
    loop = runner.val_loop
    if loop is None:
        runner.logger.warning(f'nothing is validated: no best checkpoint by {name} will be saved')
        return
    evaluator, metrics = loop.evaluator, loop.evaluator.metrics
    mixed = hasattr(evaluator, 'names_of_figures')
    # Other metrics say what they are called, and not what they measure.
    prefixes = [getattr(metric, 'prefix', None) for metric in metrics if not hasattr(metric, 'names_of_figures')]
    if any(mixed or not prefix or name.startswith(f'{prefix}/') for prefix in prefixes):
        return
    if mixed:
        known = evaluator.names_of_figures()
    else:
        known = [f'{prefix}/...' for prefix in prefixes]
        for metric in metrics:
            known += metric.names_of_figures(evaluator.dataset_meta) if hasattr(metric, 'names_of_figures') else ()
    if name not in known:
        near = difflib.get_close_matches(name, known, 3, 0)
        raise ValueError(
            f'default_hooks.checkpoint: save_best={name!r} is no figure of the validation, whose '
            f'figures follow from val_evaluator (metrics, protocol, modes); the nearest are {", ".join(near)}'
        )
