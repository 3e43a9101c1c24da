"""Write a rig file, see docs/rig_file.md, of calibration that is there in another format.

python tools/dataset_converters/make_rig.py rig.yaml dgp DDAD/000000/calibration/<key>.json
python tools/dataset_converters/make_rig.py rig.yaml infos nuscenes_infos_val.pkl --frame 0
python tools/dataset_converters/make_rig.py rig.yaml nuscenes NUSCENES --version v1.0-mini
python tools/dataset_converters/make_rig.py rig.yaml kitti 2011_09_26 --cameras 02 03
python tools/dataset_converters/make_rig.py rig.yaml kitti360 KITTI-360/calibration
python tools/dataset_converters/make_rig.py rig.yaml ftheta clip.tar --cameras camera_front_wide_120fov
python tools/dataset_converters/make_rig.py rig.yaml ocam intrinsic/Front.json intrinsic/Left.json
python tools/dataset_converters/make_rig.py rig.yaml ros camera*_info.yaml --tree sensors_calibration.yaml
"""

import argparse

import fsmde  # noqa: F401
from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.rig_file import write_rig
from fsmde.rig_formats import (
    rig_from_dgp,
    rig_from_ftheta,
    rig_from_infos,
    rig_from_kitti,
    rig_from_kitti360,
    rig_from_nuscenes,
    rig_from_ocam,
    rig_from_ros,
)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', help='rig file to write')
    parser.add_argument('--overwrite', action='store_true', help='replace it if it is there')
    formats = parser.add_subparsers(dest='format', required=True)

    def add(name, what, many=False):
        one = formats.add_parser(name, help=what)
        one.add_argument('source', nargs='+' if many else None, help=what)
        return one

    sized = [
        add('dgp', 'calibration file of a DGP scene'),
        add('infos', "mmdet3d's v2 infos of nuScenes, a pickle"),
        add('kitti', "folder of raw data's calib_*.txt, or a file of the object benchmark"),
    ]
    unsized = [
        add('kitti360', "KITTI-360's folder calibration"),
        add('ftheta', "tar file of NVIDIA's f-theta intrinsics"),
    ]
    nuscenes = add('nuscenes', 'root of nuScenes with its tables')
    add('ocam', "json files of OpenCalib's OCam cameras", many=True)
    ros = add('ros', 'camera_info yaml files', many=True)
    for one in sized:
        one.add_argument('--size', type=int, nargs=2, help='width and height, where the files do not state them')
    for one in (*sized, *unsized, nuscenes):
        one.add_argument('--cameras', nargs='+', help='names in their order')
    sized[1].add_argument('--frame', type=int, default=0, help='number of the frame')
    sized[2].add_argument('--original', action='store_true', help='of the images that are not rectified')
    nuscenes.add_argument('--version', default='v1.0-trainval', help='folder of the tables')
    nuscenes.add_argument('--sample', help='token of a sample; the first by default')
    ros.add_argument('--tree', nargs='+', default=[], help='yaml files of static transforms')
    ros.add_argument('--ego-frame', default='base_link', help='frame of the vehicle')
    ros.add_argument('--rectified', action='store_true', help='of the rectified images')
    ros.add_argument(
        '--frames', nargs='+', default=[], metavar='CAMERA=FRAME', help='optical or body frames of cameras'
    )
    return refuse_empty_options(parser, parser.parse_args())


@mistakes_in_one_line('make_rig')
def main():
    args = parse_args()
    if args.format == 'dgp':
        rig = rig_from_dgp(args.source, args.size, args.cameras)
    elif args.format == 'infos':
        rig = rig_from_infos(args.source, args.frame, args.size, args.cameras)
    elif args.format == 'nuscenes':
        rig = rig_from_nuscenes(args.source, args.version, args.sample, args.cameras)
    elif args.format == 'kitti':
        rig = rig_from_kitti(args.source, not args.original, args.size, args.cameras or ('02', '03'))
    elif args.format == 'kitti360':
        rig = rig_from_kitti360(args.source, args.cameras or ('02', '03'))
    elif args.format == 'ftheta':
        rig = rig_from_ftheta(args.source, args.cameras)
    elif args.format == 'ocam':
        rig = rig_from_ocam(args.source)
    else:
        wrong = [pair for pair in args.frames if '=' not in pair]
        if wrong:
            raise ValueError(f'--frames: expected CAMERA=FRAME, found {wrong[0]!r}')
        frames = dict(pair.split('=', 1) for pair in args.frames)
        rig = rig_from_ros(args.source, args.tree, args.ego_frame, args.rectified, frames)
    write_rig(args.out, rig, args.overwrite)
    poses = 'with poses' if rig.has_poses else 'without poses'
    print(f'{args.out}: {len(rig.cameras)} cameras {poses}: {", ".join(rig.names)}')


if __name__ == '__main__':
    main()
