import os
import re
import signal
import socket
import sys
import time
from urllib.request import urlopen

import numpy as np
import pytest
from processes import run_tool, start_tool

from fsmde.apis.result import DepthResult, ViewDepth
from fsmde.apis.sinks import Viewer
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile

viser = pytest.importorskip('viser')

# FRONT looks ahead, LEFT to the left: x right, y down, z forward in x forward, y left, z up.
FRONT = np.array([[0.0, 0, 1, 1], [-1, 0, 0, 0], [0, -1, 0, 2], [0, 0, 0, 1]])
LEFT = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 2], [0, 0, 0, 1]])
# Two rows of four pixels; 0 where the lens shows nothing.
DEPTH = np.array([[1, 2, 3, 4], [10, 20, 90, 0]], np.float32)
CONFIDENCE = np.array([[0.9, 0.8, 0.7, 0.6], [0.5, 0.4, 0.3, 0.2]], np.float32)


def make_result(name, confidence=CONFIDENCE, time=None, missing=(), **poses):
    """A frame whose cameras see ``DEPTH``; red in FRONT, blue in LEFT. fx = 2, fy = 1 at 4x2 pixels."""
    cameras = [
        RigCamera(camera, (64, 32), np.array([[32.0, 0, 32], [0, 16, 16], [0, 0, 1]]), cam2ego=pose)
        for camera, pose in poses.items()
    ]
    views = {}
    for camera in cameras:
        image = np.zeros((2, 4, 3), np.uint8)
        image[..., 0 if camera.name == 'FRONT' else 2] = 255
        cam2img = np.array([[2.0, 0, 2], [0, 1, 1], [0, 0, 1]])
        if camera.name not in missing:
            views[camera.name] = ViewDepth(camera, cam2img, image, DEPTH, DEPTH > 0, confidence)
    return DepthResult(name, views, RigFile(cameras), time, missing=missing)


@pytest.fixture
def make_viewer():
    viewers = []

    def make(port=0, **options):
        viewers.append(Viewer(port=port, **options))
        return viewers[-1]

    yield make
    for viewer in viewers:
        viewer.stop()


def test_points_and_cameras_stand_where_they_are(make_viewer):
    viewer = make_viewer()
    result = make_result('a', FRONT=FRONT, LEFT=LEFT)
    viewer.write(result)
    # Six pixels a camera are nearer than 80 m. The first has its centre at (0.5, 0.5): right -0.75, down -0.5 at 1 m.
    assert viewer.points.points.shape == (12, 3)
    np.testing.assert_allclose(viewer.points.points[0], [1 + 1, 0.75, 2 + 0.5])
    np.testing.assert_allclose(viewer.points.points[6], [-0.75, 1, 2 + 0.5])
    assert viewer.points.colors[:6].tolist() == [[255, 0, 0]] * 6
    assert viewer.points.colors[6:].tolist() == [[0, 0, 255]] * 6
    frustum, picture = viewer.cameras['LEFT']
    assert frustum.name == '/cameras/LEFT' and frustum.position.tolist() == [0, 0, 2]
    np.testing.assert_allclose(viser.transforms.SO3(frustum.wxyz).as_matrix(), LEFT[:3, :3], atol=1e-9)
    # fy = 1 at 2 rows: 45 degrees up and down. As wide as high at 1 m: 4 columns / (fx = 2).
    assert frustum.fov == pytest.approx(np.pi / 2) and frustum.aspect == pytest.approx(1)
    # Image beside depth: 4 m are between red (1 m) and dark blue (80 m), nothing is black.
    height, width = picture.image.shape[:2]
    assert width == 4 * height and picture.image[-1, width // 2 - 1].tolist() == [0, 0, 255]
    assert picture.image[-1, -1].tolist() == [0, 0, 0] and picture.image[0, width // 2].argmax() == 0
    assert picture.label == 'LEFT' and viewer.text.value == 'a: 12 points'


def test_sliders_choose_the_points(make_viewer):
    viewer = make_viewer(max_depth=80, min_confidence=0)
    result = make_result('a', FRONT=FRONT)
    viewer.write(result)
    for farthest, least, count in ((80, 0, 6), (100, 0, 7), (10, 0, 4), (10, 0.75, 2), (80, 0.5, 5), (200, 0.35, 6)):
        viewer.range.value, viewer.confidence.value = farthest, least
        assert len(viewer.points.points) == count
        np.testing.assert_array_equal(viewer.points.points, result.points(farthest, least)[0])
    viewer.range.value = 1
    assert len(viewer.points.points) == 0 and viewer.text.value == 'a: 0 points'


def test_the_time_slider_follows_the_newest_frame_until_it_is_moved(make_viewer):
    viewer = make_viewer()
    second = 10**9
    viewer.write(make_result('a', time=5 * second, FRONT=FRONT, LEFT=LEFT))
    viewer.write(make_result('b', time=5 * second + second // 4, missing=('LEFT',), FRONT=FRONT, LEFT=LEFT))
    assert (viewer.frame.max, viewer.frame.value) == (1, 1)
    assert viewer.text.value == 'b, 0.25 s, without LEFT: 6 points' and len(viewer.points.points) == 6
    assert [handle.visible for handle in viewer.cameras['LEFT']] == [False, False]
    viewer.frame.value = 0
    assert viewer.text.value == 'a, 0.00 s: 12 points'
    assert [handle.visible for handle in viewer.cameras['LEFT']] == [True, True]
    viewer.write(make_result('c', FRONT=FRONT, LEFT=LEFT))
    assert (viewer.frame.max, viewer.frame.value) == (2, 0) and viewer.text.value.startswith('a,')


def test_a_single_camera_needs_no_pose_and_several_do(make_viewer):
    viewer = make_viewer()
    viewer.write(make_result('a', confidence=None, FRONT=None))
    np.testing.assert_allclose(viewer.points.points[0], [1, 0.75, 0.5])
    assert viewer.confidence.disabled
    with pytest.raises(ValueError, match=r"\['FRONT', 'LEFT'\] have no cam2ego: write it into the rig file"):
        viewer.write(make_result('b', FRONT=None, LEFT=None))


def test_least_confidence_of_a_model_that_gives_none_is_refused_on_the_page(make_viewer):
    viewer = make_viewer(min_confidence=0.5)
    with pytest.raises(ValueError, match='is 0.5, and the model gives no confidence'):
        viewer.write(make_result('a', confidence=None, FRONT=FRONT))


def test_names_are_text(make_viewer):
    viewer = make_viewer()
    name = '![](http://example.com/a.png)'
    viewer.write(make_result(name, **{'a/b': FRONT}))
    assert isinstance(viewer.text, viser.GuiTextHandle) and viewer.text.value == f'{name}: 6 points'
    assert viewer.cameras['a/b'][0].name == '/cameras/a%2Fb'


def test_large_frames_are_thinned_evenly(make_viewer, monkeypatch):
    monkeypatch.setattr('fsmde.apis.sinks.viewer.MOST_POINTS', 4)
    viewer = make_viewer()
    result = make_result('a', FRONT=FRONT)
    viewer.write(result)
    # Of eight pixels every second in every second row.
    assert viewer.points.points[:, 0].tolist() == [1 + 1, 1 + 3]
    viewer.confidence.value = 0.8
    assert viewer.points.points[:, 0].tolist() == [1 + 1]


def test_the_page_stays_on_this_machine(make_viewer, monkeypatch):
    viewer = make_viewer()
    port = viewer.server.get_port()
    assert viewer.url == f'http://127.0.0.1:{port}' and b'<title>Viser</title>' in urlopen(viewer.url).read()
    with pytest.raises(OSError):
        socket.create_connection(('127.0.0.2', port), timeout=2)
    # What the page's share button asks for, hidden or not.
    monkeypatch.setattr(viser._viser, 'ViserTunnel', lambda *_: pytest.fail('a tunnel is opened'))
    assert viewer.server.request_share_url() is None
    # A port that is taken: the next one.
    assert make_viewer(port=port).server.get_port() > port


def test_addresses_that_it_cannot_listen_on():
    with pytest.raises(ValueError, match=r"cannot listen on '192\.0\.2\.1'.*expected an IPv4 address of this machine"):
        Viewer(host='192.0.2.1')
    with pytest.raises(ValueError, match='port must be 0 to 65535, found 70000'):
        Viewer(port=70000)


def test_without_viser_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'viser', None)
    with pytest.raises(ImportError, match='pip install'):
        Viewer()


def test_the_tool_serves_a_page_until_it_is_stopped(published, tmp_path):
    log = tmp_path / 'log'
    argv = published / 'student', published / 'config.py', '--device', 'cpu'
    for options, said in ((['--view', '--ply'], '--ply needs --out'), ([], 'all but --view needs --out')):
        code, printed = run_tool('infer.py', *argv, *options, log=log)
        assert code == 2 and said in printed
    process = start_tool('infer.py', *argv, '--view', '--port', 0, log=log)
    try:
        while 'until Ctrl-C' not in log.read_text() and process.is_alive():
            time.sleep(0.1)
        printed = log.read_text()
        assert 'shows 3 frames until Ctrl-C' in printed
        assert b'<title>Viser</title>' in urlopen(re.search(r'(http://127.0.0.1:\d+) shows', printed)[1]).read()
        os.kill(process.pid, signal.SIGINT)
        process.join()
        assert process.exitcode == 0, log.read_text()
    finally:
        process.kill()
