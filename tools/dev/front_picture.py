"""Draw a drive as the README shows it: images, a student's depth of them, and the cloud of all cameras, in one moving picture.

    python tools/dev/front_picture.py models/student configs/demo/demo_sup.py --data-root data/showcase \\
        --out docs/images/front.webp

The drive is one that the student has not seen, see docs/gallery.md.
"""

import argparse

import numpy as np
from PIL import Image

from fsmde.apis import SurroundDepthInferencer
from fsmde.apis.sources import DatasetFrames
from fsmde.command_line import refuse_empty_options
from fsmde.image_files import load_image
from fsmde.output_files import replace_when_written
from fsmde.visualization import ring_order
from fsmde.visualization.color_scale import depth_scale
from fsmde.visualization.drawing import BACKGROUND, draw_text, splat_points

GAP, CLOUD_HEIGHT = 4, 360
# Metres: of the colour scale, and how far the cloud goes.
MIN_DEPTH, MAX_DEPTH, CLOUD_DEPTH = 2.0, 60.0, 40.0
# Least confidence and largest height over the ground in metres of the cloud's points: nothing says how far the sky is.
MIN_CONFIDENCE, MAX_HEIGHT = 0.3, 6.0


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', help='published student')
    parser.add_argument('config', help='config of the data set whose test frames are drawn')
    parser.add_argument('--data-root', help='folder of the data set; replaces data_root of every data set')
    parser.add_argument('--out', required=True, help='picture to write: .webp moves, another shows the first frame')
    parser.add_argument('--width', type=int, default=1000, help='in pixels')
    parser.add_argument('--quality', type=int, default=40, help='of the compression, 0 to 100')
    return refuse_empty_options(parser, parser.parse_args())


def look_at(eye, target) -> np.ndarray:
    """(3, 3) rotation from the ego frame into that of a camera at ``eye``: x right, y down, z forward."""
    forward = np.subtract(target, eye) / np.linalg.norm(np.subtract(target, eye))
    right = np.cross(forward, (0, 0, 1))
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


def draw_cloud(points, colors, azimuth: float, width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint8 view of a cloud in the ego frame, from behind and above, ``azimuth`` radians aside."""
    eye = np.array([-18 * np.cos(azimuth), -18 * np.sin(azimuth), 14])
    x, y, z = look_at(eye, (10, 0, -1)) @ (points - eye).T
    seen, focal = z > 1, 0.62 * width
    u, v = (focal * side[seen] / z[seen] for side in (x, y))
    canvas = np.full((height, width, 3), BACKGROUND, np.uint8)
    columns, rows = (u + width / 2).astype(int), (v + height / 2).astype(int)
    return splat_points(canvas, columns, rows, z[seen], colors[seen], radius=2)


def draw_frame(frame, result, azimuth: float, width: int) -> Image.Image:
    """Images over depth, from left to right as the driver would turn the head, over the cloud."""
    names = [list(result.views)[n] for n in ring_order(result.cam2ego)]
    images = {name: load_image(frame.images[name])[..., ::-1] for name in names}
    depth = result.original_depth
    cell = (width - (len(names) - 1) * GAP) // len(names)
    row = round(cell * images[names[0]].shape[0] / images[names[0]].shape[1])
    canvas = Image.new('RGB', (width, 2 * (row + GAP) + CLOUD_HEIGHT), BACKGROUND)
    scale = depth_scale(MAX_DEPTH, MIN_DEPTH)
    for n, name in enumerate(names):
        for line, picture in enumerate((images[name], scale(depth[name]))):
            view = Image.fromarray(np.ascontiguousarray(picture)).resize((cell, row), Image.Resampling.LANCZOS)
            canvas.paste(view, (n * (cell + GAP), line * (row + GAP)))
    points, colors = result.points(CLOUD_DEPTH, MIN_CONFIDENCE)
    low = points[:, 2] < MAX_HEIGHT
    points, colors = points[low], colors[low]
    canvas.paste(Image.fromarray(draw_cloud(points, colors, azimuth, width, CLOUD_HEIGHT)), (0, 2 * (row + GAP)))
    note = f'{len(names)} images, depth from {MIN_DEPTH:g} m (red) to {MAX_DEPTH:g} m (blue), one cloud'
    draw_text(canvas, (12, canvas.height - 14), note, anchor='lm')
    return canvas


def main():
    args = parse_args()
    frames = DatasetFrames.of_config(args.config, args.data_root)
    results = SurroundDepthInferencer(args.model).stream(frames)
    pictures = []
    for number, (frame, result) in enumerate(zip(frames, results)):
        azimuth = 0.45 * np.sin(2 * np.pi * number / len(frames))
        pictures.append(draw_frame(frame, result, azimuth, args.width))
    with replace_when_written(args.out) as path:
        image_format = Image.registered_extensions()[f'.{args.out.rsplit(".")[-1]}']
        moving = dict(save_all=True, append_images=pictures[1:], duration=250, loop=0, method=6)
        options = moving if image_format == 'WEBP' else {}
        pictures[0].save(path, image_format, quality=args.quality, **options)
    print(f'{args.out}: {len(pictures)} frames of {pictures[0].width}x{pictures[0].height}')


if __name__ == '__main__':
    main()
