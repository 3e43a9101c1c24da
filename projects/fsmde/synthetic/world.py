"""Makes a whole world: scenes of three splits on disk, complete or not there at all."""

import logging
import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from fsmde.concurrency import end_with_parent, only_one
from fsmde.plain_data import read_json

from .dgp import write_index, write_json
from .frozen import generator
from .layouts import KINDS
from .looks import WEATHER
from .rigs import LENS_RIGS
from .scene import PRESETS, Scene
from .splits import DEFAULTS, SPLITS

logger = logging.getLogger(__name__)


def make_world(
    out_dir,
    preset='student',
    train_scenes=None,
    val_scenes=None,
    test_scenes=None,
    frames_per_scene=None,
    interval=0.5,
    size=(384, 640),
    seed=0,
    jobs=1,
    force=False,
    rig=None,
    streets=None,
    weathers=None,
):
    """Make a world in DGP format, or find that it is already there.

    A scene depends on ``seed``, ``preset``, its split and its number in the split, ``frames_per_scene``, ``interval``
    ``size``, ``rig``, ``streets`` and ``weathers``, and not on the number of scenes.

    Args:
        out_dir: directory to make. It appears when the world is complete.
        preset: ``student`` (a rig like DDAD's), ``teacher`` (random rigs; other scenes and looks) or ``elsewhere`` (another
            town at night, in drizzle and in mist, seen by the five cameras of a van).
        train_scenes, val_scenes, test_scenes, frames_per_scene: sizes; None takes the preset's own.
        interval: seconds between samples.
        size: height and width of the images in pixels.
        seed: a non-negative integer.
        jobs: number of processes.
        force: replace another world at ``out_dir``.
        rig: cameras with lenses in the place of the preset's own: ``plumb_bob``, ``rational_polynomial`` or ``equidistant``
            for its cameras with such a lens, ``fisheyes`` for four of 190 degrees. Streets, motion and LiDAR stay as they
            are without it.
        streets, weathers: names of the kinds of street and the weathers of the preset that occur, in the order in which scenes
            take them; None for all.

    Returns:
        Path: ``out_dir``.

    Raises:
        ValueError: a parameter is out of its range.
        FileExistsError: something else is at ``out_dir``.
        BusyError: another process is making a world there.

    Examples:
        >>> make_world('data/tiny', train_scenes=1, val_scenes=0, test_scenes=0, frames_per_scene=2, size=(48, 80))
    """
    if preset not in PRESETS:
        raise ValueError(f'preset is {preset!r}, expected one of {sorted(PRESETS)}')
    if rig is not None and rig not in LENS_RIGS:
        raise ValueError(f'rig is {rig!r}, expected one of {sorted(LENS_RIGS)}, or none for that of the preset')
    for name, chosen, known in (('streets', streets, KINDS), ('weathers', weathers, WEATHER[preset])):
        if chosen is not None and not (chosen and set(chosen) <= set(known)):
            raise ValueError(f'{name} is {chosen!r}, expected some of {sorted(known)}')
    given = dict(
        train_scenes=train_scenes, val_scenes=val_scenes, test_scenes=test_scenes, frames_per_scene=frames_per_scene
    )
    sizes = {k: DEFAULTS[preset][k] if v is None else v for k, v in given.items()}
    wanted = dict(preset=preset, seed=seed, interval=interval, size=list(size), generator=generator(), **sizes)
    choices = dict(rig=rig, streets=streets and list(streets), weathers=weathers and list(weathers))
    wanted.update({name: choice for name, choice in choices.items() if choice is not None})
    _check(wanted, jobs)
    out_dir = Path(out_dir)
    # The folder itself is replaced as a whole: its lock lies beside it.
    with only_one(str(out_dir.resolve().with_name(f'.{out_dir.name}.lock')), f'another make_synthetic of {out_dir}'):
        if _found(out_dir, wanted, force):
            logger.info('%s already holds this world', out_dir)
            return out_dir
        partial = out_dir.with_name(f'.{out_dir.name}.partial')
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            _write(partial, wanted, jobs)
            if out_dir.is_dir():
                shutil.rmtree(out_dir)
            partial.rename(out_dir)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return out_dir


def _check(wanted, jobs):
    least = dict(train_scenes=0, val_scenes=0, test_scenes=0, frames_per_scene=1, seed=0)
    for name, low in least.items():
        if int(wanted[name]) != wanted[name] or wanted[name] < low:
            raise ValueError(f'{name} is {wanted[name]!r}, expected an integer of at least {low}')
    if not any(wanted[f'{split}_scenes'] for split in ('train', 'val', 'test')):
        raise ValueError('train_scenes, val_scenes and test_scenes are 0: nothing would be in the world')
    if len(wanted['size']) != 2 or min(wanted['size']) < 16:
        raise ValueError(f'size is {wanted["size"]}, expected height and width of at least 16 pixels')
    if not wanted['interval'] > 0:
        raise ValueError(f'interval is {wanted["interval"]}, expected more than 0 seconds')
    if jobs < 1:
        raise ValueError(f'jobs is {jobs}, expected at least 1')


def _found(out_dir, wanted, force):
    """Whether the wanted world is at ``out_dir``; raises where something else is that may not be replaced."""
    if not out_dir.exists() or (out_dir.is_dir() and not any(out_dir.iterdir())):
        return False
    record = out_dir / 'world.json'
    found = read_json(record) if record.is_file() else None
    if not isinstance(found, dict):
        raise FileExistsError(
            f'{out_dir} exists and is not a synthetic world (it has no such world.json): choose another directory'
        )
    if found == wanted:
        return True
    if not force:
        differ = ', '.join(f'{k} {found.get(k)!r} instead of {v!r}' for k, v in wanted.items() if found.get(k) != v)
        raise FileExistsError(
            f'{out_dir} holds another world ({differ}): '
            'choose another directory, or replace it with --force (force=True)'
        )
    return False


@contextmanager
def _writing(what):
    """Say what could not be written: Python's own errors of a full disk name no file."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise OSError(
            error.errno, f'cannot write {what}: {error.filename or ""} {reason}'.replace(':  ', ': ')
        ) from error


def _write(root, wanted, jobs):
    tasks = []
    for split, name in enumerate(SPLITS):
        for number in range(wanted[f'{name}_scenes']):
            tasks.append((root, f'{len(tasks):06d}', split, number, wanted))
    files = [[], [], []]
    for done, (split, path) in enumerate(_run(tasks, jobs), 1):
        files[split].append(path)
        logger.info('%d of %d scenes', done, len(tasks))
    with _writing(f'the index of {root}'):
        write_index(root, [sorted(paths) for paths in files])
        write_json(root / 'world.json', wanted)


def _run(tasks, jobs):
    """Yield the result of ``_write_scene`` for each task, as they come."""
    if jobs == 1:
        yield from map(_write_scene, tasks)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context('spawn'), end_with_parent) as pool:
        futures = [pool.submit(_write_scene, task) for task in tasks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _write_scene(task):
    root, name, split, number, wanted = task
    scene = Scene(
        wanted['seed'],
        wanted['preset'],
        split,
        number,
        wanted['frames_per_scene'],
        wanted['interval'],
        tuple(wanted['size']),
        *map(wanted.get, ('rig', 'streets', 'weathers')),
    )
    with _writing(f'scene {name} of {root}'):
        return split, scene.write(root, name)
