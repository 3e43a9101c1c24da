"""Running: one process a run, several at once, what is finished is not repeated, what fails does not stop the others."""

import os
import os.path as osp
import shutil
import sys
import time
import traceback
from multiprocessing.connection import wait

from fsmde.concurrency import LOCK, BusyError, empty, end_with_parent, only_one
from fsmde.engine import find_latest_checkpoint
from fsmde.engine.processes import PROCESSES
from fsmde.evaluation import describe_run
from fsmde.evaluation.result_files import versions

from .fingerprint import differences, fingerprint, read_world
from .record import SCHEMA, figures_of, read_record, write_json
from .suite import Run

#: Lines of its log that are shown of a run that failed.
TAIL = 15
#: Exit code of a run whose folder somebody else holds, EX_TEMPFAIL of sysexits.h.
BUSY = 75


def execute(runs: list, jobs: int = 1, say=print) -> list:
    """Make the runs whose records are not there.

    A run that was interrupted begins anew; one that was trained and not evaluated is evaluated. An exception, that of
    Ctrl-C too, ends all processes, and so does the end of this one, whatever ends it. A run that another call is making
    is left to it, and counts as failed here.

    Args:
        runs: :class:`Run` in the order in which they are made.
        jobs: Number of processes.
        say: Is given lines of progress.

    Returns:
        The runs that failed.
    """
    waiting = [run for run in runs if not run.record_path.is_file()]
    total, active, failed, start = len(waiting), {}, [], time.time()
    say(f'{len(runs) - total} of {len(runs)} runs are there already, {total} to do')
    try:
        while waiting or active:
            while waiting and len(active) < jobs:
                run = waiting.pop(0)
                process = PROCESSES.Process(target=_log_and_run, args=(run,))
                process.start()
                active[process.sentinel] = process, run
            for sentinel in wait(list(active)):
                process, run = active.pop(sentinel)
                process.join()
                ok = process.exitcode == 0 and run.record_path.is_file()
                if not ok:
                    failed.append(run)
                done = total - len(waiting) - len(active)
                left = (time.time() - start) / done * (total - done)
                outcome = _summary(run) if ok else _failure(run, process.exitcode)
                say(f'[{done}/{total}] {run.name}: {outcome}; {_duration(left)} left')
    finally:
        for process, _ in active.values():
            process.terminate()
        for process, _ in active.values():
            process.join()
    return failed


def train_and_test(run: Run) -> None:
    """Train and evaluate in this process, and write the record."""
    import torch
    from mmengine.runner import Runner

    if run.threads:
        torch.set_num_threads(run.threads)
    cfg, work_dir = run.read_config(), str(run.work_dir)
    known_by = fingerprint(cfg)
    state_path = osp.join(work_dir, 'trained.json')
    state = read_record(state_path) if osp.isfile(state_path) else {}
    if state and differences(state['fingerprint'], known_by):
        state = {}
    checkpoint = find_latest_checkpoint(work_dir) if state else None
    if not checkpoint:
        # Of another config, or interrupted.
        empty(work_dir)
    cfg.work_dir, cfg.randomness = work_dir, dict(cfg.get('randomness', {}), seed=run.seed)
    cfg.load_from = checkpoint or cfg.get('load_from')
    run.evaluate_on_split(cfg)
    evaluation = osp.join(work_dir, f'{run.split}_results')
    shutil.rmtree(evaluation, ignore_errors=True)
    cfg.test_evaluator.out_dir = evaluation
    # For the pictures.
    predictions = osp.join(work_dir, f'{run.split}_predictions')
    writer = dict(type='DepthWriterHook', out_dir=predictions, overwrite=True)
    cfg.custom_hooks = [*(cfg.get('custom_hooks') or []), writer]
    runner = Runner.from_cfg(cfg)
    if not checkpoint:
        start = time.time()
        runner.train()
        state = dict(
            schema=SCHEMA,
            fingerprint=known_by,
            steps=runner.iter,
            train_seconds=round(time.time() - start),
            trained_with=versions(),
        )
        checkpoint = find_latest_checkpoint(work_dir)
        write_json(state_path, state)
    runner.test()
    teacher = getattr(runner.model, 'teacher', None)
    record = dict(
        state,
        suite=run.arm.suite,
        arm=run.arm.name,
        config=run.arm.config,
        cfg_options=run.arm.cfg_options,
        seed=run.seed,
        split=run.split,
        threads=torch.get_num_threads(),
        world=read_world(cfg),
        teacher=teacher and teacher.identity(),
        checkpoint_sha256=describe_run(run.arm.config, checkpoint)['checkpoint_sha256'],
        **figures_of(osp.join(evaluation, 'results.json')),
    )
    write_json(run.record_path, record)


def _log_and_run(run):
    """In the child: everything that is printed goes to a file beside the work directory, which training may remove."""
    end_with_parent()
    try:
        with only_one(osp.join(run.work_dir, LOCK), 'another training'):
            with open(_log_path(run), 'w') as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            train_and_test(run)
    except BusyError:
        sys.exit(BUSY)
    except Exception:
        traceback.print_exc()
        sys.exit(1)


def _log_path(run):
    return f'{run.work_dir}.log'


def _tail(run):
    if not osp.isfile(_log_path(run)):
        return '    it ended before it had a log'
    with open(_log_path(run), errors='replace') as log:
        lines = log.readlines()[-TAIL:]
    return ''.join(f'    {line}' for line in lines) + f'    its whole log is {_log_path(run)}'


def _failure(run, code):
    if code == BUSY:
        return f'FAILED: another training is at work in {run.work_dir}: let it finish'
    return f'FAILED (exit code {code})\n{_tail(run)}'


def _summary(run):
    record = read_record(run.record_path)
    figures = [f'{name} {entry["overall"]["metric"]["abs_rel"]:.3f}' for name, entry in record['protocols'].items()]
    return f'AbsRel {", ".join(figures)}, {record["steps"]} steps in {_duration(record["train_seconds"])}'


def _duration(seconds):
    minutes = round(seconds / 60)
    return f'{seconds:.0f} s' if seconds < 90 else f'{minutes} min' if minutes < 90 else f'{minutes / 60:.1f} h'
