"""Fisheyes in inference: cut into pinholes, and back to their own pixels."""

import cv2
import numpy as np
import pytest

from fsmde.apis import Frame, SurroundDepthInferencer
from fsmde.apis.sinks import DepthMaps, Panels
from fsmde.lenses import EquidistantLens
from fsmde.poses import quaternion_to_matrix
from fsmde.rectification import pixel_centers
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile, read_rig, write_rig
from fsmde.virtual_view import VirtualView
from toy_dgp import camera_quaternion

SIZE = WIDTH, HEIGHT = 320, 240
K = np.array([[100.0, 0, 160], [0, 100, 120], [0, 0, 1]])
VIEWS = tuple(
    VirtualView(64, 48, 90, name, azimuth) for name, azimuth in (('left', 60.0), ('ahead', 0.0), ('right', -60.0))
)


class Sphere:
    """A runtime that sees everything 10 m from the camera, or as many more as the number of its view."""

    input_size = (48, 64)

    def __call__(self, images, cam2img):
        pixels = np.concatenate([pixel_centers(48, 64), np.ones((48, 64, 1))], -1)
        lengths = [np.linalg.norm(pixels @ np.linalg.inv(matrix).T, axis=-1) for matrix in cam2img]
        return (10 / np.stack(lengths)).astype(np.float32), None


def fisheye(name='SIDE', azimuth=90, **kwargs):
    pose = quaternion_to_matrix([1.0, 0.5, 1.2], camera_quaternion(azimuth))
    return RigCamera(name, SIZE, K, EquidistantLens((0.0, 0, 0, 0)), pose, **dict(dict(views=VIEWS), **kwargs))


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    return cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), SIZE)


def test_three_views_of_a_fisheye_and_the_way_back(image):
    pinhole = RigCamera.from_field_of_view('FRONT', SIZE, 90)
    pinhole = RigCamera('FRONT', SIZE, pinhole.cam2img, cam2ego=fisheye(azimuth=0).cam2ego)
    inferencer = SurroundDepthInferencer(Sphere(), rig=RigFile([pinhole, fisheye()]))
    (result,) = inferencer({'FRONT': image, 'SIDE': image})['predictions']
    assert list(result.views) == list(result.rig.names) == ['FRONT', 'SIDE/left', 'SIDE/ahead', 'SIDE/right']
    assert result.cameras == ('FRONT', 'SIDE') and result.original_rig.names == ('FRONT', 'SIDE')
    axes = result.cam2ego[:, :3, 2]
    np.testing.assert_allclose(np.degrees(np.arctan2(axes[:, 1], axes[:, 0])), [0, 150, 90, 30], atol=1e-9)
    # A pixel r from the middle lies r / 100 radians from the axis.
    r = np.linalg.norm(pixel_centers(HEIGHT, WIDTH) - [160, 120], axis=-1) / 100
    distance, depth = result.original_distance['SIDE'], result.original_depth['SIDE']
    seen = distance > 0
    assert distance.shape == (HEIGHT, WIDTH) and seen[120].mean() > 0.99 and 0.6 < seen.mean() < 1
    # z is linear between pixels and a sphere is not, most of all in the views' border, where half a pixel has no neighbour.
    np.testing.assert_allclose(distance[seen], 10, rtol=1e-2)
    assert np.abs(np.median(distance[seen]) / 10 - 1) < 1e-3
    np.testing.assert_allclose(depth[seen], np.maximum(10 * np.cos(r), 0)[seen], atol=0.08)
    assert (depth[(r > np.pi / 2)] == 0).all() and (distance[(r > np.pi / 2) & seen] > 9).any()
    np.testing.assert_allclose(result.original_distance['FRONT'], 10, rtol=1e-2)
    # All three lie on the sphere, wherever they look.
    points, _ = result.points()
    assert np.abs(np.linalg.norm(points - result.cam2ego[0, :3, 3], axis=1) - 10).max() < 1e-3
    (alone,) = inferencer({'FRONT': image})['predictions']
    assert alone.missing == ('SIDE',) and list(alone.views) == ['FRONT'] and 'SIDE/left' in alone.rig.names


def test_views_that_overlap_agree_with_the_nearer_axis(image):
    class Numbered(Sphere):
        def __call__(self, images, cam2img):
            depth, _ = super().__call__(images, cam2img)
            return depth * np.arange(1, 4, dtype=np.float32)[:, None, None], None

    (result,) = SurroundDepthInferencer(Numbered(), rig=RigFile([fisheye()]))({'SIDE': image})['predictions']
    middle = result.original_distance['SIDE'][120]
    # Views reach 45 degrees to both sides of -60, 0 and 60: they meet at 30, which is 52 pixels from the middle.
    changes = np.flatnonzero(np.abs(np.diff(middle)) > 5)
    np.testing.assert_allclose(changes, [160 - 52.4 - 1, 160 + 52.4 - 1], atol=1.5)
    np.testing.assert_allclose(middle[[80, 160, 240]], [10, 20, 30], rtol=2e-3)


def test_files_say_what_they_hold(image, tmp_path):
    inferencer = SurroundDepthInferencer(Sphere(), rig=RigFile([fisheye()]))
    (result,) = inferencer({'SIDE': image})['predictions']
    for sink in (
        DepthMaps(tmp_path), DepthMaps(tmp_path, original='z_depth'), DepthMaps(tmp_path, 'npz', 'distance'),
        DepthMaps(tmp_path, original='distance'), Panels(tmp_path / 'panels'),
    ):  # fmt: skip
        sink.write(result)
    views = [f'SIDE%2F{name}.png' for name in ('ahead', 'left', 'right')]
    found = sorted(path.name for path in (tmp_path / result.name).iterdir())
    assert found == sorted([*views, 'SIDE.png', 'SIDE.distance.png', 'SIDE.distance.npz'])
    with np.load(tmp_path / result.name / 'SIDE.distance.npz') as content:
        np.testing.assert_array_equal(content['distance'], result.original_distance['SIDE'])
    frame = inferencer._inputs_to_list({'SIDE': image})
    assert inferencer.view_names(next(iter(frame))) == ('SIDE/left', 'SIDE/ahead', 'SIDE/right')
    with pytest.raises(ValueError, match='original must be one of'):
        DepthMaps(tmp_path, original='range')


def test_a_recording_has_a_camera_for_each_view_at_its_fisheyes_time(image, tmp_path):
    pytest.importorskip('rosbags')
    from fsmde.apis.sinks import McapRecording
    from fsmde.apis.sources import Recording

    inferencer = SurroundDepthInferencer(Sphere(), rig=RigFile([fisheye()]))
    frame = Frame('0', {'SIDE': image}, time=10**9, times={'SIDE': 10**9 + 5})
    sink = McapRecording(tmp_path / 'a.mcap')
    (result,) = inferencer([frame])['predictions']
    sink.write(result)
    sink.close()
    (again,) = Recording(tmp_path / 'a.mcap')
    rig = again.rig() if callable(again.rig) else again.rig
    # Its topics begin with /SIDE/left and so on: a reader calls cameras by what differs.
    assert list(again.images) == ['left', 'ahead', 'right'] and set(again.times.values()) == {10**9 + 5}
    for name in again.images:
        np.testing.assert_allclose(rig[name].cam2ego, result.rig[f'SIDE/{name}'].cam2ego, atol=1e-6)


def test_a_rig_file_states_views(tmp_path):
    level = VirtualView(64, 48, 80, 'ahead', elevation=-5.0, level=True)
    rig = RigFile([fisheye(views=(*VIEWS[:1], level)), fisheye('FRONT', 0, views=(VirtualView(32, 32, 60),))])
    write_rig(tmp_path / 'rig.yaml', rig)
    again = read_rig(tmp_path / 'rig.yaml')
    assert [camera.views for camera in again.cameras] == [camera.views for camera in rig.cameras]
    text = (tmp_path / 'rig.yaml').read_text()
    (tmp_path / 'rig.yaml').write_text(text.replace('hfov', 'fov'))
    with pytest.raises(
        ValueError, match=r"rig.yaml: camera SIDE: views, view left: key 'fov' is unknown .did you mean"
    ):
        read_rig(tmp_path / 'rig.yaml')
    with pytest.raises(ValueError, match='camera SIDE: views: a level view needs the pose cam2ego'):
        RigCamera('SIDE', SIZE, K, views=(level,))
