"""Where one loader worker's time goes, how it compares with stock transforms, and what grows with the data set.

    python tools/analysis_tools/benchmark_loader.py configs/fsmde_kd_ddad.py --data-root DDAD
    python tools/analysis_tools/benchmark_loader.py configs/fsmde_sup_ddad.py --data-root DDAD \
        --baseline configs/benchmark_loader/stock_pipeline.py
    python tools/analysis_tools/benchmark_loader.py configs/fsmde_sup_ddad.py --data-root DDAD \
        --index-frames 100 1000 12650

The first prints the time of each transform for a frame. The second runs the pipeline without its random transforms beside
others that make the same, frame by frame in turn, on PNG and on JPEG: the same images, written again into a temporary
folder; 'rectified' does so as if every camera had a mild lens. The third loads indices of so many frames, made of copies
of the first scene, and starts workers on them.
All with one thread, as in a worker. CPU time is what a worker needs whatever else runs.
"""

import argparse
import copy
import json
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import torch
from mmdet3d.registry import DATASETS
from mmengine.config import DictAction
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from PIL import Image
from torch.utils.data import DataLoader

from fsmde import image_files
from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.datasets import LoadSurroundImages, RectifyViews
from fsmde.datasets.repeated_index import write_repeated_index
from fsmde.engine.config_files import read_config, read_config_file, set_data_root
from fsmde.lenses import PlumbBobLens
from fsmde.output_files import write_text

FORMATS = dict(PNG=('.png', {}), JPEG=('.jpg', dict(quality=95)))
#: Of a front camera of the Waymo Open Dataset.
LENS = PlumbBobLens((0.04036, -0.33002, 0.00104, -0.00157, 0.0))


def run(transforms, info):
    """A frame's results behind all transforms, and CPU milliseconds by transform."""
    results, milliseconds = info, defaultdict(float)
    for transform in transforms:
        start = time.process_time()
        results = transform(results)
        milliseconds[type(transform).__name__] += 1000 * (time.process_time() - start)
    return results, milliseconds


def measure(contenders, infos, frames):
    """Median CPU milliseconds {contender: {transform: ms}}, frame by frame in turn, behind an untimed first one.

    Args:
        contenders: {name: function of an index entry that returns what :func:`run` returns}.
        infos: Functions that make an index entry.
    """
    times = {name: [] for name in contenders}
    for number in range(-1, frames):
        for name, contender in contenders.items():
            milliseconds = contender(infos[number % len(infos)]())[1]
            if number >= 0:
                times[name].append(dict(milliseconds, all=sum(milliseconds.values())))
    return {name: {key: float(np.median([t[key] for t in rows])) for key in rows[0]} for name, rows in times.items()}


def rewrite_images(infos, folder, suffix, options):
    """Index entries whose images are written again into ``folder``, in another format."""
    rewritten = []
    for number, info in enumerate(infos):
        paths = [str(Path(folder) / f'{number}_{camera}{suffix}') for camera in range(len(info['img_path']))]
        for source, path in zip(info['img_path'], paths):
            Image.open(source).save(path, **options)
        rewritten.append(dict(info, img_path=paths))
    return rewritten


def without_kornia_rs(contender):
    """The same contender with OpenCV's PNG decoder."""

    def call(info):
        decoder, image_files.decode_png = image_files.decode_png, None
        try:
            return contender(info)
        finally:
            image_files.decode_png = decoder

    return call


def decode_only(info):
    """What no pipeline can do without: OpenCV decodes the images."""
    start = time.process_time()
    images = [cv2.imread(path) for path in info['img_path']]
    return images, dict(decode=1000 * (time.process_time() - start))


def compare(cfg, baselines, frames, sources=3):
    """Print the pipeline of ``cfg`` beside those of ``baselines`` on both formats; returns the medians."""
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    deterministic = [t for t in dataset.pipeline.transforms if not type(t).__name__.startswith('Random')]
    stock = {path: Compose(read_config_file(path).train_dataloader.dataset.pipeline) for path in baselines}
    size = next(t.size for t in deterministic if hasattr(t, 'size'))
    reduced = [image_files_at(size, t) for t in deterministic]
    originals = [dataset.get_data_info(i) for i in range(min(sources, len(dataset)))]
    medians = {}
    print('| images | pipeline | CPU ms | frames/s | against the first | projection ms |\n|' + ' --- |' * 6)
    for form, (suffix, options) in FORMATS.items():
        with tempfile.TemporaryDirectory() as folder:
            infos = rewrite_images(originals, folder, suffix, options)
            contenders = {
                Path(path).stem: lambda info, other=other: run(other.transforms, info) for path, other in stock.items()
            }
            ours = lambda info: run(deterministic, info)
            if form == 'PNG' and image_files.decode_png is not None:
                contenders['this one, decoded by OpenCV'] = without_kornia_rs(ours)
            contenders['this one'] = ours
            contenders['this one, rectified'] = lambda info: run(*rectified(deterministic, info, size))
            if form == 'JPEG':
                contenders['this one, reduce_to'] = lambda info: run(reduced, info)
                contenders['this one, reduce_to, rectified'] = lambda info: run(*rectified(reduced, info, size))
            contenders['decode only, OpenCV'] = decode_only
            medians[form] = measure(contenders, [lambda info=info: copy.deepcopy(info) for info in infos], frames)
            first = next(iter(medians[form].values()))['all']
            for name, median in medians[form].items():
                projection = next((f'{ms:.1f}' for key, ms in median.items() if 'Project' in key), '')
                print(
                    f'| {form} | {name} | {median["all"]:.1f} | {1000 / median["all"]:.2f} | '
                    f'{first / median["all"]:.2f} | {projection} |'
                )
            if form == 'PNG':
                note = differences(
                    contenders['this one'](copy.deepcopy(infos[0]))[0], next(iter(contenders.values())), infos[0]
                )
    print(f'\n{note}')
    return medians


def image_files_at(size, transform):
    """The transform, or one that decodes JPEGs at a fraction of their size if it loads images."""
    return type(transform)(reduce_to=size) if hasattr(transform, 'reduce_to') else transform


def rectified(transforms, info, size):
    """The transforms and the frame as if every camera had a mild lens, which is taken out where images are resized."""
    place = next(i for i, t in enumerate(transforms) if isinstance(t, LoadSurroundImages)) + 1
    lenses = [LENS] * len(info['img_path'])
    return [*transforms[:place], RectifyViews(size=size), *transforms[place:]], dict(info, lenses=lenses)


def differences(packed, baseline, info):
    """One line: how far the outputs of the pipeline and of the first baseline lie apart on a frame."""
    sample, other = packed['data_samples'], baseline(copy.deepcopy(info))[0]
    depth, other_depth = sample.gt_depth, other['data_samples'].gt_instances_3d.depths
    both = (depth > 0) & (other_depth > 0)
    relative = ((depth - other_depth).abs() / other_depth)[both]
    grey = (packed['inputs']['img'].float() - other['inputs']['img'].float()).abs().mean()
    return (
        f'outputs: {int(((depth > 0) != (other_depth > 0)).sum())} of {int((depth > 0).sum())} depth pixels are in one '
        f'of both only, {int((relative > 1e-3).sum())} differ by more than 0.1 %; images by {grey:.2f} grey levels in '
        'the mean'
    )


def private_memory(_):
    """MiB that only this process holds; a loader's worker calls it in place of collating."""
    try:
        lines = Path('/proc/self/smaps_rollup').read_text().splitlines()
    except OSError:
        return float('nan')
    return sum(int(line.split()[1]) for line in lines if line.startswith('Private_')) / 1024


def measure_index(cfg, root, frames, workers=2, reads=100):
    """Load an index of so many frames and start workers on it: what grows, and what does not."""
    with tempfile.TemporaryDirectory() as folder:
        write_repeated_index(root, frames, folder)
        set_data_root(cfg, folder)
        start = time.perf_counter(), time.process_time()
        dataset = DATASETS.build(dict(cfg.train_dataloader.dataset, pipeline=[]))
        row = dict(frames=len(dataset), wall_s=time.perf_counter() - start[0], cpu_s=time.process_time() - start[1])
        places = np.linspace(0, len(dataset) - 1, reads).astype(int).tolist()
        loader = DataLoader(dataset, sampler=places, num_workers=workers, collate_fn=private_memory)
        start = time.perf_counter()
        iterator = iter(loader)
        memory = [next(iterator)]
        row['workers_start_s'] = time.perf_counter() - start
        row['index_mib'] = dataset.data_bytes.nbytes / 2**20
        row['worker_mib'] = max(memory + list(iterator))
    return row


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('--data-root', required=True, help='folder of the data set')
    parser.add_argument('--frames', type=int, default=12, help='frames to time')
    parser.add_argument('--baseline', nargs='+', help='configs of other pipelines; the first is what is compared with')
    parser.add_argument('--index-frames', type=int, nargs='+', help='load DGP indices of so many frames instead')
    parser.add_argument('--out', help='json file for the figures')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return refuse_empty_options(parser, parser.parse_args())


@mistakes_in_one_line('benchmark_loader')
def main():
    args = parse_args()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    init_default_scope('mmdet3d')
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    if args.index_frames:
        figures = [measure_index(cfg, args.data_root, frames) for frames in args.index_frames]
        print('| frames | loaded in s | CPU s | index MiB | workers start in s | MiB of a worker |\n|' + ' --- |' * 6)
        for row in figures:
            print(
                f'| {row["frames"]} | {row["wall_s"]:.2f} | {row["cpu_s"]:.2f} | {row["index_mib"]:.1f} | '
                f'{row["workers_start_s"]:.2f} | {row["worker_mib"]:.1f} |'
            )
    elif args.baseline:
        figures = compare(cfg, args.baseline, args.frames)
    else:
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        infos = [lambda i=i: dataset.get_data_info(i) for i in range(len(dataset))]
        figures = measure({'all': lambda info: run(dataset.pipeline.transforms, info)}, infos, args.frames)['all']
        print('| transform | CPU ms |\n| --- | --- |')
        for name, milliseconds in figures.items():
            print(f'| {name} | {milliseconds:.1f} |')
        print(f'\n{1000 / figures["all"]:.2f} frames a second of one worker')
    if args.out:
        write_text(args.out, json.dumps(figures, indent=1))


if __name__ == '__main__':
    main()
