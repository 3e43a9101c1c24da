"""How fast tools/infer.py is from files to files, beside the bare ONNX session, and whether its memory grows.

    python tools/analysis_tools/benchmark_inference.py student.onnx FRAMES --rig rig.yaml --frames 200

FRAMES is a folder <camera>/<image>; its frames are repeated by links until there are so many. Three runs: the session alone
on prepared frames, tools/infer.py from these images to depth PNGs, and it again on ten times as few frames, for memory.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from fsmde.apis import SurroundDepthInferencer
from fsmde.apis.sources import open_source
from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.deployment import OnnxSession

TOOL = Path(__file__).parents[1] / 'infer.py'


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', help='exported student.onnx')
    parser.add_argument('input', type=Path, help='folder that holds a folder of images for each camera')
    parser.add_argument('--rig', required=True, help='rig file of these cameras')
    parser.add_argument('--frames', type=int, default=200, help='of the longer run, at least 10')
    parser.add_argument('--threads', type=int, default=2, help='of ONNX Runtime')
    return refuse_empty_options(parser, parser.parse_args())


def repeat_frames(source: Path, out: Path, count: int) -> None:
    """Link the images of each camera's folder until there are ``count``."""
    for camera in sorted(path for path in source.iterdir() if path.is_dir()):
        images = sorted(camera.iterdir())
        (out / camera.name).mkdir(parents=True)
        for number in range(count):
            image = images[number % len(images)]
            (out / camera.name / f'{number:06d}{image.suffix}').symlink_to(image.resolve())


def time_session(args, seconds: float = 20.0) -> float:
    """Frames a second of the session alone, on the first frame of the input as the inferencer prepares it."""
    inferencer = SurroundDepthInferencer(args.model, rig=args.rig, threads=args.threads)
    prepared = inferencer.prepare(next(iter(open_source(str(args.input)))))
    session = OnnxSession(args.model, args.threads)
    inputs = prepared.images[None], prepared.cam2img[None, :, 0, 0].astype(np.float32)
    for _ in range(3):
        session(*inputs)
    times, start = [], time.perf_counter()
    while len(times) < 5 or time.perf_counter() - start < seconds:
        begin = time.perf_counter()
        session(*inputs)
        times.append(time.perf_counter() - begin)
    return 1 / float(np.median(times))


def run_tool(args, folder: Path, out: Path) -> tuple:
    """Frames a second of tools/infer.py as it prints them at its end, and its peak memory in MiB."""
    command = [sys.executable, str(TOOL), args.model, str(folder), '--rig', args.rig, '--out', str(out)]
    process = subprocess.Popen(
        [*command, '--threads', str(args.threads)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    printed = []
    reader = threading.Thread(target=lambda: printed.extend(process.stdout))
    reader.start()
    status, usage = os.wait4(process.pid, 0)[1:]
    reader.join()
    if status:
        sys.exit(f'{"".join(printed[-15:])}\ntools/infer.py failed')
    rates = [line.split(' frames, ')[1].split()[0] for line in printed if ' frames, ' in line and 'a second' in line]
    return float(rates[-1]), usage.ru_maxrss / 1024


@mistakes_in_one_line('benchmark_inference')
def main():
    args = parse_args()
    bare = time_session(args)
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for count in (max(args.frames // 10, 1), args.frames):
            repeat_frames(args.input, Path(folder, f'in_{count}'), count)
            rows.append((count, *run_tool(args, Path(folder, f'in_{count}'), Path(folder, f'out_{count}'))))
    print('| | frames a second | of the session | peak memory, MiB |\n|---|---|---|---|')
    print(f'| ONNX session, {args.threads} threads | {bare:.2f} | 100 % | |')
    for count, rate, memory in rows:
        print(f'| tools/infer.py, {count} frames | {rate:.2f} | {100 * rate / bare:.0f} % | {memory:.0f} |')


if __name__ == '__main__':
    main()
