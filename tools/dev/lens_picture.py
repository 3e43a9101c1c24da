"""Draw what lenses see of the built-in world, and the pinhole views that stand for each, for docs/gallery.md.

    python tools/dev/lens_picture.py --out docs/images/lenses.webp

A camera low on the car's front, of 190 degrees, through three lenses. Frames in the lens's image are those of the views.
"""

import argparse

import numpy as np
from PIL import Image, ImageDraw

from fsmde.command_line import refuse_empty_options
from fsmde.lenses import EquidistantLens, FThetaLens, MeiLens
from fsmde.output_files import replace_when_written
from fsmde.rectification import rectify
from fsmde.rig_camera import RigCamera
from fsmde.synthetic.render import Renderer
from fsmde.synthetic.rigs import FISHEYE_CIRCLE, Camera
from fsmde.synthetic.scene import Scene
from fsmde.virtual_cameras import rectifiers_of
from fsmde.virtual_view import VirtualView
from fsmde.visualization.drawing import BACKGROUND, draw_text

# Pixels: of a picture, between pictures, of a line of text; of the images that the lenses give.
SIDE, GAP, LINE = 320, 4, 20
ORIGINAL = 2 * SIDE
LENSES = {
    'MEI, as KITTI-360 and camodocal': MeiLens((2.2, 0.016, 1.65, 0.0004, -0.0004)),
    "f-theta, as NVIDIA's": FThetaLens((0.0617, -0.1625, 0.0960, 0.0624)),
    "equidistant, as OpenCV's fisheye": EquidistantLens((-0.02, 0.004, -0.002, 0.0003)),
}
# Upright in the vehicle, though the camera looks down to the road.
VIEWS = {
    VirtualView(SIDE, SIDE, 80, name, azimuth, -10, level=True): color
    for name, azimuth, color in (('left', 60, '#ffb000'), ('ahead', 0, '#ffffff'), ('right', -60, '#40c4ff'))
}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', required=True, help='picture to write')
    parser.add_argument('--quality', type=int, default=60, help='of the compression, 0 to 100')
    return refuse_empty_options(parser, parser.parse_args())


def camera_with(lens, mounted):
    """The mounted camera with a lens whose circle the image's sides touch."""
    edge = np.radians(FISHEYE_CIRCLE / 2)
    focal = 0.49 * ORIGINAL / np.linalg.norm(lens.project(np.array([np.sin(edge), 0, np.cos(edge)])))
    cam2img = np.array([[focal, 0, ORIGINAL / 2], [0, focal, ORIGINAL / 2], [0, 0, 1]])
    return Camera(mounted.name, cam2img, mounted.cam2ego, (ORIGINAL, ORIGINAL), lens, FISHEYE_CIRCLE)


def draw_row(image, camera) -> Image.Image:
    """A lens's (ORIGINAL, ORIGINAL, 3) image, made smaller, beside the views that are made of it."""
    rectifiers = rectifiers_of(
        RigCamera(camera.name, camera.size, camera.cam2img, camera.lens, camera.cam2ego, views=tuple(VIEWS))
    )
    row = Image.new('RGB', (4 * SIDE + 3 * GAP, SIDE), BACKGROUND)
    original = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    for n, (rectifier, picture) in enumerate(zip(rectifiers, rectify(image, rectifiers)), 1):
        color = VIEWS[rectifier.view]
        places = rectifier.original_of * (SIDE / ORIGINAL)
        border = np.concatenate([places[0], places[:, -1], places[-1, ::-1], places[::-1, 0]])
        ImageDraw.Draw(original).line([tuple(place) for place in border if np.isfinite(place).all()], color, 2)
        picture = Image.fromarray(picture)
        ImageDraw.Draw(picture).rectangle((0, 0, SIDE - 1, SIDE - 1), outline=color, width=2)
        row.paste(picture, (n * (SIDE + GAP), 0))
    row.paste(original, (0, 0))
    return row


def main():
    args = parse_args()
    scene = Scene(0, 'student', 2, 2, 1, 0.5, (ORIGINAL, ORIGINAL), rig='fisheyes')
    world, ego2world = scene.world(0.0)
    mounted, renderer = scene.rig.cameras[0], Renderer(world, scene.look)
    canvas = Image.new('RGB', (4 * SIDE + 3 * GAP, len(LENSES) * (SIDE + LINE + GAP)), BACKGROUND)
    for n, (name, lens) in enumerate(LENSES.items()):
        camera = camera_with(lens, mounted)
        image, _ = renderer.image(camera, ego2world @ camera.cam2ego, np.random.default_rng(0))
        top = n * (SIDE + LINE + GAP)
        draw_text(canvas, (6, top + LINE / 2), name, anchor='lm')
        canvas.paste(draw_row(image, camera), (0, top + LINE))
    with replace_when_written(args.out) as path:
        canvas.save(path, Image.registered_extensions()[f'.{args.out.rsplit(".")[-1]}'], quality=args.quality)
    print(f'{args.out}: {canvas.width}x{canvas.height}')


if __name__ == '__main__':
    main()
