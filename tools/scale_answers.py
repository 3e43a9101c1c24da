"""Bring a relative teacher's answers to metres without LiDAR, by what neighbouring cameras and successive frames show.

    python tools/scale_answers.py CONFIG --answers ANSWERS --out METRES
    torchrun --nproc_per_node 8 tools/scale_answers.py CONFIG --answers ANSWERS --out METRES

ANSWERS are of tools/cache_teacher.py; METRES is a cache for CachedTeacher and LoadTeacherAnswers that reads them and knows the
scale of each view. The poses of the cameras must be known; where the data set knows the car's, its motion counts, too. Frames
with LiDAR say how far off the scales are. A run that was stopped goes on where it was. See docs/teachers.md.
"""

import argparse
from functools import partial

from mmengine.config import DictAction

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.engine.config_files import add_data_root, read_config
from fsmde.ranks import rank_and_world
from fsmde.teacher_cache import write_scales


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of a distilled student')
    parser.add_argument('--out', required=True, metavar='METRES', help='folder of the new cache')
    parser.add_argument('--answers', help='folder of the answers; that of the CachedTeacher in the config by default')
    add_data_root(parser)
    parser.add_argument('--allow-missing', type=int, default=0, help='number of frames that cannot be read')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='settings, as in tools/cache_teacher.py')
    args = refuse_empty_options(parser, parser.parse_args())
    if args.allow_missing < 0:
        parser.error(f'--allow-missing must not be negative, found {args.allow_missing}')
    return args


@mistakes_in_one_line('scale_answers')
def main():
    args = parse_args()
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    write_scales(cfg, args.out, args.answers, args.allow_missing, *rank_and_world(), say=partial(print, flush=True))


if __name__ == '__main__':
    main()
