"""To train and to evaluate as a config says: what tools/train.py and tools/test.py do, with all of their checks."""

import os.path as osp
import time

from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmengine.logging import print_log
from mmengine.runner import Runner

from fsmde.concurrency import only_one
from fsmde.config_types import type_name
from fsmde.evaluation import describe_run, get_protocol
from fsmde.evaluation.protocols import as_list
from fsmde.plain_data import existing

from .checkpoint import (
    check_resumable,
    check_something_fits,
    check_student_checkpoint,
    checkpoint_to_resume,
    find_latest_checkpoint,
    holds_checkpoints,
)
from .checkpoint_hook import check_metric
from .launch import end_distribution, setup_distribution, work_dir_lock
from .same_schedule_hook import SameScheduleHook
from .schedules import long_warm_ups
from .settings import check_settings, parameters_of


def train(cfg: Config, resume: str = None, launcher: str = 'none') -> Runner:
    """Train in the work directory of a config, where one training works at a time.

    Args:
        cfg: Of :func:`fsmde.engine.config_files.read_config`, with its ``work_dir``.
        resume: Checkpoint to go on from; ``'newest'``: the one with the largest number in the work directory; ``'auto'``:
            that, or from the beginning where there is none; None begins, unless the config says otherwise.
        launcher: What started the processes: 'none', 'pytorch', 'slurm' or 'mpi'.

    Returns:
        The runner, done.

    Raises:
        FileExistsError: If it begins and the work directory holds checkpoints of an earlier run.
        FileNotFoundError: If there is nothing to resume.
        ValueError: If settings do not agree, or the checkpoint is none of such a run.
        fsmde.concurrency.BusyError: If another training is at work there.
    """
    check_settings(cfg)
    surround_metrics(cfg.get('val_evaluator') or {}, 'val_evaluator')
    # What mmengine calls resuming trusts a file of paths, which a copied folder takes along.
    resume = resume or (cfg.get('resume') and (cfg.get('load_from') or 'auto'))
    if resume == 'newest':
        checkpoint_to_resume(cfg.work_dir)  # The lock would make a folder of a misspelt name.
    with only_one(work_dir_lock(cfg.work_dir), 'another training'):
        checkpoint = _checkpoint_of(resume, cfg.work_dir)
        cfg.resume = bool(checkpoint)
        if checkpoint:
            check_resumable(checkpoint)
            cfg.load_from = checkpoint
        setup_distribution(cfg, launcher)
        runner = Runner.from_cfg(cfg)
        if checkpoint:
            check_student_checkpoint(runner.model, checkpoint)
            runner.register_hook(SameScheduleHook())
        elif cfg.get('load_from'):
            check_something_fits(runner.model, cfg.load_from)
        counts = cfg.optim_wrapper.get('accumulative_counts', 1)
        if counts > 1 and (runner.auto_scale_lr or {}).get('enable'):
            # mmengine counts the frames of an iteration; a step takes up those of several.
            base = runner.auto_scale_lr['base_batch_size'] / counts
            runner.auto_scale_lr = dict(runner.auto_scale_lr, base_batch_size=base)
        for hook in runner.hooks:
            # AtomicCheckpointHook asks by itself, whoever trains.
            if type(hook) is CheckpointHook and hook.save_best and hook.save_best != ['auto']:
                for name in hook.save_best:
                    check_metric(runner, name)
        if len(runner.train_loop.dataloader) == 0:
            raise ValueError(
                f'train_dataloader has no batch: {len(runner.train_dataloader.sampler)} frames of each process are fewer than '
                f'batch_size {cfg.train_dataloader.get("batch_size")}, and drop_last leaves them out'
            )
        for said in long_warm_ups(cfg, runner.train_loop.max_iters):
            runner.logger.warning(said)
        runner.train()
        end_distribution()
    return runner


def _checkpoint_of(resume, work_dir):
    if resume == 'newest':
        return checkpoint_to_resume(work_dir)
    if resume == 'auto':
        newest = find_latest_checkpoint(work_dir)
        begins = 'nothing to resume, training begins'
        if not newest and holds_checkpoints(work_dir):
            begins += '; the best checkpoint that is there counts as one of its own'
        print_log(f'{work_dir}: ' + (f'going on from {newest}' if newest else begins))
        return newest
    if resume:
        return resume
    # A best checkpoint alone, too: the new run would count it among its own.
    if holds_checkpoints(work_dir):
        way = 'go on with --resume, or choose' if find_latest_checkpoint(work_dir) else 'choose'
        raise FileExistsError(f'{work_dir} holds checkpoints of an earlier run: {way} another --work-dir')
    return None


def evaluate(
    cfg: Config, checkpoint: str, name: str = None, protocol=None, flip: bool = False, launcher: str = 'none'
) -> dict:
    """Evaluate a checkpoint or a published model on the test data of a config.

    Figures go to a folder of their own in the config's work directory, ``test_<time>``.

    Args:
        cfg: Of :func:`fsmde.engine.config_files.read_config`, with its ``work_dir``; the plain student's for a distilled
            run, too.
        checkpoint: File of a checkpoint, or folder of a published model, which brings its own architecture and input size:
            data and metrics alone are the config's then.
        name: What the results call the config.
        protocol: What :class:`fsmde.evaluation.SurroundDepthMetric` takes, in the place of the config's.
        flip: Average with the mirrored images.
        launcher: See :func:`train`.

    Returns:
        The metrics' figures by name.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        ValueError: If the config does not say what to evaluate on, protocols are named and there is no
            :class:`fsmde.evaluation.SurroundDepthMetric`, the checkpoint does not fit the model, a published one is to
            stand in for a detector, or the test pipeline does not resize to a published model's input.
    """
    missing = [key for key in ('test_cfg', 'test_dataloader', 'test_evaluator') if cfg.get(key) is None]
    if missing:
        raise ValueError(f'{name or "the config"} has no {", ".join(missing)}: there is nothing to evaluate')
    published = None
    if osp.isdir(checkpoint):
        # apis builds on this package.
        from fsmde.apis.load_model import load_model, set_input_size
        from fsmde.apis.published_model import WEIGHTS

        if 'flip_augmentation' not in parameters_of(cfg.model):
            raise ValueError(
                f'{checkpoint} is a published depth estimator, and {name or "the config"} is of a {type_name(cfg.model)}: '
                'evaluate it with the config of an estimator, and a detector with its own checkpoint'
            )
        published = load_model(checkpoint, device='cpu')
        cfg.model = published.description['model']
        set_input_size(cfg, published.input_size)
    weights = osp.join(checkpoint, WEIGHTS) if published else str(existing(checkpoint))
    # A config that resumes would have mmengine put the training's newest weights in the place of a published model's.
    cfg.load_from, cfg.resume = None if published else weights, False
    if flip:
        if 'flip_augmentation' not in parameters_of(cfg.model):
            raise ValueError(f'--flip is for depth estimators, and {type_name(cfg.model)} has no flip_augmentation')
        cfg.model.flip_augmentation = True
    flipped = bool(cfg.model.get('flip_augmentation'))  # It may be the config's own.
    # A folder for each call: figures are not overwritten.
    folder = osp.join(cfg.work_dir, time.strftime('test_%Y%m%d_%H%M%S'))
    set_up_metrics(cfg.test_evaluator, folder, describe_run(name, weights, flipped), protocol)
    setup_distribution(cfg, launcher)
    runner = Runner.from_cfg(cfg)
    if published:
        getattr(runner.model, 'module', runner.model).load_state_dict(published.state_dict())
    else:
        check_student_checkpoint(runner.model, checkpoint)
    figures = runner.test()
    end_distribution()
    return figures


def set_up_metrics(evaluator, out_dir: str, run: dict, protocol=None) -> None:
    """Say in a test_evaluator's config, one metric, a list or an Evaluator, where files go and what is evaluated.

    Args:
        out_dir: Folder of the first metric; those of further ones get a number.
        run: See :class:`fsmde.evaluation.SurroundDepthMetric`.
        protocol: What the metric takes, None for the metrics' own.

    Raises:
        KeyError, ValueError: If a protocol is unknown, or there is no :class:`fsmde.evaluation.SurroundDepthMetric` for it;
            see :func:`surround_metrics`.
    """
    for given in as_list(protocol or ()):
        get_protocol(given)  # Said now, not when the model is there and the metric is built.
    parts = surround_metrics(evaluator, 'test_evaluator')
    for name, of_part in parts.items():
        for number, metric in enumerate(of_part):
            folder = out_dir if number == 0 else f'{out_dir}_{number}'
            metric.update(out_dir=osp.join(folder, name) if name else folder, run=run)
            if protocol:
                metric['protocol'] = protocol
    if protocol and not any(parts.values()):
        raise ValueError('protocols (--protocol) are of a SurroundDepthMetric, and test_evaluator has none')


def surround_metrics(evaluator, where: str) -> dict:
    """Configs of the :class:`fsmde.evaluation.SurroundDepthMetric` of an evaluator's config, {data set: list}.

    The data set is '' but for a :class:`fsmde.evaluation.MixedEvaluator`, which has metrics for each, by name.

    Raises:
        ValueError: If two of one data set name their figures alike, which mmengine refuses when all is evaluated.
    """
    metrics = evaluator.get('metrics', evaluator) if isinstance(evaluator, dict) else evaluator
    by_name = metrics if isinstance(metrics, dict) and 'type' not in metrics else {'': metrics}
    parts = {}
    for name, of_part in by_name.items():
        of_part = of_part if isinstance(of_part, (list, tuple)) else [of_part]
        parts[name] = [metric for metric in of_part if type_name(metric) == 'SurroundDepthMetric']
        prefixes = [metric.get('prefix') or 'depth' for metric in parts[name]]
        if len(set(prefixes)) < len(prefixes):
            raise ValueError(
                f'{where} has several SurroundDepthMetric whose figures have the same names, with the prefixes {prefixes}: '
                "give one of them prefix='other', or take one with a list of protocols"
            )
    return parts
