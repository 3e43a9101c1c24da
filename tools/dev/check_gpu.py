"""Whether training, evaluation and the deployed student work on this machine's GPU, and how fast: in about ten minutes.

    python tools/dev/check_gpu.py
    python tools/dev/check_gpu.py --only float32_step amp
    python tools/dev/check_gpu.py --dry-run                 # every check at toy size on the CPU

Uses the built-in world and teachers with random weights: nothing is downloaded. Prints a report in Markdown, and writes it
to report.md in its folder; paste it into an issue. The exit code is 1 if a check failed; the others run all the same.
"""

import argparse
import shutil
from pathlib import Path

import torch

import fsmde  # noqa: F401  Before mmdet3d: it stands in for mmcv's compiled ops.
from fsmde.command_line import refuse_empty_options
from fsmde.gpu_checks import CHECKS, Setting, markdown, run_check
from fsmde.output_files import write_text


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--dry-run', action='store_true', help='at toy size on the CPU')
    parser.add_argument('--only', nargs='+', choices=list(CHECKS), help='run these checks alone')
    parser.add_argument('--folder', type=Path, default=Path('work_dirs/check_gpu'), help='for all that is written')
    return refuse_empty_options(parser, parser.parse_args())


def main():
    args = parse_args()
    if not args.dry_run and not torch.cuda.is_available():
        raise SystemExit('torch finds no GPU here. --dry-run runs every check at toy size on the CPU')
    device = 'cpu' if args.dry_run else 'cuda'
    runs = args.folder / 'runs'
    if runs.exists():
        shutil.rmtree(runs)  # Of an earlier call, and of nobody else's making.
    setting = Setting(runs, Path(__file__).resolve().parents[1], device, args.dry_run)
    outcomes = []
    for name in args.only or CHECKS:
        print(f'{name} ...', flush=True)
        outcomes.append(run_check(name, setting))
        print(f'{name}: {outcomes[-1].result} in {outcomes[-1].seconds:.0f} s', flush=True)
    report = markdown(outcomes, torch.cuda.get_device_name() if setting.gpu else 'a CPU', args.dry_run)
    write_text(args.folder / 'report.md', report)
    print(f'\n{report}')
    if any(outcome.failed for outcome in outcomes):
        raise SystemExit(1)


if __name__ == '__main__':
    main()
