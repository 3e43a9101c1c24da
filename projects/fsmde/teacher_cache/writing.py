"""Ask a config's teacher for every frame of its training data, and write the answers down."""

import copy
import shutil
import time

import numpy as np
import torch
from mmdet3d.registry import MODELS
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader, Dataset

from fsmde.config_types import type_name
from fsmde.output_names import check_names
from fsmde.ranks import local_rank

from .cache import TeacherCache
from .shown_frames import build_datasets, frame_ids


def write_answers(
    cfg, out=None, workers: int = 4, allow_missing: int = 0, rank: int = 0, world: int = 1, say=print
) -> bool:
    """Write a teacher's cache, or what is missing in it.

    Features are kept if a distiller of the config reads them. Processes that share the work do not talk to each other: each
    answers for every ``world``-th frame, and the last one declares the cache complete.

    Args:
        cfg: Config of a distilled student, with a live teacher or with a CachedTeacher around it.
        out: Folder of the cache; that of the CachedTeacher by default.
        workers: Processes that read images.
        allow_missing: Number of frames that cannot be read, and are known to be missing in the cache.
        rank, world: Which of how many processes this one is.
        say: Is given lines of progress, and what the cache will take on disk.

    Returns:
        Whether the cache is complete; False while other ranks are at work.

    Raises:
        ValueError: If the config has no teacher, no place for its answers or no folder for them, two data sets have frames of
            one name, the folder holds answers of another teacher, or more frames than allowed cannot be read.
        OSError: If the disk is too small.
        fsmde.concurrency.BusyError: If another process is at work as this rank.
    """
    init_default_scope('mmdet3d')
    config, folder = with_live_teacher(cfg.model)
    if not (out or folder):
        raise ValueError('the config names no cache: give --out DIR')
    model = MODELS.build(config)
    teacher, cache = model.teacher, TeacherCache(out or folder)
    with_features = any(distiller.reads_teacher_features for distiller in model.distillers)
    description = dict(
        identity=teacher.identity(),
        space=teacher.space,
        feature_channels=teacher.feature_channels if with_features else None,
        name=teacher.name,
        licence=teacher.licence,
    )
    datasets = build_datasets(cfg.train_dataloader.dataset, 'lidar' in teacher.reads)
    names = frame_ids(datasets)
    with cache.writer(rank):
        cache.begin(description)
        for dataset, ids in zip(datasets, names):
            _cache_frames(teacher, with_features, dataset, ids, cache, workers, rank, world, say)
    return declare_complete(cache, names, allow_missing, rank, say)


def declare_complete(cache, names: list, allow_missing: int, rank: int, say, judge=None) -> bool:
    """Declare a cache complete if it is, and say so, or what is missing.

    Ranks do not talk to each other: each finds out by itself whether it is the last one.

    Args:
        cache: The :class:`CacheFolder`, which this process does not write to any more.
        names: Names of each data set's frames.
        allow_missing: Number of frames that cannot be read, and are known to be missing.
        rank: Which process this one is.
        say: Is given a line.
        judge: Makes what is to be said beside of the names of the frames that are there, or raises if they are of no use.

    Returns:
        Whether it is complete; False while other ranks are at work, or where they were stopped.

    Raises:
        ValueError: If more frames than allowed cannot be read.
    """
    ids = list(dict.fromkeys(frame_id for of_dataset in names for frame_id in of_dataset))
    absent = [frame_id for frame_id in ids if not cache.path(frame_id).is_file()]
    waiting = [frame_id for frame_id in absent if not cache.is_settled(frame_id)]
    if waiting:
        say(f'rank {rank} is done; other ranks are at work, or were stopped: {len(waiting)} frames are to come')
        return False
    if len(absent) > allow_missing:
        raise ValueError(
            f'{cache.root} is not complete: {len(absent)} of {len(ids)} frames cannot be read, such as {absent[0]} (each is '
            f'named above); mend them and run this again, or say by --allow-missing {len(absent)} that it is known'
        )
    verdict = judge and judge([frame_id for frame_id in ids if cache.path(frame_id).is_file()])
    if not cache.finish():
        say(f'rank {rank} is done; other ranks are at work')
        return False
    say(f'{cache.root} is complete: {len(ids) - len(absent)} of {len(ids)} frames')
    if verdict:
        say(verdict)
    return True


def with_live_teacher(model: dict) -> tuple:
    """A copy of a model's config with the teacher itself in the place of its cache, and the cache's folder or None.

    Raises:
        ValueError: If there is no teacher, or nobody behind its cache.
    """
    model = copy.deepcopy(model)
    if 'teacher' not in model:
        raise ValueError('the model of this config has no teacher: give a config of a distilled student')
    if type_name(model.teacher) != 'CachedTeacher':
        return model, None
    folder, teacher = model.teacher.cache, model.teacher.get('teacher')
    if teacher is None:
        raise ValueError('model.teacher is a CachedTeacher without `teacher`: there is nobody to ask')
    model.teacher = teacher
    return model, folder


class _Views(Dataset):
    """What the teacher is shown of some frames: (frame id, frame), or (frame id, error)."""

    def __init__(self, dataset, ids, indices):
        self.dataset, self.ids, self.indices = dataset, ids, indices

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, i):
        index = self.indices[i]
        try:
            frame = self.dataset[index]
        except Exception as error:  # Training leaves such a frame out, too.
            return self.ids[index], f'{type(error).__name__}: {error}'
        shown = {key: frame[key] for key in ('img', 'cam2img', 'cam2ego', 'teacher_lidar') if key in frame}
        return frame['frame_id'], dict(shown, lidar_points=len(frame.get('lidar_points', ())))


def _cache_frames(teacher, with_features, dataset, ids, cache, workers, rank, world, say):
    """Answer for every ``world``-th frame of a data set that the cache does not have; ``ids`` are its frames' names."""
    # A frame may be there more than once, as labelled ones that take the places of others.
    first = {}
    for i, frame_id in enumerate(ids):
        first.setdefault(frame_id, i)
    check_names(cache.root, first)
    absent = {frame_id for frame_id in first if not cache.path(frame_id).is_file()}
    # Counted over all of them, so that ranks that start later share alike.
    shared = list(first.items())[rank::world]
    mine = [i for frame_id, i in shared if frame_id in absent]
    device = own_device()
    loader = DataLoader(_Views(dataset, ids, mine), batch_size=None, num_workers=workers, collate_fn=tuple)
    start, cost_is_known = time.time(), rank > 0
    for number, (frame_id, frame) in enumerate(loader, 1):
        if isinstance(frame, str):
            say(f'frame {frame_id} cannot be read and is left out: {frame}')
            cache.mark_unreadable(frame_id, frame)
            continue
        depth, features = _ask(teacher, frame, device)
        read = dict(cam2ego=frame['cam2ego']) if 'cam2ego' in teacher.reads else {}
        if 'lidar' in teacher.reads:
            read['lidar_points'] = frame['lidar_points']
        cache.write(frame_id, frame['img'], frame['cam2img'], depth, features if with_features else None, **read)
        if not cost_is_known:
            cost_is_known = True
            say(_cost(cache.path(frame_id), len(absent), cache.root))
        if number % 100 == 0 or number == len(mine):
            left = (time.time() - start) / number * (len(mine) - number)
            say(f'rank {rank}: {number} of {len(mine)} frames, {left / 60:.0f} min left')


def own_device():
    """This process's accelerator, or the CPU. A process may be shown one only, whichever of its machine it is."""
    if not torch.cuda.is_available():
        return torch.device('cpu')
    return torch.device('cuda', local_rank() % torch.cuda.device_count())


def _ask(teacher, frame, device):
    """The teacher's depth (N, h, w), NaN where it is not valid, and features (N, C, h', w') or None of a frame."""
    images = torch.from_numpy(np.stack(frame['img'])[..., ::-1].transpose(0, 3, 1, 2).copy())
    views = dict(cam2img=frame['cam2img'], cam2ego=frame['cam2ego'])
    if 'lidar' in teacher.reads:
        views['lidar'] = frame['teacher_lidar']
    views = {key: torch.as_tensor(value, dtype=torch.float32)[None].to(device) for key, value in views.items()}
    output = teacher(images[None].to(device), **views)
    depth = output.depth.where(output.valid, torch.full_like(output.depth, torch.nan))[0]
    return depth.cpu().numpy(), None if output.features is None else output.features.cpu().numpy()


def _cost(path, remaining, folder):
    """What the cache will take, measured on its first file; an error if the disk is too small."""
    size, free = path.stat().st_size, shutil.disk_usage(folder).free
    gib = remaining * size / 2**30
    if remaining * size > free:
        raise OSError(
            f'{folder} has {free / 2**30:.1f} GiB free, {gib:.1f} are needed: choose another disk, or set '
            'model.teacher.feature_size (see docs/performance.md)'
        )
    return f'{size / 2**20:.2f} MiB a frame, {gib:.1f} GiB for {remaining} frames; free: {free / 2**30:.1f} GiB'
