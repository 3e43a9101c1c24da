"""A student that is wrong by a factor is brought back, by each of the three ways; one that is right is left alone."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from processes import load_tool, run_tool

from fsmde.apis import SurroundDepthInferencer
from fsmde.apis.scale_calibration import (
    GROUND,
    Evidence,
    calibrate,
    calibrate_rig,
    camera_height,
    distance_evidence,
    gather_evidence,
    ground_evidence,
    lidar_evidence,
    pixels_of_points,
    read_distances,
)
from fsmde.apis.scale_calibration.fit import fit_factor
from fsmde.apis.sources import DatasetFrames
from fsmde.datasets import DDADDataset
from fsmde.lenses import EquidistantLens, PlumbBobLens
from fsmde.poses import quaternion_to_matrix
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile, read_rig, write_rig
from toy_dgp import camera_quaternion, cylinder_points


class StandIn:
    """A runtime that knows the depth of the images, times a factor and with noise of 5 %.

    Args:
        depths: Depth map by the bytes of its image.
        factor: One for all, or one an image of a frame.
    """

    def __init__(self, depths, input_size, factor=1.0, noise=0.05):
        self.depths, self.input_size, self.factor, self.noise = depths, input_size, factor, noise

    def __call__(self, images, cam2img):
        depth = np.stack([self.depths[image.tobytes()] for image in images])
        # Of each image its own, whatever was predicted before.
        rng = np.random.default_rng(int(depth.sum()))
        noise = np.exp(self.noise * rng.standard_normal(depth.shape))
        return (depth * noise * np.reshape(self.factor, (-1, 1, 1))).astype(np.float32), None


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """Frames of the built-in world with LiDAR, and their dense depth by image: roads with bumps, slopes and cars on them."""
    pytest.importorskip('embreex')
    from fsmde.synthetic import make_world

    root = tmp_path_factory.mktemp('scale') / 'world'
    make_world(root, train_scenes=1, val_scenes=0, test_scenes=7, frames_per_scene=2, size=(96, 160))
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        frames, depths = [], {}
        for split in ('train', 'test'):
            dataset = DDADDataset(
                data_root=str(root), split=split, test_mode=True, dense_depth='depth/{camera}/{stem}.png'
            )
            for index, frame in enumerate(DatasetFrames(dataset)):
                info = dataset.get_data_info(index)
                for camera, path in zip(dataset.cameras, info['dense_depth_path']):
                    image = cv2.cvtColor(frame.read(camera), cv2.COLOR_BGR2RGB)
                    depths[image.tobytes()] = cv2.imread(path, cv2.IMREAD_UNCHANGED) / np.float32(256)
                frames.append(frame)
    return frames, depths


def results_of(world, factor):
    frames, depths = world
    size = next(iter(depths.values())).shape
    return [SurroundDepthInferencer(StandIn(depths, size, factor))([frame])['predictions'][0] for frame in frames]


def lidar(world, factor):
    return [view for f, r in zip(world[0], results_of(world, factor)) for view in lidar_evidence(r, f.lidar())]


def ground(world, factor):
    # The origin of the world's vehicle frame is on the road.
    return [view for result in results_of(world, factor) for view in ground_evidence(result, ego_height=0.0)]


def distances(world, factor):
    """As by hand with a laser: four pixels of each frame, their distance from the camera to a centimetre."""
    rng, found = np.random.default_rng(0), []
    for result in results_of(world, factor):
        rows = []
        for name in list(result.views)[:2]:
            depth = world[1][result.views[name].image.tobytes()]
            K = result.views[name].cam2img
            for v, u in zip(*(rng.permutation(values)[:2] for values in np.nonzero((depth > 3) & (depth < 40)))):
                x, y = (u + 0.5 - K[0, 2]) / K[0, 0], (v + 0.5 - K[1, 2]) / K[1, 1]
                if depth[v, u] > 0:
                    rows.append(
                        (name, int(u), int(v), 'range', round(float(depth[v, u]) * np.sqrt(x * x + y * y + 1), 2))
                    )
        found += distance_evidence(result, rows)
    return found


WAYS = [lidar, distances, ground]


@pytest.mark.parametrize('way', WAYS)
def test_a_wrong_scale_is_brought_back_within_2_percent(world, way):
    found = calibrate(way(world, 1.3))
    print(found)
    assert found.helps and abs(found.factor * 1.3 - 1) < 0.02


@pytest.mark.parametrize('way', WAYS)
def test_a_right_scale_is_left_alone(world, way):
    found = calibrate(way(world, 1.0))
    print(found)
    assert not found.helps


def pinhole(name='FRONT', size=(160, 96), azimuth=0, **more):
    camera = RigCamera.from_field_of_view(name, size, 80)
    pose = quaternion_to_matrix([1.0, 0, 1.5], camera_quaternion(azimuth))
    return RigCamera(name, size, camera.cam2img, cam2ego=pose, **more)


def plane_depth(camera, height, slope=0.0):
    """(H, W) z-depth of a road that lies ``height`` under a camera and rises ahead; beyond 10 km it is 10 km."""
    u, v = np.meshgrid(np.arange(camera.size[0]) + 0.5, np.arange(camera.size[1]) + 0.5)
    down = (v - camera.cam2img[1, 2]) / camera.cam2img[1, 1] + slope
    with np.errstate(divide='ignore'):
        return np.where(down > 0, height / down, 1e4).clip(max=1e4)


def view_of(camera, depth):
    image = np.zeros((*depth.shape, 3), np.uint8)
    runtime = StandIn({image.tobytes(): depth}, depth.shape, noise=0)
    return SurroundDepthInferencer(runtime, rig=RigFile([camera]))({camera.name: image})['predictions'][0]


def test_height_over_a_plane():
    camera = pinhole()
    for height, slope in ((1.5, 0), (1.8, 0), (1.5, 0.1), (2.1, -0.1)):
        # By hand: of the plane z * (down + slope) = h, the distance to the camera is h / sqrt(1 + slope^2).
        view = view_of(camera, plane_depth(camera, height, slope)).views['FRONT']
        assert camera_height(view, 1.5) == pytest.approx(height / np.hypot(1, slope), rel=1e-4)
    # A car that stands in the way covers a part of the road; a wall is no road, and a steep hill is another plane.
    depth = plane_depth(camera, 1.5)
    depth[:, 70:85] = np.minimum(depth[:, 70:85], 6)
    assert camera_height(view_of(camera, depth).views['FRONT'], 1.5) == pytest.approx(1.5, rel=1e-4)
    assert camera_height(view_of(camera, np.full((96, 160), 5.0)).views['FRONT'], 1.5) is None
    assert camera_height(view_of(camera, plane_depth(camera, 1.5, 0.3)).views['FRONT'], 1.5) is None
    # A camera that looks to the side does not see the lane.
    left = pinhole(azimuth=90)
    assert camera_height(view_of(left, plane_depth(left, 1.5)).views['FRONT'], 1.5) is None


def test_heights_of_the_rig_and_of_the_ego_frame():
    stated = pinhole(height_over_road=2.0)
    (view,) = ground_evidence(view_of(stated, plane_depth(stated, 1.6)))
    assert view.measured == 2.0 and view.predicted == pytest.approx(1.6, rel=1e-4)
    camera = pinhole()
    result = view_of(camera, plane_depth(camera, 1.6))
    # The camera is 1.5 m above the ego frame.
    assert ground_evidence(result, ego_height=0.3)[0].measured == pytest.approx(1.8)
    with pytest.raises(ValueError, match='no camera has height_over_road'):
        ground_evidence(result)
    blind = RigCamera('FRONT', camera.size, camera.cam2img, height_over_road=1.5)
    with pytest.raises(ValueError, match=r"cameras \['FRONT'\] have no cam2ego"):
        ground_evidence(view_of(blind, plane_depth(blind, 1.5)))


def evidence(frame, ratios, camera='A'):
    return Evidence(frame, camera, np.ones(len(ratios)), np.array(ratios, float))


def test_the_factor_and_its_judgement_by_hand():
    # Each view counts once, however many values it has; an outlier moves nothing.
    found = calibrate(
        [evidence('0', [2.0] * 100), evidence('1', [1.5]), evidence('2', [1.5, 1.5]), evidence('3', [9.0])]
    )
    assert found.factor == pytest.approx(np.sqrt(1.5 * 2.0)) and found.groups == 4 and found.values == 104
    # Frames of ratio 2: |1 / 2 - 1| before, 0 after, and no spread.
    found = calibrate([evidence(str(k), [2.0]) for k in range(4)])
    assert (found.factor, found.before, found.after, found.spread, found.helps) == (2.0, 0.5, 0.0, 0.0, True)
    # Left out, each of two frames is judged by the other's factor: 2 / 4 and 4 / 2.
    found = calibrate([evidence('0', [2.0]), evidence('1', [4.0])])
    assert found.after == pytest.approx((abs(4 / 2 - 1) + abs(2 / 4 - 1)) / 2) and found.before == pytest.approx(0.625)
    assert not found.helps
    # Frames that contradict each other: the middle helps none of those that were left out.
    assert not calibrate([evidence(str(k), [0.5 if k % 2 else 2.0]) for k in range(8)]).helps
    # Half a percent is left alone, however sure.
    assert not calibrate([evidence(str(k), [1.005]) for k in range(8)]).helps
    # Of one frame the values are the groups.
    of_one_frame = [evidence('0', [2.0, 2.0, 2.0]), evidence('0', [2.0], 'B')]
    assert calibrate(of_one_frame, single_values=True).groups == 4
    with pytest.raises(ValueError, match='evidence of 1 frames: at least two'):
        calibrate(of_one_frame)
    with pytest.raises(ValueError, match='at least two'):
        calibrate([evidence('0', [2.0])], single_values=True)


@pytest.mark.parametrize('lens', [PlumbBobLens([-0.2, 0.05, 0.001, 0.002, 0.0]), EquidistantLens([0.05, 0.01, 0, 0])])
def test_points_through_a_lens_are_where_opencv_has_them(lens):
    camera = RigCamera('A', (320, 240), pinhole(size=(320, 240)).cam2img, lens, pinhole().cam2ego)
    points = np.random.default_rng(0).uniform([3, -2, 0.5], [9, 2, 2.5], (50, 3))
    u, v, z = pixels_of_points(np.vstack([points, [[-5, 0, 1], [np.nan, 0, 0]]]), camera)
    in_camera = (points - camera.cam2ego[:3, 3]) @ camera.cam2ego[:3, :3]
    K = camera.cam2img - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    project = cv2.fisheye.projectPoints if isinstance(lens, EquidistantLens) else cv2.projectPoints
    expected = project(in_camera.reshape(-1, 1, 3), np.zeros(3), np.zeros(3), K, np.array(lens.coefficients))[
        0
    ].reshape(-1, 2)
    inside = ((expected > -0.5) & (expected < [319.5, 239.5])).all(1)
    assert inside.sum() > 20
    np.testing.assert_array_equal(np.column_stack([u, v]), np.floor(expected[inside] + 0.5).astype(int))
    np.testing.assert_allclose(z, in_camera[inside, 2])


def test_measured_distances(tmp_path):
    camera = pinhole()
    result = view_of(camera, np.full((96, 160), 8.0))
    path = tmp_path / 'distances.csv'
    path.write_text('frame,camera,u,v,range\n000000, FRONT,10,48,10\n000000,FRONT,80,48,9.5\n')
    ((name, rows),) = read_distances(path).items()
    (view,) = distance_evidence(result, rows)
    # By hand: the ray of a pixel is (u + 0.5 - cx) / fx wide at depth 1.
    x = (np.array([10, 80]) + 0.5 - 80) / camera.cam2img[0, 0]
    y = 0.5 / camera.cam2img[1, 1]
    np.testing.assert_allclose(view.measured, np.array([10, 9.5]) / np.sqrt(1 + x**2 + y**2))
    assert name == '000000' and view.predicted.tolist() == [8.0, 8.0]
    (view,) = distance_evidence(result, [('FRONT', 10, 48, 'z_depth', 10.0)])
    assert view.measured == 10.0
    with pytest.raises(ValueError, match=r"no camera 'FRNT' \(did you mean 'FRONT'\?\)"):
        distance_evidence(result, [('FRNT', 1, 1, 'z_depth', 5.0)])
    with pytest.raises(ValueError, match=r'pixel \(160, 0\) is not in an image of 160x96'):
        distance_evidence(result, [('FRONT', 160, 0, 'z_depth', 5.0)])
    path.write_text('frame,camera,u,v,range\n000000,FRONT,10,48,10\n', encoding='utf-8-sig')
    assert read_distances(path)['000000'] == [('FRONT', 10, 48, 'range', 10.0, f'{path}, line 2')]
    # A comma behind the last value; a line break and what only Python takes for one inside a name.
    for end in ',\n', ',\r\n':
        path.write_bytes(f'frame,camera,u,v,range{end}"a\nb\u2028c",FRONT,10,48,10{end}'.encode())
        assert read_distances(path) == {'a\nb\u2028c': [('FRONT', 10, 48, 'range', 10.0, f'{path}, line 3')]}
    path.write_text('frame,camera,u,v,range\n000000,FRONT,10,48,10,\n')
    assert read_distances(path)['000000'] == [('FRONT', 10, 48, 'range', 10.0, f'{path}, line 2')]
    for text, message in (
        ('frame,camera,u,v\n', 'expected the columns frame, camera, u, v and one of'),
        ('frame,camera,u,v,range,z_depth\n', 'one of'),
        ('frame,camera,u,v,rnge\n', "'rnge' is unknown .did you mean 'range'"),
        ('frame,camera,u,v,range\n0,A,1.5,2,3\n', 'line 2: expected whole pixels'),
        ('frame,camera,u,v,range\n0,A,1,2\n', 'line 2: expected whole pixels'),
        ('frame,camera,u,v,range\n0,A,1,2,-3\n', 'line 2: range must be positive'),
        ('frame,camera,u,v,range\n0,A,1,2,3,5\n', 'line 2: more values than the columns .*decimals have a point'),
        ('u,v,range,frame,camera\n1,2,3,0\n', 'line 2: frame or camera is empty'),
        ('frame,camera,u,v,range\n', 'holds no distance'),
        ('frame,camera,u,v,range\n0,' + 200_000 * 'A' + ',1,2,3\n', 'is no CSV file: field larger'),
        ('', 'expected the columns'),
        ('frame;camera;u;v;range\n0;A;1;2;3,5\n', 'separated by commas, found semicolons'),
        ('frame,camera,u,v,range,u\n0,A,1,2,3,4\n', r"columns are named twice: \['u'\]"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_distances(path)
    path.write_bytes(b'frame,camera\xff')
    with pytest.raises(ValueError, match='is no CSV file: .utf-8. codec'):
        read_distances(path)
    with pytest.raises(FileNotFoundError, match='no file of distances'):
        read_distances(tmp_path / 'nothing.csv')


def test_the_tool_writes_what_helps_and_changes_nothing_else(published, frames, tmp_path):
    """An untrained student inside the toy cylinder: wrong by some factor, which the LiDAR knows."""
    path, log = published / 'scaled.yaml', tmp_path / 'log'
    write_rig(path, RigFile(frames[0].rig.cameras, 'of a toy'), overwrite=True)
    before = path.read_bytes()
    argv = published / 'student', published / 'config.py', '--rig', path, '--device', 'cpu', '--lidar'
    code, printed = run_tool('calibrate_scale.py', *argv, log=log)
    assert code == 0, printed
    assert 'multiplied into depth_scale' in printed and 'the file as it was is' in printed
    assert path.with_name('scaled.yaml.before_1').read_bytes() == before
    rig = read_rig(path)
    (scale,) = {camera.depth_scale for camera in rig.cameras}
    assert abs(scale - 1) > 0.01 and rig.notes.startswith('of a toy\ndepth_scale by LiDAR') and 'factor' in rig.notes
    # What is written is applied: the factor that is left to find is 1, and the file stays as it is.
    written = path.read_bytes()
    code, printed = run_tool('calibrate_scale.py', *argv, log=log)
    assert code == 0 and 'factor 1.0000' in printed and 'left as it is: it does not help' in printed, printed
    assert path.read_bytes() == written and not path.with_name('scaled.yaml.before_2').exists()


def test_the_same_from_python(published, frames, tmp_path):
    """Of clouds in a folder, in the ego frame, which is the toy LiDAR's; one factor for the rig, and one a camera."""
    rig, said = RigFile(frames[0].rig.cameras, 'of a toy', 'toy.yaml'), []
    inferencer = SurroundDepthInferencer(published / 'student', rig=rig, device='cpu')
    for number, frame in enumerate(frames):
        (tmp_path / 'clouds' / frame.name).parent.mkdir(parents=True, exist_ok=True)
        np.savez(tmp_path / 'clouds' / f'{frame.name}.npz', data=cylinder_points(seed=number))
    evidence = gather_evidence(frames, inferencer, tmp_path / 'clouds')
    assert [view.frame for view in evidence[::6]] == [frame.name for frame in frames]
    (scale,) = {camera.depth_scale for camera in calibrate_rig(rig, evidence, 'LiDAR', say=said.append).cameras}
    assert scale == fit_factor(evidence) and said[0].startswith(f'the rig: factor {scale:.4f}')
    apart = calibrate_rig(rig, evidence, 'LiDAR', per_camera=True, say=said.append)
    assert apart.origin == 'toy.yaml' and apart.notes.startswith('of a toy\n')
    scales = np.array([camera.depth_scale for camera in apart.cameras])
    assert len(set(scales)) > 1 and abs(np.median(scales) / scale - 1) < 0.2
    assert any(line.startswith('CAMERA_05: factor') for line in said)
    assert not any('measure one' in line for line in said)
    calibrate_rig(rig, evidence, GROUND, say=said.append)
    assert said[-1].startswith('only the road has spoken')
    exact = [Evidence(view.frame, view.camera, view.measured, view.measured) for view in evidence]
    assert calibrate_rig(rig, exact, 'LiDAR', say=said.append) is rig
    assert len(gather_evidence(frames, inferencer, tmp_path / 'clouds', every=2)) == 2 * len(rig.cameras)
    with pytest.raises(ValueError, match='the input: nothing to calibrate with: no LiDAR for a frame in .*elsewhere'):
        gather_evidence(frames, inferencer, tmp_path / 'elsewhere')
    with pytest.raises(ValueError, match='no camera has height_over_road'):
        gather_evidence(frames, inferencer)
    with pytest.raises(ValueError, match=r"a distance: no frame \['none'\] in the input, of which there are"):
        gather_evidence(frames, inferencer, distances=dict(none=[('CAMERA_01', 1, 1, 'z_depth', 5.0)]))


@pytest.mark.parametrize(
    'ask, text, message',
    [
        (
            'distances',
            '000000/0000,CAMERA_1,1,1,5',
            "distances.csv, line 2: .*mine.yaml has no camera 'CAMERA_1' .did you",
        ),
        (
            'distances',
            '000000/0000,CAMERA_01,9999,1,5',
            r'distances.csv, line 2: pixel \(9999, 1\) is not in an image of',
        ),
        ('distances', 'none,CAMERA_01,1,1,5', r"distances.csv, line 2: no frame \['none'\] in .*config.py, of"),
        (
            'elsewhere',
            None,
            'calibrate_scale: .*config.py: nothing to calibrate with: no LiDAR for a frame in .*absent',
        ),
        ('lidar', None, r"mine.yaml: cameras \['CAMERA_05'\] have no cam2ego"),
        ('ground', None, r"mine.yaml: cameras \['CAMERA_05'\] have no cam2ego"),
        ('height', None, 'mine.yaml: no camera has height_over_road'),
        ('device', None, "calibrate_scale: device 'gpu' cannot be used here"),
    ],
)
def test_the_tool_names_the_file_that_is_wrong_in_one_line(
    published, frames, tmp_path, monkeypatch, ask, text, message
):
    cameras = [
        replace(camera, cam2ego=None) if camera.name == 'CAMERA_05' and ask in ('lidar', 'ground') else camera
        for camera in frames[0].rig.cameras
    ]
    write_rig(tmp_path / 'mine.yaml', RigFile(cameras))
    (tmp_path / 'distances.csv').write_text(f'frame,camera,u,v,range\n{text}\n')
    (tmp_path / 'clouds' / frames[0].name).parent.mkdir(parents=True)
    np.savez(tmp_path / 'clouds' / f'{frames[0].name}.npz', data=cylinder_points())
    ways = dict(
        distances=['--distances', tmp_path / 'distances.csv'],
        lidar=['--lidar', tmp_path / 'clouds'],
        elsewhere=['--lidar', tmp_path / 'absent'],
        device=['--ground', '--device', 'gpu'],
    )
    argv = [published / 'student', published / 'config.py', '--rig', tmp_path / 'mine.yaml', '--device', 'cpu']
    monkeypatch.setattr('sys.argv', ['calibrate_scale.py', *map(str, argv + ways.get(ask, ['--ground']))])
    with pytest.raises(SystemExit, match=f'calibrate_scale: .*{message.removeprefix("calibrate_scale: ")}'):
        load_tool('calibrate_scale.py').main()


def test_a_height_over_the_road_is_of_no_use_without_the_ground(monkeypatch, capsys):
    argv = 'calibrate_scale.py student drive --rig rig.yaml --lidar clouds --ego-height 0.3'.split()
    monkeypatch.setattr('sys.argv', argv)
    with pytest.raises(SystemExit):
        load_tool('calibrate_scale.py').main()
    assert '--ego-height says where the road is' in capsys.readouterr().err
