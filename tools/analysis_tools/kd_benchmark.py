"""Compare ways of training on the built-in world: arms times seeds, tables, pictures.

python tools/analysis_tools/kd_benchmark.py --suite main --seeds 0 1 2 --jobs 2
python tools/analysis_tools/kd_benchmark.py --suite main --table-only
python tools/analysis_tools/kd_benchmark.py --suite main --table-only --over ckd_vrkd

A suite is a file in configs/benchmark/suites. What is finished is not run again. docs/benchmark.md says what is computed.
"""

import argparse
import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

SUITES = Path(__file__).resolve().parents[2] / 'configs/benchmark/suites'


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--suite', default='main', help='name of a file in configs/benchmark/suites, or its path')
    parser.add_argument('--seeds', nargs='+', type=int, help="instead of the suite's")
    parser.add_argument('--arms', nargs='+', help='run these only; the table has all that are finished')
    parser.add_argument('--jobs', type=int, default=1, help='processes; with more than one each has one thread')
    parser.add_argument('--split', choices=['val', 'test'], help="evaluate on this split instead of the suite's")
    parser.add_argument('--data-root', help='folder of the data set; replaces data_root of every data set')
    parser.add_argument('--out', default='docs/benchmark', help='folder of records, tables and pictures')
    parser.add_argument('--work-dir', default='work_dirs/benchmark', help='folder of checkpoints and logs')
    parser.add_argument('--table-only', action='store_true', help='run nothing, write tables and pictures')
    parser.add_argument('--over', metavar='ARM', help='gains over this arm in tables of their own, table_over_ARM.*')
    return parser, parser.parse_args()


def main():
    parser, args = parse_args()
    if args.jobs < 1:
        sys.exit(f'--jobs must be at least 1, found {args.jobs}')
    if args.jobs > 1:
        # Before torch is imported, here and in the processes.
        os.environ.update(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('kd_benchmark: terminated'))

    from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
    from fsmde.kd_benchmark import Run, execute, read_suite, write_report
    from fsmde.kd_benchmark.comparison import check_unchanged

    refuse_empty_options(parser, args)
    path = Path(args.suite)
    path = path if path.suffix == '.py' else SUITES / f'{path}.py'
    try:
        with mistakes_in_one_line('kd_benchmark'):
            suite = read_suite(path)
            unknown = sorted({*(args.arms or ()), args.over} - {None, *suite.arms})
            if unknown:
                raise ValueError(f'{path} has no arm {", ".join(unknown)}; there are {", ".join(suite.arms)}')
            run_of = partial(
                Run,
                split=args.split or suite.split,
                out=Path(args.out),
                work_root=Path(args.work_dir),
                data_root=args.data_root,
                threads=1 if args.jobs > 1 else None,
            )
            chosen = [arm for name, arm in suite.arms.items() if name in (args.arms or suite.arms)]
            runs = [run_of(arm, seed) for arm in chosen for seed in args.seeds or arm.seeds]
            # All arms with the first seed, then all with the second: what is finished early can be compared.
            runs.sort(key=lambda run: run.seed)
            check_unchanged([run_of(arm, seed) for arm in suite.arms.values() for seed in args.seeds or arm.seeds])
            failed = [] if args.table_only else execute(runs, args.jobs, partial(print, flush=True))
            table = 'table'
            if args.over:
                table = f'table_over_{args.over}'
                suite = replace(
                    suite, arms={name: replace(arm, baseline=args.over) for name, arm in suite.arms.items()}
                )
            write_report(suite, run_of, Path(args.out) / suite.name, table)
    except KeyboardInterrupt:
        sys.exit('kd_benchmark: stopped; the same command goes on')
    if failed:
        sys.exit(f'{len(failed)} of {len(runs)} runs failed: {", ".join(run.name for run in failed)}')


if __name__ == '__main__':
    main()
