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
from dataclasses import replace
from itertools import islice
from pathlib import Path

from fsmde.apis import SurroundDepthInferencer
from fsmde.apis.scale_calibration import (
    calibrate,
    distance_evidence,
    ground_evidence,
    lidar_evidence,
    pixels_of_points,
    read_distances,
)
from fsmde.apis.sources import open_source, parse_topics
from fsmde.datasets.transforms.point_clouds import load_points
from fsmde.engine.launch import refuse_empty_options
from fsmde.output_names import output_path
from fsmde.rig_file import RigFile, read_rig, write_rig


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
    parser.add_argument('--topics', nargs='+', metavar='CAMERA=TOPIC', help='of a recording, as tools/infer.py has it')
    parser.add_argument('--device', help='cpu, cuda, ...; an accelerator if there is one')
    args = refuse_empty_options(parser, parser.parse_args())
    if args.every < 1 or args.lidar_dims < 3 or not args.max_depth > 0:
        parser.error('--every must be at least 1, --lidar-dims at least 3 and --max-depth positive')
    return args


def lidar_of(args, frame, rig) -> dict:
    """LiDAR of a frame in its cameras' images; empty where a folder has none of it.

    Raises:
        ValueError: If the source has none of its own and no folder is given.
    """
    if args.lidar is True:
        if frame.lidar is None:
            raise ValueError(f'{args.input} has no LiDAR of its own: give the folder of its clouds, --lidar DIR')
        return frame.lidar()
    paths = [Path(f'{output_path(args.lidar, frame.name)}{ending}') for ending in ('.npz', '.bin')]
    for path in paths:
        if path.is_file():
            points = load_points(str(path), args.lidar_dims)[:, :3]
            return {name: pixels_of_points(points, rig[name]) for name in frame.images}
    return {}


def evidence_of(args, rig) -> list:
    """:class:`fsmde.apis.scale_calibration.Evidence` of all frames.

    Raises:
        ValueError: If there is none, or a frame of the distances is not in the input.
    """
    options = {} if args.tolerance is None else dict(tolerance=args.tolerance)
    if args.topics:
        options['topics'] = parse_topics(args.topics)
    source = open_source(args.input, args.data_root, **options)
    inferencer = SurroundDepthInferencer(args.model, args.checkpoint, rig, device=args.device)
    distances = read_distances(args.distances) if args.distances else {}
    evidence, unseen = [], set(distances)
    for frame in islice(source, 0, None, 1 if distances else args.every):
        unseen.discard(frame.name)
        if distances and frame.name not in distances:
            continue
        pixels = lidar_of(args, frame, rig) if args.lidar else None
        if args.lidar and not pixels:
            continue
        (result,) = inferencer.forward(inferencer.prepare(frame))
        if args.lidar:
            evidence += lidar_evidence(result, pixels, args.max_depth)
        elif distances:
            evidence += distance_evidence(result, distances[frame.name])
        else:
            evidence += ground_evidence(result, args.ego_height)
    if unseen:
        raise ValueError(f'{args.distances}: {args.input} has no frame {sorted(unseen)[:5]}')
    if not evidence:
        what = dict(lidar=f'no LiDAR for a frame in {args.lidar}', ground='no road in any frame')
        raise ValueError(f'there is nothing to calibrate with: {what["lidar" if args.lidar else "ground"]}')
    return evidence


def main():
    args = parse_args()
    rig = read_rig(args.rig)
    evidence = evidence_of(args, rig)
    groups = {'the rig': list(rig.names)}
    if args.per_camera:
        groups = {name: [name] for name in rig.names}
    factors = {}
    for what, names in groups.items():
        mine = [view for view in evidence if view.camera in names]
        try:
            found = calibrate(mine, single_values=bool(args.distances))
        except ValueError as error:
            print(f'{what}: left as it is: {error}')
            continue
        print(f'{what}: {found}')
        print(f'{what}: {"multiplied into depth_scale" if found.helps else "left as it is: it does not help"}')
        if found.helps:
            factors.update(dict.fromkeys(names, found))
    if not factors:
        print(f'{args.rig} is as it was')
        return
    kept = keep(args.rig)
    cameras = [
        replace(camera, depth_scale=camera.depth_scale * factors[camera.name].factor)
        if camera.name in factors
        else camera
        for camera in rig.cameras
    ]
    how = 'LiDAR' if args.lidar else 'measured distances' if args.distances else 'the ground'
    lines = [f'depth_scale by {how}, {"rig" if not args.per_camera else "cameras"}:']
    lines += dict.fromkeys(f'{name if args.per_camera else "rig"}: {found}' for name, found in factors.items())
    write_rig(args.rig, RigFile(cameras, '\n'.join(filter(None, [rig.notes, *lines]))), overwrite=True)
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
