"""Error and speed of forms of int8, on this processor or on an emulated one: the tables of docs/deployment.md.

    python tools/deployment/int8_forms.py make CONFIG student.onnx FOLDER --data-root DATA
    python tools/deployment/int8_forms.py measure FOLDER --threads 2
    qemu-x86_64 -cpu Haswell $(readlink -f $(command -v python)) tools/deployment/int8_forms.py measure FOLDER --repeats 0

`make` writes the graphs and the test frames; `measure` compares each with float32 and times it. Errors: the mean relative
difference of depth from the float32 graph, in exact arithmetic (the graph as it stands, unoptimised, rounds float32) and
with this processor's int8 kernels. An emulated processor (Debian's qemu-user) has right errors and meaningless speed.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.engine.config_files import read_config


def forms():
    """Name -> arguments of to_int8."""
    from onnxruntime.quantization import CalibrationMethod, QuantType

    all_of_it = dict(reduce_range=False, calibrate_method=CalibrationMethod.MinMax)
    return {
        '8-bit': all_of_it,
        '7-bit': dict(all_of_it, reduce_range=True),
        '7-bit_no-first': dict(all_of_it, reduce_range=True, first=False),
        'percentile_no-first': dict(first=False),
        'written': {},
        'uint8-weights': dict(reduce_range=False, weight_type=QuantType.QUInt8),
    }


def make(args):
    from mmengine.registry import init_default_scope

    from fsmde.deployment import deployment_frames
    from fsmde.deployment.onnx_int8 import to_int8

    cfg = read_config(args.config, args.data_root)
    init_default_scope('mmdet3d')
    pipeline = cfg.test_dataloader.dataset.pipeline
    frames = [frame[:2] for frame in deployment_frames(cfg.train_dataloader.dataset, pipeline, args.frames)]
    args.folder.mkdir(parents=True)
    for name, form in forms().items():
        to_int8(args.graph, args.folder / f'{name}.onnx', frames, **form)
    (args.folder / 'float32.onnx').write_bytes(args.graph.read_bytes())
    test = [frame[:2] for frame in deployment_frames(cfg.test_dataloader.dataset, pipeline, args.test_frames)]
    np.savez(args.folder / 'frames.npz', images=[images for images, _ in test], fx=[fx for _, fx in test])


def measure(args):
    import onnxruntime

    def session(name, optimised=True):
        options = onnxruntime.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 3, args.threads
        if not optimised:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        return onnxruntime.InferenceSession(args.folder / f'{name}.onnx', options, providers=['CPUExecutionProvider'])

    with np.load(args.folder / 'frames.npz') as file:
        frames = [dict(images=images, fx=fx) for images, fx in zip(file['images'], file['fx'])]
    reference = session('float32')
    expected = [reference.run(None, frame)[0] for frame in frames]

    def error(found):
        differences = [
            (abs(found.run(None, frame)[0] - depth) / depth).mean() for frame, depth in zip(frames, expected)
        ]
        return f'{np.mean(differences):.4f}'

    def milliseconds(timed):
        times = []
        for _ in range(args.repeats):
            start = time.perf_counter()
            timed.run(None, frames[0])
            times.append(1000 * (time.perf_counter() - start))
        return f'{np.median(times[len(times) // 5 :]):.0f}' if times else ''

    print(f'| form | exact | here | ms a frame, {args.threads} threads |\n|---|---|---|---|')
    print(f'| float32 | | | {milliseconds(reference)} |')
    for name in sorted(path.stem for path in args.folder.glob('*.onnx') if path.stem != 'float32'):
        here = session(name)
        print(
            f'| {name} | {error(session(name, optimised=False))} | {error(here)} | {milliseconds(here)} |', flush=True
        )


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser('make')
    command.set_defaults(run=make)
    command.add_argument('config')
    command.add_argument('graph', type=Path, help='a float32 graph of export_onnx.py')
    command.add_argument('folder', type=Path, help='a new one')
    command.add_argument('--data-root')
    command.add_argument('--frames', type=int, default=64, help='training frames to calibrate on')
    command.add_argument('--test-frames', type=int, default=16)
    command = commands.add_parser('measure')
    command.set_defaults(run=measure)
    command.add_argument('folder', type=Path)
    command.add_argument('--threads', type=int, default=1)
    command.add_argument('--repeats', type=int, default=50, help='timed runs of one frame; 0 for none')
    return refuse_empty_options(parser, parser.parse_args())


@mistakes_in_one_line('int8_forms')
def main():
    args = parse_args()
    args.run(args)


if __name__ == '__main__':
    main()
