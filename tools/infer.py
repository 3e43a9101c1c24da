"""From images to metric depth.

    python tools/infer.py MODEL INPUT --rig rig.yaml --out DIR
    python tools/infer.py MODEL INPUT --rig rig.yaml --view

MODEL: a published folder, a name on the Hugging Face hub, or student.onnx. INPUT: a folder that holds a folder of images or
a video for each camera, or the images of one frame named after their cameras; one image; a recording (.mcap, or a ROS 2
bag); or a config whose test set is taken. Under DIR: depth/<frame>/<camera>.png (16-bit, metres * 256), and what else is
asked for. --view serves a page that shows images, depth and points. See docs/inference.md and docs/recordings.md.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import fsmde
from fsmde.apis import OpenVinoRuntime, SurroundDepthInferencer, write_results
from fsmde.apis.load_model import find_published
from fsmde.apis.published_model import CONFIG, WEIGHTS
from fsmde.apis.sinks import BirdsEyeViews, DepthMaps, McapRecording, Panels, PointClouds, Video, Viewer
from fsmde.apis.sources import open_source, parse_topics
from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.evaluation.result_files import hash_of_file
from fsmde.output_files import write_text
from fsmde.output_names import check_names
from fsmde.plain_data import read_json
from fsmde.rectification import MEASURES
from fsmde.virtual_cameras import pinholes_of

RUN_FILE = 'run.json'


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'model', metavar='MODEL', help='published folder, hub name or .onnx; with --checkpoint a config'
    )
    parser.add_argument('input', metavar='INPUT', help='folder, image, recording, or config of a data set')
    parser.add_argument('--out', type=Path, help='folder to write to; needed without --view')
    parser.add_argument('--checkpoint', help='checkpoint, where MODEL is the config it was trained with')
    cameras = parser.add_mutually_exclusive_group()
    cameras.add_argument('--rig', help='rig file, see docs/rig_file.md')
    cameras.add_argument('--hfov', type=float, metavar='DEGREES', help='horizontal field of view of pinhole cameras')
    parser.add_argument('--data-root', help='folder of the data set, where INPUT is a config')
    parser.add_argument('--tolerance', type=float, help='seconds: images nearest in time belong together')
    parser.add_argument('--clock', metavar='CAMERA', help='camera whose images make the frames')
    parser.add_argument(
        '--topics',
        nargs='+',
        metavar='CAMERA=TOPIC[,INFO_TOPIC]',
        help='of a recording: images, and their CameraInfo where it is not beside them; all image topics by default',
    )
    parser.add_argument('--ego-frame', help="of a recording: the vehicle's frame (base_link); empty for no poses")
    parser.add_argument('--format', choices=['png', 'npz', 'none'], default='png', help='of the depth maps')
    parser.add_argument(
        '--original-size',
        nargs='?',
        choices=MEASURES,
        const='z_depth',
        default=False,
        help="depth maps in the original images' pixels: z_depth along the camera's axis (default) or distance along the ray",
    )
    parser.add_argument('--panels', action='store_true', help='pictures of images and depth')
    parser.add_argument('--birds-eye', action='store_true', help='pictures from above; needs poses')
    parser.add_argument('--ply', action='store_true', help='one coloured point cloud a frame; needs poses')
    parser.add_argument('--video', action='store_true', help='an mp4 of the panels')
    parser.add_argument('--view', action='store_true', help='serve a page that shows all of it in 3D; needs poses')
    parser.add_argument('--host', default='127.0.0.1', help="the page's address; 0.0.0.0 lets other machines in")
    parser.add_argument('--port', type=int, default=8080, help='of the page; the next free one if it is taken')
    parser.add_argument('--mcap', type=Path, metavar='FILE', help='a recording for Foxglove, Lichtblick and ROS 2')
    parser.add_argument(
        '--fps',
        type=float,
        default=10.0,
        help='frames a second of the mp4, and of a recording where times are not known',
    )
    parser.add_argument('--max-depth', type=float, default=80.0, help='metres: end of colours and of clouds')
    parser.add_argument(
        '--min-confidence', type=float, default=0.0, help='in [0, 1]; less sure pixels are in no cloud'
    )
    parser.add_argument('--device', help='cpu, cuda, ...; an accelerator if there is one')
    parser.add_argument('--threads', type=int, help='of ONNX Runtime or OpenVINO, for an ONNX graph')
    parser.add_argument(
        '--runtime', choices=['onnxruntime', 'openvino'], default='onnxruntime', help='of an ONNX graph'
    )
    there = parser.add_mutually_exclusive_group()
    there.add_argument('--resume', action='store_true', help='go on with a run that was stopped')
    there.add_argument('--overwrite', action='store_true', help='replace what is in the folder of the same names')
    args = refuse_empty_options(parser, parser.parse_args(), but=('ego_frame',))
    for name, least, most in (
        ('fps', 0.01, 1000),
        ('max_depth', 0.01, 10_000),
        ('min_confidence', 0, 1),
        ('tolerance', 0, 3600),
        ('threads', 1, 1024),
    ):
        value = getattr(args, name)
        if value is not None and not least <= value <= most:
            parser.error(f'--{name.replace("_", "-")} must lie in [{least}, {most}], found {value}')
    if args.runtime != 'onnxruntime' and not args.model.endswith('.onnx'):
        parser.error(f'--runtime {args.runtime} is for an ONNX graph, found {args.model}')
    if args.out is None:
        files = ('panels', 'birds_eye', 'ply', 'video', 'mcap', 'resume', 'overwrite')
        asked = [f'--{name.replace("_", "-")}' for name in files if getattr(args, name)]
        if asked or not args.view:
            parser.error(f'{asked[0] if asked else "all but --view"} needs --out DIR')
    return args


def check_out(args) -> None:
    """Make sure that nothing is overwritten without being asked, and that a run goes on as it began.

    Raises:
        SystemExit: If the folder is in use, or holds another run.
    """
    free = ('resume', 'overwrite', 'out', 'device', 'runtime', 'view', 'host', 'port')
    asked, before = {key: str(value) for key, value in vars(args).items() if key not in free}, None
    path = args.out / RUN_FILE
    # A run that ended before its first frame has left nothing but its record.
    used = args.out.exists() and any(file.name != RUN_FILE for file in args.out.iterdir())
    if used and not args.resume and not args.overwrite:
        sys.exit(f'{args.out} is not empty: --resume goes on with a stopped run, --overwrite replaces it')
    if args.resume and path.is_file():
        try:
            before = dict(read_json(path))
        except (ValueError, TypeError) as error:
            sys.exit(f'{path} is no record of a run ({error}): --overwrite replaces what is there')
    elif args.resume and used:
        sys.exit(f'{args.out} holds no run to go on with: {path} is not there')
    asked.update(hashes_of(args))
    if before is not None:
        other = [f'{k}: {before.get(k)} before, {v} now' for k, v in asked.items() if before.get(k) != v]
        if other:
            sys.exit(f'{args.out} holds a run with other options ({"; ".join(other)}): name another folder')
        if before.get('begun_over'):
            sys.exit(
                f'{args.out} holds a run that --overwrite began over {before["begun_over"]}: which files are its own, nobody '
                'can tell. --overwrite once more, or name another folder'
            )
    over = [str(args.out)] * used + [str(args.mcap)] * bool(args.mcap and args.mcap.exists())
    asked['begun_over'] = ' and '.join(over) if args.overwrite else ''
    write_text(path, json.dumps(dict(asked, fsmde_version=fsmde.__version__), indent=2) + '\n')


def hashes_of(args) -> dict:
    """sha256 of the files that make depth of images: under the same names there may be others later."""
    files = dict(rig=args.rig, model=args.model, checkpoint=args.checkpoint)
    if not Path(args.model).is_file():
        folder = find_published(args.model)
        files.update(model=folder / WEIGHTS, model_config=folder / CONFIG)
    return {f'{name}_sha256': hash_of_file(file) for name, file in files.items() if file}


def make_sinks(args) -> list:
    if args.out is None:
        return []
    sinks = []
    if args.format != 'none':
        sinks.append(DepthMaps(args.out / 'depth', args.format, args.original_size))
    if args.panels or args.video:
        sinks.append(Panels(args.out / 'panels', args.max_depth))
    if args.video:
        sinks.append(Video(args.out / 'panels.mp4', sinks[-1], args.fps))
    if args.birds_eye:
        sinks.append(BirdsEyeViews(args.out / 'birds_eye', args.max_depth, args.min_confidence))
    if args.ply:
        sinks.append(PointClouds(args.out / 'points', args.max_depth, args.min_confidence))
    there, source = args.mcap is not None and args.mcap.exists(), Path(args.input)
    if there and any(args.mcap.samefile(path) for path in (source, *source.glob('*')) if path.exists()):
        sys.exit(f'{args.mcap} is of the input {source}: name another file for --mcap')
    # A recording appears when it is complete: of a run that goes on, it is its own.
    if args.mcap is not None and not (there and args.resume and (args.out / RUN_FILE).is_file()):
        if there and not args.overwrite:
            sys.exit(f'{args.mcap} is there already: name another file, or --overwrite replaces it')
        clouds = dict(max_depth=args.max_depth, min_confidence=args.min_confidence)
        ego_frame = args.ego_frame or 'base_link'
        sinks.append(McapRecording(args.mcap, args.fps, **clouds, overwrite=args.overwrite, ego_frame=ego_frame))
    if not sinks and args.mcap is None:
        sys.exit('nothing to write: --format none without --panels, --video, --birds-eye, --ply or --mcap')
    return sinks


class Progress:
    """Frames done, frames a second and time left; one line on a terminal, a line every ten seconds elsewhere."""

    def __init__(self, total: int):
        self.total = total
        self.start = self.said = time.monotonic()

    def __call__(self, done: int, skipped: int, last: bool = False):
        now = time.monotonic()
        if last or now - self.said >= (0.2 if sys.stdout.isatty() else 10):
            self.said = now
            rate = done / max(now - self.start, 1e-9)
            seconds = (self.total - done - skipped) / rate if rate else 0
            left = '' if last else f', {seconds // 60:.0f} min {seconds % 60:.0f} s left'
            end = '\n' if last or not sys.stdout.isatty() else '\r'
            print(f'{done + skipped}/{self.total} frames, {rate:.2f} a second{left}    ', end=end, flush=True)


@mistakes_in_one_line('infer')
def main():
    args = parse_args()
    options = {k: getattr(args, k) for k in ('tolerance', 'clock', 'ego_frame') if getattr(args, k) is not None}
    if args.topics:
        options['topics'] = parse_topics(args.topics)
    source = open_source(args.input, args.data_root, **options)
    model, threads = args.model, args.threads
    if args.runtime == 'openvino':
        model, threads = OpenVinoRuntime(model, threads), None
    inferencer = SurroundDepthInferencer(model, args.checkpoint, args.rig, args.hfov, args.device, threads)
    sinks = make_sinks(args)
    if args.out is not None:
        check_out(args)
        check_names(args.out, source.cameras)
        if inferencer.rig is not None:
            check_names(args.out, [p.name for camera in inferencer.rig.cameras for p in pinholes_of(camera)])
    if args.view:
        sinks.append(Viewer(args.max_depth, args.min_confidence, args.host, args.port))
    progress = Progress(len(source))
    done, skipped, missing = write_results(
        inferencer, source, sinks, args.resume, bool(args.original_size), progress=progress
    )
    progress(done, skipped, last=True)
    if skipped:
        print(f'{skipped} frames were there already')
    for camera, count in missing.items():
        print(f'{camera} was missing in {count} frames')
    if args.out is not None:
        print(f'written to {args.out}')
    if args.view and done:
        print(f'{sinks[-1].url} shows {done} frames until Ctrl-C', flush=True)
        sinks[-1].wait()


if __name__ == '__main__':
    main()
