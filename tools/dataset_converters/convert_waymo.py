"""Unpack the Waymo Open Dataset (Perception v2, parquet) into DGP format, for configs with WaymoSurroundDataset.

python tools/dataset_converters/convert_waymo.py WAYMO data/waymo --every 5 --jobs 4
"""

import argparse
import logging

from mmengine.logging import MMLogger

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.converters import convert_waymo
from fsmde.converters.waymo import SPLITS


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', help='folder with training, validation and testing, as downloaded')
    parser.add_argument('out', help='folder to write; segments that are there are kept')
    parser.add_argument('--splits', nargs='+', choices=list(SPLITS), default=['training', 'validation'])
    parser.add_argument('--every', type=int, default=1, metavar='N', help='keep each Nth frame; they come with 10 Hz')
    parser.add_argument('--jobs', type=int, default=1, help='number of processes')
    return refuse_empty_options(parser, parser.parse_args())


@mistakes_in_one_line('convert_waymo')
def main():
    args = parse_args()
    MMLogger.get_instance('convert_waymo', log_level=logging.INFO)
    index = convert_waymo(args.source, args.out, args.splits, args.every, args.jobs)
    print(f'{index} is ready')


if __name__ == '__main__':
    main()
