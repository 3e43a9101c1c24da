import copy

import numpy as np
import pytest
import yaml

from fsmde.lenses import EquidistantLens, PlumbBobLens
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import CONVENTIONS, RigFile, read_rig, write_rig

# A camera 1.5 m up that looks straight ahead, see docs/conventions.md.
AHEAD = np.array([[0.0, 0, 1, 1.2], [-1, 0, 0, 0.1], [0, -1, 0, 1.5], [0, 0, 0, 1]])
CAMERA = dict(
    size=[1936, 1216],
    intrinsics=dict(fx=1058.0, fy=1057.0, cx=960.0, cy=610.0),
    lens=dict(model='plumb_bob', coefficients=[-0.3, 0.1, 0.001, 0.002, 0.0]),
    cam2ego=AHEAD.tolist(),
)
CONTENT = dict(fsmde_rig=1, **CONVENTIONS, pixel_center=0, cameras=dict(FRONT=CAMERA))


def read(tmp_path, content):
    path = tmp_path / 'rig.yaml'
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return read_rig(path)


def changed(*path, value=None, remove=False):
    content = copy.deepcopy(CONTENT)
    node = content
    for key in path[:-1]:
        node = node[key]
    if remove:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return content


def test_a_rig_is_read(tmp_path):
    rig = read(tmp_path, CONTENT)
    camera = rig['FRONT']
    assert rig.names == ('FRONT',) and camera.size == (1936, 1216) and camera.depth_scale == 1
    # OpenCV's first pixel has its centre at 0, ours at 0.5.
    np.testing.assert_array_equal(camera.cam2img, [[1058, 0, 960.5], [0, 1057, 610.5], [0, 0, 1]])
    assert camera.lens == PlumbBobLens((-0.3, 0.1, 0.001, 0.002, 0.0))
    np.testing.assert_array_equal(rig.camera_rig().cam2ego[0], AHEAD)


def test_the_least_that_a_rig_needs(tmp_path):
    rig = read(
        tmp_path,
        'fsmde_rig: 1\ncameras: {front: {size: [1280, 720], intrinsics: {fx: 900, fy: 900, cx: 640, cy: 360}}}',
    )
    assert rig['front'].cam2ego is None and not rig.has_poses
    with pytest.raises(ValueError, match=r"\['front'\] have no cam2ego"):
        rig.camera_rig()
    with pytest.raises(KeyError, match="did you mean 'front'"):
        rig['fornt']


@pytest.mark.parametrize(
    'rotation',
    [dict(quaternion_wxyz=[0.5, -0.5, 0.5, -0.5]), dict(roll_pitch_yaw_degrees=[-90, 0, -90])],
    ids=lambda rotation: next(iter(rotation)),
)
def test_the_three_ways_to_write_a_pose_agree(tmp_path, rotation):
    # The optical frame of a camera that looks ahead, as ROS writes it.
    pose = dict(translation=[1.2, 0.1, 1.5], **rotation)
    rig = read(tmp_path, changed('cameras', 'FRONT', 'cam2ego', value=pose))
    np.testing.assert_allclose(rig['FRONT'].cam2ego, AHEAD, atol=1e-12)


def test_euler_angles_are_scipys():
    from scipy.spatial.transform import Rotation

    from fsmde.poses import euler_to_matrix

    angles = [0.3, -0.7, 1.9]
    expected = Rotation.from_euler('xyz', angles).as_matrix()
    np.testing.assert_allclose(euler_to_matrix([1, 2, 3], angles)[:3, :3], expected, atol=1e-12)


def test_what_is_written_is_read_to_the_last_bit(tmp_path):
    rng = np.random.default_rng(0)
    K = np.array([[1000 + rng.random(), 1e-5, 640.1], [0, 1000, 360 / 7], [0, 0, 1]])
    pose = AHEAD.copy()
    pose[:3, 3] = rng.random(3)
    written = RigFile(
        [
            RigCamera('left: 1', (1280, 720), K, EquidistantLens(rng.random(4)), pose, 1.37, 0.9871234567890123),
            RigCamera.from_field_of_view('yes', (640, 480), 90),
        ],
        'from a test',
    )
    write_rig(tmp_path / 'new/rig.yaml', written)
    found = read_rig(tmp_path / 'new/rig.yaml')
    assert found.notes == 'from a test' and found.names == written.names
    for a, b in zip(found.cameras, written.cameras):
        np.testing.assert_array_equal(a.cam2img, b.cam2img)
        assert (a.size, a.lens, a.height_over_road, a.depth_scale) == (
            b.size,
            b.lens,
            b.height_over_road,
            b.depth_scale,
        )
    np.testing.assert_array_equal(found.cameras[0].cam2ego, pose)
    assert found.cameras[1].cam2img[0, 0] == pytest.approx(320)
    with pytest.raises(FileExistsError, match='there already'):
        write_rig(tmp_path / 'new/rig.yaml', written)


TILTED = AHEAD.copy()
TILTED[:3, 0] *= 1.01
MIRRORED = AHEAD * [[-1], [1], [1], [1]]
BODY = np.eye(4)
FAR = AHEAD.copy()
FAR[:3, 3] *= 1000


@pytest.mark.parametrize(
    'content, message',
    [
        (changed('fsmde_rig', value=2), 'version 2 is unknown'),
        (changed('fsmde_rig', remove=True), 'no rig file'),
        (changed('camera', value={}), r"'camera' is unknown \(did you mean 'cameras'\?\)"),
        (changed('cameras', value={}), 'cameras: expected a mapping of at least one'),
        (changed('cameras', value=[CAMERA]), 'cameras: expected a mapping'),
        (changed('cameras', 5, value=CAMERA), 'must be text, found 5'),
        (changed('cameras', 'FRONT', value=None), 'camera FRONT: expected the keys'),
        (changed('length', value='millimetres'), "must state length: 'metres', found 'millimetres'"),
        (changed('pose', remove=True), "must state pose: 'cam2ego'"),
        (changed('camera_axes', value='x forward, y left, z up'), 'camera_axes: .*z forward'),
        (changed('pixel_center', value=1), 'pixel_center: must be 0'),
        (changed('notes', value=[1]), 'notes: expected text'),
        (changed('cameras', 'FRONT', 'intrinsic', value=1), r"FRONT: key 'intrinsic' is unknown .*'intrinsics'"),
        (changed('cameras', 'FRONT', 'size', remove=True), 'FRONT: size is missing'),
        (changed('cameras', 'FRONT', 'size', value=[1936]), 'FRONT: size: expected a list of 2 numbers'),
        (changed('cameras', 'FRONT', 'size', value=[10**9, 10**9]), 'FRONT: size: .*16384'),
        (changed('cameras', 'FRONT', 'size', value=[1936.5, 1216]), 'FRONT: size'),
        (changed('cameras', 'FRONT', 'intrinsics', 'fx', remove=True), 'FRONT: intrinsics: fx is missing'),
        (changed('cameras', 'FRONT', 'intrinsics', 'fx', value=-5.0), 'FRONT: intrinsics: .*positive'),
        (changed('cameras', 'FRONT', 'intrinsics', 'fx', value=4.5), 'no focal lengths in pixels'),
        (changed('cameras', 'FRONT', 'intrinsics', 'fx', value='1e3'), r'fx: expected a number, .*1\.0e\+3'),
        (changed('cameras', 'FRONT', 'intrinsics', 'fx', value=True), 'fx: expected a number, found True'),
        (changed('cameras', 'FRONT', 'intrinsics', 'fx', value=float('nan')), 'FRONT: intrinsics: expected finite'),
        (changed('cameras', 'FRONT', 'intrinsics', 'fx', value=10**400), 'fx: expected a number'),
        (changed('cameras', 'FRONT', 'intrinsics', 'cx', value=2100.0), 'cx = 2100.5, cy = 610.5 is outside'),
        (
            changed('cameras', 'FRONT', 'intrinsics', value=dict(fx=1058.0, fy=1057.0, cx=610.0, cy=960.0)),
            'far from the middle .*swapped',
        ),
        (changed('cameras', 'FRONT', 'size', value=[600, 1216]), 'outside the image of 600x1216'),
        # By hand: the intrinsics of 1936x1216 for images of 2/3 and of 4/3 of that.
        (changed('cameras', 'FRONT', 'size', value=[1291, 811]), r'of images of about 19\d\dx12\d\d; .* times 0\.66'),
        (changed('cameras', 'FRONT', 'size', value=[2581, 1621]), r'of images of about 19\d\dx12\d\d; .* times 1\.34'),
        (changed('cameras', 'FRONT', 'intrinsics', value=[[1058, 0, 960], [0, 1057, 610]]), '3 rows of 3 numbers'),
        (
            changed('cameras', 'FRONT', 'intrinsics', value=[[1058, 0, 0], [0, 1057, 0], [960, 610, 1]]),
            r'must be \[\[fx, skew, cx\]',
        ),
        (changed('cameras', 'FRONT', 'lens', 'model', value='plumbbob'), "did you mean 'plumb_bob'"),
        (changed('cameras', 'FRONT', 'lens', 'model', value=[[]]), 'FRONT: lens: model'),
        (changed('cameras', 'FRONT', 'lens', 'coefficients', value=[1, 2]), 'FRONT: lens: .*4 or 5 .*found 2'),
        (changed('cameras', 'FRONT', 'lens', value='fisheye'), 'FRONT: lens: expected model and coefficients'),
        (changed('cameras', 'FRONT', 'cam2ego', value=TILTED.tolist()), 'FRONT: cam2ego: no rotation'),
        (changed('cameras', 'FRONT', 'cam2ego', value=MIRRORED.tolist()), 'FRONT: cam2ego: .*mirroring'),
        (changed('cameras', 'FRONT', 'cam2ego', value=AHEAD.T.tolist()), 'FRONT: cam2ego: .*transposed'),
        (changed('cameras', 'FRONT', 'cam2ego', value=np.linalg.inv(AHEAD).tolist()), 'is this ego2cam'),
        (changed('cameras', 'FRONT', 'cam2ego', value=BODY.tolist()), 'camera_link'),
        (changed('cameras', 'FRONT', 'cam2ego', value=FAR.tolist()), 'is it in metres'),
        (changed('cameras', 'FRONT', 'cam2ego', value=dict(translation=[0, 0, 0])), 'translation and one of'),
        (
            changed(
                'cameras', 'FRONT', 'cam2ego', value=dict(translation=[0, 0, 0], quaternion_wxyz=[0.5, 0.5, 0.5, 0.6])
            ),
            'FRONT: cam2ego: quaternion_wxyz: not a rotation',
        ),
        (
            changed('cameras', 'FRONT', 'cam2ego', value=dict(translation=[0, 0, 0], quaternion=[1, 0, 0, 0])),
            "did you mean 'quaternion_wxyz'",
        ),
        (changed('cameras', 'FRONT', 'height_over_road', value=-1.5), 'FRONT: height_over_road must be positive'),
        (changed('cameras', 'FRONT', 'depth_scale', value=0), 'FRONT: depth_scale must be positive'),
        ('fsmde_rig: 1\ncameras: {A: {}, B: {}, A: {}}', "line 2: 'A' is there twice"),
        ('fsmde_rig: [', 'no YAML'),
        ('- 1', 'no rig file'),
        ('!!python/object/apply:os.system ["touch hacked"]', 'no YAML'),
        (
            'fsmde_rig: 1\nnotes: &a [x, x]\ncameras:\n  - &b [*a, *a]\n  - &c [*b, *b]\n' + '  - [*c, *c]\n' * 40,
            'cameras: expected a mapping',
        ),
        ('[' * 5000, 'no YAML'),
        ('fsmde_rig: 1 #' + 'x' * 2**20, 'at most 1048576'),
    ],
)
def test_what_cannot_be_is_said_with_camera_and_key(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path, content)
    assert 'rig.yaml' in str(caught.value) and len(str(caught.value)) < 700
    assert [path.name for path in tmp_path.iterdir()] == ['rig.yaml']


def test_an_absent_rig_file_says_what_writes_one(tmp_path):
    with pytest.raises(FileNotFoundError, match='make_rig.py'):
        read_rig(tmp_path / 'rig.yaml')


@pytest.mark.parametrize(
    'shape, hint', [((1936, 1216), 'swapped'), ((608, 968), 'times 0.5 '), ((1000, 1936), 'crops and resizes')]
)
def test_an_image_of_another_size_is_said(shape, hint):
    camera = RigCamera.from_field_of_view('FRONT', (1936, 1216), 85)
    camera.check_image((1216, 1936, 3))
    with pytest.raises(ValueError, match=f'camera FRONT: size: .*1936x1216; .*{hint}'):
        camera.check_image(shape)


def test_a_field_of_view_that_is_no_pinholes():
    with pytest.raises(ValueError, match='190 degrees is no pinhole'):
        RigCamera.from_field_of_view('FRONT', (640, 480), 190)
