"""Look at a data set before training on it: draw its LiDAR on its images and say what is wrong.

    python tools/analysis_tools/browse_dataset.py CONFIG [--data-root DIR] [--split train] [--out DIR] [--frames 5]

Frames are taken evenly over the split and go through the config's pipeline, augmentation included. Ends with exit code
1 if there is anything to look at.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from mmdet3d.registry import DATASETS

import fsmde  # noqa: F401
from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.engine.config_files import of_one_rig, read_config
from fsmde.output_names import output_path
from fsmde.visualization import draw_panel, ring_order
from fsmde.visualization.frame_checks import check_frame, check_timestamps
from fsmde.visualization.frames import write_jpeg

HEADER = (
    f'{"camera":24}{"points":>8}{"pixels":>8}{"nearest":>9}{"median":>8}{"farthest":>10}'
    f'{"view":>6}{"overlap":>9}{"hidden":>8}{"edges":>8}'
)
LEGEND = """
points, pixels: pixels with a LiDAR point, and their fraction of the image
view: horizontal field of view; overlap: with the left neighbour
hidden: fraction of the image where the car itself is seen
edges: where the image has its edges, seen from those of the LiDAR; - where that is not clear"""


def build_dataset(config: str, split: str, data_root: str = None):
    """The data set of a config's split, with its augmentation fixed."""
    cfg = read_config(config, data_root)
    loader = cfg.get(f'{split}_dataloader')
    if loader is None:
        raise ValueError(f'{config} has no {split}_dataloader')
    dataset = DATASETS.build(of_one_rig(loader.dataset, config))
    while not hasattr(dataset, 'prepare_data') and hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    dataset.full_init()
    dataset.set_epoch(0, 0)
    return dataset


def describe(report) -> str:
    """One line of the table for one camera."""
    nearest, median, farthest = report.depth
    edges = '-' if report.edge_shift is None else f'{report.edge_shift:+d} px'
    return (
        f'{report.name:24}{report.points:8d}{report.coverage:8.1%}{nearest:7.1f} m{median:6.1f} m{farthest:8.1f} m'
        f'{report.field_of_view:5.0f}°{report.overlap:8.1f}°{report.hidden:8.0%}{edges:>8}'
    )


def browse_frame(dataset, index: int, max_depth: float, out: Path) -> list:
    """Check one frame, print its table, draw it, and return its problems as sentences."""
    info = dataset.get_data_info(index)
    frame_id = info['frame_id']
    try:
        # Not dataset[index]: in training that one replaces broken frames.
        data = dataset.prepare_data(index)
    except Exception as error:
        return [f'frame {frame_id} cannot be read: {type(error).__name__}: {error}']
    sample = data['data_samples']
    images = data['inputs']['img'].flip(1).numpy()
    reports = check_frame(sample, images, has_lidar=info['labelled'])
    print(f'\nframe {frame_id} (number {index}){"" if info["labelled"] else ", which has no LiDAR"}\n{HEADER}')
    for report in reports:
        print(describe(report))
    depth, mask = sample.gt_depth.numpy(), sample.valid_mask.numpy()
    order = ring_order(sample.cam2ego)
    panel = draw_panel(images, None, depth, sample.cam_names, max_depth, order=order, valid_mask=mask, cell_width=480)
    stem = output_path(out, frame_id)
    path = stem.with_name(f'{stem.name}.jpg')
    write_jpeg(path, panel)
    print(path)
    return [f'frame {frame_id}, {report.name}: {problem}' for report in reports for problem in report.problems]


@mistakes_in_one_line('browse_dataset')
def main():
    parser = argparse.ArgumentParser(description='Draw LiDAR on the images of a data set and report what is wrong.')
    parser.add_argument('config', help='config file')
    parser.add_argument('--data-root', help='folder of the data set; replaces data_root of every data set')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='val')
    parser.add_argument('--out', default='work_dirs/browse_dataset', help='folder for the pictures')
    parser.add_argument('--frames', type=int, default=5, help='number of frames, evenly over the split')
    args = refuse_empty_options(parser, parser.parse_args())
    if args.frames < 1:
        parser.error(f'--frames must be 1 or more, found {args.frames}')
    dataset = build_dataset(args.config, args.split, args.data_root)
    cameras = dataset.metainfo['cam_names']
    print(f'{type(dataset).__name__}, {args.split}: {len(dataset)} frames of {len(cameras)} cameras')
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    problems = check_timestamps([info['scene'] for info in infos], [info.get('timestamp') for info in infos])
    for index in np.unique(np.linspace(0, len(dataset) - 1, args.frames).round().astype(int)).tolist():
        problems += browse_frame(dataset, index, dataset.metainfo['max_depth'], Path(args.out))
    print(LEGEND)
    print(
        '\n'.join(['', f'{len(problems)} things to look at:', *problems]) if problems else '\nnothing wrong was found'
    )
    sys.exit(bool(problems))


if __name__ == '__main__':
    main()
