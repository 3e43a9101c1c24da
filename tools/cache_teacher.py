"""Ask the teacher once for every frame, and write its answers down: training then runs without it.

    python tools/cache_teacher.py configs/fsmde_kd_ddad.py --data-root DDAD --out DDAD/teacher
    torchrun --nproc_per_node 8 tools/cache_teacher.py CONFIG --out DIR    # eight GPUs; srun works as well

The config is one with a live teacher, or one with a CachedTeacher, which names the folder itself. Features are kept if a
distiller of the config reads them; what the cache will take on disk is said before it is written. A run that was stopped
goes on where it was. See docs/performance.md.
"""

import argparse
import copy
import os
import shutil
import time

import numpy as np
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import DictAction
from mmengine.registry import init_default_scope
from torch.utils.data import DataLoader, Dataset

import fsmde  # noqa: F401
from fsmde.concurrency import BusyError
from fsmde.engine.launch import rank_and_world, read_config, refuse_empty_options
from fsmde.output_names import check_names
from fsmde.teacher_cache import TeacherCache


def type_name(config):
    """Name of the class that a config builds, which is a class in a pure Python config and a name in others."""
    kind = config['type']
    return kind.split('.')[-1] if isinstance(kind, str) else kind.__name__


def with_live_teacher(model):
    """A copy of a model's config with the teacher itself in the place of its cache, and the cache's folder or None."""
    model = copy.deepcopy(model)
    if 'teacher' not in model:
        raise SystemExit('the model of this config has no teacher: give a config of a distilled student')
    if type_name(model.teacher) != 'CachedTeacher':
        return model, None
    folder, teacher = model.teacher.cache, model.teacher.get('teacher')
    if teacher is None:
        raise SystemExit('model.teacher is a CachedTeacher without `teacher`: there is nobody to ask')
    model.teacher = teacher
    return model, folder


def teacher_views(pipeline, with_lidar):
    """The transforms that make what the teacher is shown: those before its place in a pipeline; LiDAR's if it reads them."""
    names = [type_name(transform) for transform in pipeline]
    places = [i for i, name in enumerate(names) if name in ('KeepTeacherViews', 'LoadTeacherAnswers')]
    if not places:
        raise SystemExit('neither KeepTeacherViews nor LoadTeacherAnswers is in the training pipeline')
    if with_lidar:
        if 'LoadSurroundLidar' not in names[: places[0]]:
            raise SystemExit(f'this teacher reads LiDAR: put LoadSurroundLidar before {names[places[0]]}')
        return [*pipeline[: places[0]], dict(type='mmdet3d.KeepTeacherViews', lidar=True)]
    lidar = 'LoadSurroundLidar', 'SubsampleLidar'
    return [pipeline[i] for i in range(places[0]) if names[i] not in lidar]


def build_datasets(config, with_lidar=False):
    """The data sets inside a data set's config, whatever wraps them, each with the teacher's pipeline."""
    if 'datasets' in config:
        parts = config.datasets.values() if isinstance(config.datasets, dict) else config.datasets
        return [dataset for inner in parts for dataset in build_datasets(inner, with_lidar)]
    if 'dataset' in config:
        return build_datasets(config.dataset, with_lidar)
    # In test mode a frame that cannot be read is an error here, and is not replaced by another one.
    return [DATASETS.build(dict(config, pipeline=teacher_views(config.pipeline, with_lidar), test_mode=True))]


class Views(Dataset):
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


def ask(teacher, frame, device):
    """The teacher's depth (N, h, w), NaN where it is not valid, and features (N, C, h', w') or None of a frame."""
    images = torch.from_numpy(np.stack(frame['img'])[..., ::-1].transpose(0, 3, 1, 2).copy())
    views = dict(cam2img=frame['cam2img'], cam2ego=frame['cam2ego'])
    if 'lidar' in teacher.reads:
        views['lidar'] = frame['teacher_lidar']
    views = {key: torch.as_tensor(value, dtype=torch.float32)[None].to(device) for key, value in views.items()}
    output = teacher(images[None].to(device), **views)
    depth = output.depth.where(output.valid, torch.full_like(output.depth, torch.nan))[0]
    return depth.cpu().numpy(), None if output.features is None else output.features.cpu().numpy()


def say_cost(path, remaining, folder):
    """Print what the cache will take, measured on its first file; stop if the disk is too small."""
    size, free = path.stat().st_size, shutil.disk_usage(folder).free
    gib = remaining * size / 2**30
    print(f'{size / 2**20:.2f} MiB a frame, {gib:.1f} GiB for {remaining} frames; free: {free / 2**30:.1f} GiB')
    if remaining * size > free:
        raise SystemExit(
            f'{folder} has {free / 2**30:.1f} GiB free, {gib:.1f} are needed: choose another disk, or set '
            'model.teacher.feature_size (see docs/performance.md)'
        )


def frame_ids(datasets) -> list:
    """Each data set's frame_ids in its order.

    Stops where frames of two data sets have one name and are not the same frame: a cache has one answer a name.
    """
    seen, ids = {}, []
    for dataset in datasets:
        ids.append([])
        for i in range(len(dataset)):
            info = dataset.get_data_info(i)
            name, paths = info['frame_id'], info['img_path']
            if seen.setdefault(name, paths) != paths:
                raise SystemExit(
                    f'frame {name} is in two data sets, as {seen[name][0]} and {paths[0]}: write a cache for each'
                )
            ids[-1].append(name)
    return ids


def cache_frames(teacher, with_features, dataset, ids, cache, args, rank, world):
    """Answer for every ``world``-th frame of a data set that the cache does not have; ``ids`` are its frames' names."""
    check_names(cache.root, set(ids))
    absent = [i for i, frame_id in enumerate(ids) if not cache.path(frame_id).is_file()]
    mine = [i for i in absent if i % world == rank]
    device = torch.device(f'cuda:{os.environ.get("LOCAL_RANK", 0)}' if torch.cuda.is_available() else 'cpu')
    loader = DataLoader(Views(dataset, ids, mine), batch_size=None, num_workers=args.workers, collate_fn=tuple)
    start, cost_is_known = time.time(), rank > 0
    for number, (frame_id, frame) in enumerate(loader, 1):
        if isinstance(frame, str):
            print(f'frame {frame_id} cannot be read and is left out: {frame}', flush=True)
            cache.mark_unreadable(frame_id, frame)
            continue
        depth, features = ask(teacher, frame, device)
        read = dict(cam2ego=frame['cam2ego']) if 'cam2ego' in teacher.reads else {}
        if 'lidar' in teacher.reads:
            read['lidar_points'] = frame['lidar_points']
        cache.write(frame_id, frame['img'], frame['cam2img'], depth, features if with_features else None, **read)
        if not cost_is_known:
            cost_is_known = True
            say_cost(cache.path(frame_id), len(absent), cache.root)
        if number % 100 == 0 or number == len(mine):
            left = (time.time() - start) / number * (len(mine) - number)
            print(f'rank {rank}: {number} of {len(mine)} frames, {left / 60:.0f} min left', flush=True)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of a distilled student')
    parser.add_argument('--out', help='folder of the cache; that of the CachedTeacher in the config by default')
    parser.add_argument('--data-root', help='folder of the data set; replaces data_root of every data set')
    parser.add_argument('--workers', type=int, default=4, help='processes a rank that read images')
    parser.add_argument('--allow-missing', type=int, default=0, help='number of frames that cannot be read')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='settings such as model.teacher.model=DIR')
    return refuse_empty_options(parser, parser.parse_args())


def main():
    args = parse_args()
    rank, world = rank_and_world()
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    init_default_scope('mmdet3d')
    config, folder = with_live_teacher(cfg.model)
    if not (args.out or folder):
        raise SystemExit('the config names no cache: give --out DIR')
    model = MODELS.build(config)
    with_features = any(distiller.reads_teacher_features for distiller in model.distillers)
    cache = TeacherCache(args.out or folder)
    description = dict(
        identity=model.teacher.identity(),
        space=model.teacher.space,
        feature_channels=model.teacher.feature_channels if with_features else None,
        name=model.teacher.name,
        licence=model.teacher.licence,
    )
    datasets = build_datasets(cfg.train_dataloader.dataset, 'lidar' in model.teacher.reads)
    names = frame_ids(datasets)
    try:
        with cache.writer(rank):
            cache.begin(description)
            for dataset, of_dataset in zip(datasets, names):
                cache_frames(model.teacher, with_features, dataset, of_dataset, cache, args, rank, world)
    except BusyError as error:
        raise SystemExit(f'cache_teacher: {error}') from error
    # Ranks do not talk to each other: each finds out by itself whether it is the last one.
    ids = [frame_id for of_dataset in names for frame_id in of_dataset]
    absent = [frame_id for frame_id in ids if not cache.path(frame_id).is_file()]
    waiting = [frame_id for frame_id in absent if not cache.is_settled(frame_id)]
    if waiting:
        print(f'rank {rank} is done; other ranks are at work, or were stopped: {len(waiting)} frames are to come')
    elif len(absent) > args.allow_missing:
        print(
            f'rank {rank} is done, but {len(absent)} frames cannot be read, such as {absent[0]} (see above; '
            '--allow-missing says that this is known)'
        )
    elif cache.finish():
        print(f'{cache.root} is complete: {len(ids) - len(absent)} of {len(ids)} frames')
    else:
        print(f'rank {rank} is done; other ranks are at work')


if __name__ == '__main__':
    main()
