"""Ask the teacher once for every frame, and write its answers down: training then runs without it.

    python tools/cache_teacher.py configs/fsmde_kd_ddad.py --data-root DDAD --out DDAD/teacher
    torchrun --nproc_per_node 8 tools/cache_teacher.py CONFIG --out DIR    # eight GPUs; srun works as well

The config is one with a live teacher, or one with a CachedTeacher, which names the folder itself. Features are kept if a
distiller of the config reads them; what the cache will take on disk is said before it is written. A run that was stopped
goes on where it was. See docs/performance.md.
"""

import argparse
from functools import partial

from mmengine.config import DictAction

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.engine.config_files import add_data_root, read_config
from fsmde.ranks import rank_and_world
from fsmde.teacher_cache import write_answers


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of a distilled student')
    parser.add_argument('--out', help='folder of the cache; that of the CachedTeacher in the config by default')
    add_data_root(parser)
    parser.add_argument('--workers', type=int, default=4, help='processes a rank that read images')
    parser.add_argument('--allow-missing', type=int, default=0, help='number of frames that cannot be read')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='settings such as model.teacher.model=DIR')
    args = refuse_empty_options(parser, parser.parse_args())
    if args.workers < 0 or args.allow_missing < 0:
        parser.error('--workers and --allow-missing must not be negative')
    return args


@mistakes_in_one_line('cache_teacher')
def main():
    args = parse_args()
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    write_answers(cfg, args.out, args.workers, args.allow_missing, *rank_and_world(), say=partial(print, flush=True))


if __name__ == '__main__':
    main()
