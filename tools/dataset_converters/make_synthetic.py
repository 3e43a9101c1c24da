"""Make the built-in world: procedural street scenes in DGP format.

python tools/dataset_converters/make_synthetic.py data/synthetic --jobs 2
python tools/dataset_converters/make_synthetic.py data/synthetic --check
python tools/dataset_converters/make_synthetic.py data/fisheyes --rig fisheyes
"""

import argparse
import logging
import time

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.synthetic import KINDS, LENS_RIGS, make_world, trivial_abs_rel


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out_dir', help='directory of the world; it appears when the world is complete')
    parser.add_argument(
        '--preset',
        default='student',
        choices=['student', 'teacher', 'elsewhere'],
        help="student: a rig like DDAD's; teacher: random rigs, other scenes and looks; elsewhere: another town at night, in "
        'drizzle and mist, seen from a van',
    )
    parser.add_argument('--streets', nargs='+', choices=list(KINDS), help='kinds of street that occur; default: all')
    parser.add_argument('--weathers', nargs='+', help='weathers of the preset that occur, such as day; default: all')
    parser.add_argument(
        '--rig',
        choices=LENS_RIGS,
        help="cameras with lenses in the place of the preset's: its own with such a lens, or four fisheyes of 190 degrees",
    )
    for name in ('train', 'val', 'test'):
        parser.add_argument(f'--{name}-scenes', type=int, metavar='N', help="default: the preset's own")
    parser.add_argument('--frames-per-scene', type=int, metavar='N', help="default: the preset's own")
    parser.add_argument('--interval', type=float, default=0.5, help="seconds between frames; 0.1 gives DDAD's 10 Hz")
    parser.add_argument('--size', type=parse_size, default=(384, 640), help='height x width, such as 384x640')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--jobs', type=int, default=2, help='number of processes')
    parser.add_argument('--force', action='store_true', help='replace another world at OUT_DIR')
    parser.add_argument(
        '--check',
        action='store_true',
        help='make nothing; measure what a predictor reaches that only knows camera, row and column',
    )
    return refuse_empty_options(parser, parser.parse_args())


def parse_size(text):
    height, _, width = text.partition('x')
    if not (height.isdigit() and width.isdigit()):
        raise argparse.ArgumentTypeError(f'{text!r} is not HEIGHTxWIDTH, such as 384x640')
    return int(height), int(width)


@mistakes_in_one_line('make_synthetic')
def main():
    args = vars(parse_args())
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    if args.pop('check'):
        for source in ('dense', 'lidar'):
            error = trivial_abs_rel(args['out_dir'], source)
            logging.info('AbsRel of the median %s training depth per pixel on test LiDAR: %.3f', source, error)
        return
    start = time.time()
    make_world(**args)
    logging.info('%s is ready (%.0f s)', args['out_dir'], time.time() - start)


if __name__ == '__main__':
    main()
