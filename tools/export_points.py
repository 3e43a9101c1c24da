"""Write the predicted depth of all cameras as point clouds that a stock LiDAR detector reads.

    python tools/export_points.py configs/fsmde_kd_nuscenes.py student.pth --out data/nuscenes/pseudo_points

One file a frame of the config's test data set: where all LiDAR files are ``.bin`` and lie in one folder, as those of
nuScenes do, under the name of the frame's LiDAR file, so that ``data_prefix=dict(pts='pseudo_points')`` leads mmdet3d's
``LoadPointsFromFile`` to it, else ``<frame_id>.bin``. A point
is five float32: x, y, z in metres, confidence in [0, 1], 0; with --color also r, g, b in [0, 1]. Training frames:
``--cfg-options test_dataloader.dataset.ann_file=nuscenes_infos_train.pkl``.
"""

import argparse

from mmengine.config import DictAction
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.utils import track_iter_progress

from fsmde.apis import export_points, load_model
from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.datasets import PseudoPointsFromDepth
from fsmde.engine.config_files import read_config


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog='See the top of this file for what is written.'
    )
    parser.add_argument('config', help='config of a depth estimator')
    parser.add_argument('checkpoint', help='its checkpoint')
    parser.add_argument('--out', required=True, help='folder to write to')
    parser.add_argument('--data-root', help='folder of the data set; replaces data_root of every data set')
    parser.add_argument('--frame', choices=['lidar', 'ego'], default='lidar', help='where the points live')
    parser.add_argument('--stride', type=int, default=2, help='take every n-th row and column')
    parser.add_argument('--max-depth', type=float, default=60.0, help='metres; farther pixels give no point')
    parser.add_argument('--min-confidence', type=float, default=0.0, help='in [0, 1]; less sure pixels give no point')
    parser.add_argument(
        '--range', type=float, nargs=6, default=[-51.2, -51.2, -5, 51.2, 51.2, 3], help='x y z x y z in metres'
    )
    parser.add_argument('--overlap-tolerance', type=float, default=0.1, help='see PseudoPointsFromDepth')
    parser.add_argument('--voxel-size', type=float, default=0.1, help='metres; one point a voxel, 0 for all')
    parser.add_argument('--color', action='store_true', help='append r, g, b')
    parser.add_argument('--overwrite', action='store_true', help='replace files of the same names')
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, help='settings such as test_dataloader.num_workers=0'
    )
    return refuse_empty_options(parser, parser.parse_args())


@mistakes_in_one_line('export_points')
def main():
    args = parse_args()
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    init_default_scope('mmdet3d')
    model = load_model(cfg, args.checkpoint)
    fuse = PseudoPointsFromDepth(
        depth_key='pred_depth',
        frame=args.frame,
        stride=args.stride,
        max_depth=args.max_depth,
        min_confidence=args.min_confidence,
        point_cloud_range=args.range,
        overlap_tolerance=args.overlap_tolerance,
        voxel_size=args.voxel_size or None,
        color=args.color,
    )
    loader = Runner.build_dataloader(cfg.test_dataloader)
    written, points = export_points(
        model, loader, args.out, fuse, lambda it: track_iter_progress((it, len(it))), args.overwrite
    )
    print(f'\n{written} frames, {points / max(written, 1):.0f} points each, in {args.out}')


if __name__ == '__main__':
    main()
