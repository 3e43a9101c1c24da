"""Bring predicted depth to scale: one factor for the rig, or one a camera, into the rig file; if it helps.

    python tools/calibrate_scale.py MODEL INPUT --rig rig.yaml --lidar DIR
    python tools/calibrate_scale.py MODEL INPUT --rig rig.yaml --distances distances.csv
    python tools/calibrate_scale.py MODEL INPUT --rig rig.yaml --ground

The factor is judged on frames that it was not fitted to. If the error there falls by more than two standard errors, it is
multiplied into `depth_scale` of the rig file, and the file as it was stays beside it; otherwise nothing is changed. MODEL
and INPUT as tools/infer.py takes them. See docs/scale_calibration.md.
"""

import argparse
import shutil
from pathlib import Path

from fsmde.apis import SurroundDepthInferencer
from fsmde.apis.scale_calibration import GROUND, calibrate_rig, gather_evidence, read_distances
from fsmde.apis.sources import open_source, parse_topics
from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.rig_file import read_rig, write_rig


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', metavar='MODEL', help='published folder, hub name or .onnx; or a config')
    parser.add_argument('input', metavar='INPUT', help='folder, image, recording, or config of a data set')
    parser.add_argument('--rig', required=True, type=Path, help='rig file, which the factor is written into')
    parser.add_argument('--checkpoint', help='checkpoint, where MODEL is the config it was trained with')
    known = parser.add_mutually_exclusive_group(required=True)
    known.add_argument(
        '--lidar',
        nargs='?',
        const=True,
        metavar='DIR',
        help='<frame>.npz (array data) or .bin (float32) of points x, y, z in the ego frame; alone: of the data set',
    )
    known.add_argument('--distances', metavar='CSV', help='frame, camera, u, v and z_depth or range, see docs')
    known.add_argument(
        '--ground', action='store_true', help='from height_over_road of the rig file and the road ahead'
    )
    parser.add_argument('--lidar-dims', type=int, default=4, help='numbers a point has in a .bin file')
    parser.add_argument(
        '--ego-height', type=float, metavar='METRES', help="of the ego frame's origin over the road, for --ground"
    )
    parser.add_argument('--per-camera', action='store_true', help='one factor a camera instead of one for the rig')
    parser.add_argument('--every', type=int, default=1, metavar='N', help='take every n-th frame')
    parser.add_argument('--max-depth', type=float, default=80.0, help='metres: LiDAR beyond it is left out')
    parser.add_argument('--data-root', help='folder of the data set, where INPUT is a config')
    parser.add_argument('--tolerance', type=float, help='seconds: images nearest in time belong together')
    parser.add_argument('--clock', metavar='CAMERA', help='camera whose images make the frames')
    parser.add_argument('--topics', nargs='+', metavar='CAMERA=TOPIC', help='of a recording, as tools/infer.py has it')
    parser.add_argument('--device', help='cpu, cuda, ...; an accelerator if there is one')
    args = refuse_empty_options(parser, parser.parse_args())
    if args.every < 1 or args.lidar_dims < 3 or not args.max_depth > 0:
        parser.error('--every must be at least 1, --lidar-dims at least 3 and --max-depth positive')
    if args.ego_height is not None and not args.ground:
        parser.error('--ego-height says where the road is, which --ground alone asks')
    return args


@mistakes_in_one_line('calibrate_scale')
def main():
    args = parse_args()
    rig = read_rig(args.rig)
    options = {k: getattr(args, k) for k in ('tolerance', 'clock') if getattr(args, k) is not None}
    if args.topics:
        options['topics'] = parse_topics(args.topics)
    source = open_source(args.input, args.data_root, **options)
    inferencer = SurroundDepthInferencer(args.model, args.checkpoint, rig, device=args.device)
    distances = read_distances(args.distances) if args.distances else None
    evidence = gather_evidence(
        source, inferencer, args.lidar, distances, args.ego_height, args.lidar_dims, args.max_depth, args.every
    )
    how = 'LiDAR' if args.lidar else 'measured distances' if args.distances else GROUND
    calibrated = calibrate_rig(rig, evidence, how, args.per_camera, single_values=bool(args.distances))
    if calibrated is rig:
        print(f'{args.rig} is as it was')
        return
    kept = keep(args.rig)
    write_rig(args.rig, calibrated, overwrite=True)
    print(f'written to {args.rig}; the file as it was is {kept}')


def keep(path: Path) -> Path:
    """Copy a file to the first name beside it that is free, and return that."""
    number = 1
    while (copy := path.with_name(f'{path.name}.before_{number}')).exists():
        number += 1
    shutil.copy2(path, copy)
    return copy


if __name__ == '__main__':
    main()
