"""Images of another aspect than the network's: said, with the view that mends it."""

import numpy as np
import pytest
import yaml

from fsmde.apis import Frame
from fsmde.apis.views import ViewMaker
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile, read_rig, write_rig
from fsmde.virtual_view import VirtualView

SIZE = 384, 640  # 3:5


def of_field(name, size, degrees, **kwargs):
    camera = RigCamera.from_field_of_view(name, size, degrees)
    return RigCamera(name, size, camera.cam2img, **kwargs)


def made(camera, maker):
    width, height = camera.size
    return maker(Frame('0', {camera.name: np.zeros((height, width, 3), np.uint8)}), camera)


@pytest.mark.parametrize(
    'size, stretch, line',
    [
        # At 90 degrees fx is half the width. The network's aspect is cut out of 4:3 and of squares above and below.
        ((640, 480), '1.25', '[{hfov: 90.0, width: 640, height: 384}]'),
        ((480, 480), '1.67', '[{hfov: 90.0, width: 480, height: 288}]'),
        # Of 2:1 at both sides: 5 / 3 of 2 x 320 pixels' tangent 1 are 2 atan(5 / 6).
        ((640, 320), '0.83', '[{hfov: 79.611, width: 533, height: 320}]'),
    ],
)
def test_an_aspect_of_another_kind_is_said_with_the_view_that_mends_it(logged, tmp_path, size, stretch, line):
    camera, maker = of_field('FRONT', size, 90), ViewMaker(SIZE)
    for _ in range(2):
        ((_, _, cam2img, _),) = made(camera, maker)
    (text,) = logged
    assert f'camera FRONT: brought to 640x384, its images are stretched: fx is {stretch} times fy' in text
    assert text.endswith(f'under FRONT:\n    views: {line}')
    np.testing.assert_allclose(cam2img[0, 0] / cam2img[1, 1], float(stretch), atol=0.005)
    # The line does what it says, and nothing that it shows is outside of the image.
    write_rig(tmp_path / 'rig.yaml', RigFile([camera]))
    content = yaml.safe_load((tmp_path / 'rig.yaml').read_text())
    content['cameras']['FRONT'].update(yaml.safe_load(text.splitlines()[-1]))
    (tmp_path / 'rig.yaml').write_text(yaml.safe_dump(content))
    ((_, _, cam2img, visible),) = made(read_rig(tmp_path / 'rig.yaml')['FRONT'], ViewMaker(SIZE))
    assert len(logged) == 1 and visible.mean() > 0.99
    np.testing.assert_allclose(cam2img[0, 0] / cam2img[1, 1], 1, atol=2e-3)


def test_the_view_of_an_image_that_is_cropped_above_ends_at_its_border(logged):
    camera = of_field('FRONT', (640, 480), 90)
    camera.cam2img[1, 2] = 140
    made(camera, ViewMaker(SIZE))
    ((view,),) = yaml.safe_load(logged[0].splitlines()[-1]).values()
    # 140 pixels above the axis and as many below, and 5 / 3 of them to both sides.
    assert (view['width'], view['height']) == (467, 280)


def test_little_is_not_said(logged):
    """DDAD's 1936x1216 is 4.5 % from 5:3, 16:9 is 6.7 %."""
    maker = ViewMaker(SIZE)
    for name, size in dict(A=(1936, 1216), B=(1600, 900), C=(640, 384)).items():
        made(of_field(name, size, 70), maker)
    assert not logged


def test_the_views_of_a_camera_keep_their_directions(logged):
    views = (
        VirtualView(640, 480, 90, 'left', azimuth=40.0, elevation=-5.0),
        VirtualView(640, 384, 80, 'right', azimuth=-40.0),
    )
    made(of_field('FRONT', (640, 480), 120, views=views), ViewMaker(SIZE))
    (text,) = logged
    assert 'fx is 1.25, 1.00 times fy' in text
    (found,) = yaml.safe_load(text.splitlines()[-1]).values()
    assert found == [
        dict(name='left', azimuth=40.0, elevation=-5.0, hfov=90.0, width=640, height=384),
        dict(name='right', azimuth=-40.0, hfov=80.0, width=640, height=384),
    ]
