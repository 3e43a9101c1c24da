"""Export a student as one ONNX graph from camera images to metric depth.

    python tools/deployment/export_onnx.py student student.onnx
    python tools/deployment/export_onnx.py configs/fsmde_kd_ddad.py epoch_20.pth student.onnx
    python tools/deployment/export_onnx.py CONFIG CHECKPOINT student.onnx --float16 --int8 --data-root DDAD

compares the graph with torch and writes student.onnx, and beside it student_float16.onnx and student_int8.onnx. With
int8 it measures all graphs against LiDAR. Inputs: images (B, N, H, W, 3) uint8 RGB and fx (B, N) float32, in pixels of
these images. Output: depth (B, N, H, W) in metres. See docs/deployment.md.
"""

import argparse
from contextlib import ExitStack
from pathlib import Path

from mmengine.config import DictAction
from mmengine.registry import init_default_scope

from fsmde.apis import load_model
from fsmde.apis.load_model import find_published, set_input_size
from fsmde.apis.published_model import WEIGHTS
from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.deployment import (
    DeployableEstimator,
    OnnxSession,
    check_parity,
    deployment_frames,
    export_onnx,
    graph_errors,
)
from fsmde.engine.config_files import of_one_rig, read_config
from fsmde.evaluation.result_files import hash_of_file
from fsmde.output_files import replace_when_written


def say_errors(paths, cfg, count, max_depth):
    """Print error against LiDAR and difference from the first graph, of every graph, on frames of the test set."""
    dataset = of_one_rig(cfg.test_dataloader.dataset, 'the config')
    frames, found = graph_errors(paths, dataset, dataset.pipeline, count, max_depth)
    print(f'on {frames} frames of the test set:')
    for path, (error, difference) in found.items():
        print(
            f'  {path.name}: AbsRel {error:.4f} ({100 * (error / found[paths[0]][0] - 1):+.2f} %), mean difference from '
            f'{paths[0].name} {100 * difference:.2f} %, {path.stat().st_size / 2**20:.1f} MiB'
        )


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'config', help='config file, that of a distilled run too; or a published model, without checkpoint'
    )
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file')
    parser.add_argument('out', type=Path, help='graph to write')
    parser.add_argument('--size', type=int, nargs=2, help='height and width; those of the test pipeline by default')
    parser.add_argument('--with-bins', action='store_true', help='also return bin probabilities and metric centers')
    parser.add_argument('--float16', action='store_true', help='also write a float16 graph')
    parser.add_argument('--int8', action='store_true', help='also write an int8 graph; needs the data set')
    parser.add_argument('--frames', type=int, default=64, help='training frames to calibrate int8 on')
    parser.add_argument('--test-frames', type=int, default=100, help='test frames to measure the graphs on')
    parser.add_argument('--overwrite', action='store_true', help='replace graphs of the same names')
    parser.add_argument('--data-root', help='folder of the data set; replaces data_root of every data set')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='settings such as model.max_depth=80')
    args = refuse_empty_options(parser, parser.parse_args())
    if args.size and min(args.size) < 1:
        parser.error(f'--size must be a positive height and width, found {args.size}')
    if min(args.frames, args.test_frames) < 1:
        parser.error(f'--frames and --test-frames must be 1 or more, found {args.frames} and {args.test_frames}')
    for name, value in dict(cfg_options=args.cfg_options, data_root=args.data_root, int8=args.int8).items():
        if value and not args.checkpoint:
            # Of a published model there is no data set, and its architecture goes with its weights.
            parser.error(
                f'--{name.replace("_", "-")} is for a config: give that and the checkpoint, found {args.config} alone'
            )
    return args


@mistakes_in_one_line('export_onnx')
def main():
    args = parse_args()
    if args.out.suffix != '.onnx':
        raise SystemExit(
            f'{args.out}: the graph to write comes last and is named *.onnx: CONFIG CHECKPOINT student.onnx'
        )
    forms = dict(
        float32=args.out, **{form: args.out.with_stem(f'{args.out.stem}_{form}') for form in ('float16', 'int8')}
    )
    paths = {form: path for form, path in forms.items() if form == 'float32' or getattr(args, form)}
    there = [path for path in forms.values() if path.exists()]
    if there and not args.overwrite:
        raise SystemExit(
            f'there already: {", ".join(map(str, there))}. Name another file, or --overwrite replaces what is written again'
        )
    init_default_scope('mmdet3d')
    if args.checkpoint:
        cfg = read_config(args.config, args.data_root, args.cfg_options)
        student = load_model(cfg, args.checkpoint, 'cpu')
    else:
        student = load_model(args.config, device='cpu')
    if not (args.size or student.input_size):
        raise SystemExit('the test pipeline has no ResizeViews: give --size HEIGHT WIDTH')
    size = tuple(args.size or student.input_size)
    if args.int8:
        set_input_size(cfg, size)  # The frames are calibrated and measured on at the size of the graph.
    deployable = DeployableEstimator(student, with_bins=args.with_bins)
    weights = args.checkpoint or find_published(args.config) / WEIGHTS
    # All or none appear: a form that fails leaves no others beside graphs of before.
    with ExitStack() as stack:
        graphs = {form: stack.enter_context(replace_when_written(path)) for form, path in paths.items()}
        export_onnx(deployable, graphs['float32'], size, hash_of_file(weights))
        worst = check_parity(OnnxSession(graphs['float32']), deployable, size)
        if args.float16:
            from fsmde.deployment.onnx_float16 import to_float16

            to_float16(graphs['float32'], graphs['float16'])
        if args.int8:
            from fsmde.deployment.onnx_int8 import to_int8

            pipeline = cfg.test_dataloader.dataset.pipeline
            frames = deployment_frames(cfg.train_dataloader.dataset, pipeline, args.frames)
            frames = [frame[:2] for frame in frames]
            to_int8(graphs['float32'], graphs['int8'], frames)
    print(f'{args.out}: {size[0]}x{size[1]}, differs from torch by at most {worst:.1e}')
    if args.float16:
        print(f'{paths["float16"]}: written')
    if args.int8:
        from fsmde.deployment.int8_instructions import int8_instructions

        print(f'{paths["int8"]}: calibrated on {len(frames)} frames of the training set')
        if int8_instructions() == []:
            print(
                'Warning: this processor has no instructions for int8 (VNNI or AMX on x86, dot products on ARM). On one '
                'like it int8 is as accurate, but gains little or no speed in ONNX Runtime: measure, see docs/deployment.md'
            )
        say_errors(list(paths.values()), cfg, args.test_frames, student.max_depth)
    for path in there:
        if path not in paths.values():
            print(f'Warning: {path} is of an earlier export: write it again, too, or remove it')


if __name__ == '__main__':
    main()
