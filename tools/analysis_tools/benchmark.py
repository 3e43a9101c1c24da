"""Measure students, teachers and other projects' networks side by side: latency of a frame, size, work and memory.

    python tools/analysis_tools/benchmark.py configs/fsmde_sup_ddad.py --teachers random-small random-base random-large
    python tools/analysis_tools/benchmark.py CONFIG ... --teachers random-small --runtimes eager onnx \
        --precisions float32 bfloat16 int8 --scopes model 'end to end' --threads 2 --out benchmark.json

Students are configs, with random weights; teachers are anything HuggingFaceDepthTeacher takes, random-small, -base and
-large being Depth Anything V2's architectures. With --graphs other projects' networks come in as ONNX files that take
images, (M, 3, H, W) or (M, H, W, 3): a frame is as many of them as there are views, in one batch where the graph allows it.
Every row is measured in a process of its own, on the same threads or the same GPU. Speed-ups compare a student with the
others in the same runtime, precision and scope, and the fastest form of both. See docs/performance.md.
"""

import argparse
import itertools
import json
import platform
from pathlib import Path

import torch

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.deployment.benchmark import PRECISIONS, RUNTIMES, SCOPES, exists, kind_of, measure, measure_apart
from fsmde.deployment.speed_report import speed_ups, table
from fsmde.output_files import write_text


def combinations(args):
    """(name, runtime, precision, scope) of every row that exists."""
    for name in (*args.configs, *args.graphs, *args.teachers):
        for runtime, precision, scope in itertools.product(args.runtimes, args.precisions, args.scopes):
            if exists(name, runtime, precision, scope):
                yield name, runtime, precision, scope


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', help='config files of students')
    parser.add_argument('--graphs', nargs='*', default=[], help="ONNX files of other projects' networks")
    parser.add_argument('--teachers', nargs='*', default=[], help='teachers, such as random-small')
    parser.add_argument('--size', type=int, nargs=2, default=(384, 640), help='height and width of the images')
    parser.add_argument('--views', type=int, default=6, help='cameras of a frame')
    parser.add_argument('--runtimes', nargs='+', choices=RUNTIMES, default=['eager'])
    parser.add_argument('--precisions', nargs='+', choices=PRECISIONS, default=['float32'])
    parser.add_argument('--scopes', nargs='+', choices=SCOPES, default=['model'])
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--threads', type=int, default=1, help='CPU threads, pinned to as many CPUs')
    parser.add_argument('--warmup', type=int, default=3)
    parser.add_argument('--repeats', type=int, default=20)
    parser.add_argument('--seconds', type=float, default=60.0, help='a row stops early (after 3 runs) behind so many')
    parser.add_argument('--same-process', action='store_true', help='starts faster; memory then means nothing')
    parser.add_argument('--out', help='json file for all figures')
    args = refuse_empty_options(parser, parser.parse_args())
    for kind, names in dict(student=args.configs, graph=args.graphs, teacher=args.teachers).items():
        for name in names:
            if kind_of(name) != kind:
                parser.error(f'{name} is no {kind}: configs end in .py, graphs in .onnx')
    return args


@mistakes_in_one_line('benchmark')
def main():
    args = parse_args()
    common = dict(
        size=tuple(args.size),
        views=args.views,
        device=args.device,
        threads=args.threads,
        warmup=args.warmup,
        repeats=args.repeats,
        seconds=args.seconds,
    )
    if args.same_process:
        torch.set_num_threads(args.threads)
    rows = []
    for name, runtime, precision, scope in combinations(args):
        options = dict(common, name=name, runtime=runtime, precision=precision, scope=scope)
        rows.append(measure(**options) if args.same_process else measure_apart(**options))
        print(f'{name} {runtime} {precision} {scope}: {rows[-1]["median_ms"]:.1f} ms', flush=True)
    factors = speed_ups(rows)
    machine = dict(processor=platform.processor() or platform.machine(), torch=str(torch.__version__))
    print(f'\n{args.views} views of {args.size[0]}x{args.size[1]}, {args.device}, {args.threads} threads\n')
    print(table(rows), '\n')
    for factor in factors:
        name = Path(factor['student']).stem
        print(
            f'{name} is {factor["factor"]:.2f} x as fast as {factor["teacher"]} ({factor["scope"]}; {factor["form"]})'
        )
    if args.out:
        write_text(
            args.out, json.dumps(dict(settings=common, machine=machine, rows=rows, speed_ups=factors), indent=2)
        )


if __name__ == '__main__':
    main()
