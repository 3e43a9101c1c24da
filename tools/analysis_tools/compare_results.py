"""Put runs side by side: ``python tools/analysis_tools/compare_results.py A/results.json B/results.json ...``.

The first is the baseline. Runs under different protocols, data sets or frames are refused.
"""

import argparse
import os.path as osp

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.evaluation.compare import check_comparable, comparison_table, distinct_names, draw, read_run
from fsmde.evaluation.functional import METRICS
from fsmde.output_files import refuse_filled, write_text


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('results', nargs='+', help='results.json of each run, per_image.csv beside it')
    parser.add_argument(
        '--names',
        nargs='+',
        help='what to call the runs; their folders by default, with those above where they are called alike',
    )
    parser.add_argument('--protocol', default='fsmde')
    parser.add_argument('--mode', default='metric', help='metric, median, shared_median or affine')
    parser.add_argument('--metric', choices=METRICS, default='abs_rel', help='that is drawn')
    parser.add_argument('--out', help='folder for compare.md, compare.tex and compare.png')
    parser.add_argument('--overwrite', action='store_true', help='replace what is in that folder of the same names')
    args = refuse_empty_options(parser, parser.parse_args())
    if args.names and len(args.names) != len(args.results):
        parser.error(f'{len(args.results)} runs and {len(args.names)} names')
    if args.names and len(set(args.names)) < len(args.names):
        parser.error(f'--names must tell the runs apart, found {" ".join(args.names)}')
    if args.out:
        refuse_filled(args.out, args.overwrite)
    return args


@mistakes_in_one_line('compare_results')
def main():
    args = parse_args()
    runs = [read_run(path, args.protocol, args.mode) for path in args.results]
    for run, name in zip(runs, args.names or distinct_names(args.results)):
        run.name = name
    check_comparable(runs, args.protocol)
    table = comparison_table(runs, args.protocol, args.mode)
    print(table.to_terminal())
    if args.out:
        write_text(osp.join(args.out, 'compare.md'), table.to_markdown())
        write_text(osp.join(args.out, 'compare.tex'), table.to_latex())
        draw(runs, args.protocol, args.mode, osp.join(args.out, 'compare.png'), args.metric)


if __name__ == '__main__':
    main()
