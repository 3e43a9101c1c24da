"""Fields of DGP that change what the rest means, by the names of dgp/proto: each is read or refused."""

import json

import cv2
import numpy as np
import pytest

from fsmde.datasets import DDADDataset
from fsmde.datasets.dgp_format import read_camera, read_point_format, read_poses, read_size
from fsmde.lenses import EquidistantLens, Lens, PlumbBobLens, RationalLens
from toy_dgp import cylinder_points, pose

PIPELINE = [dict(type='mmdet3d.LoadSurroundImages'), dict(type='mmdet3d.LoadSurroundLidar')]
SCENE, CALIBRATION = '000000/scene_0.json', '000000/calibration/c0.json'


def dataset(root, **kwargs):
    return DDADDataset(data_root=str(root), pipeline=kwargs.pop('pipeline', PIPELINE), **kwargs)


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def edit_data(root, sensor, change, samples=(0, 1, 2)):
    """Change the ``image`` or ``point_cloud`` of a sensor in some samples."""

    def of_all(scene):
        for datum in scene['data']:
            name, number = datum['key'].split('-')
            if name == sensor and int(number) in samples:
                change(next(iter(datum['datum'].values())))

    edit(root / SCENE, of_all)


@pytest.mark.parametrize(
    'fields, lens',
    [
        # By the comments of geometry.proto and Parallel Domain's own reader: OpenCV's models, fisheye 1 its fisheye.
        (dict(k1=-0.3, k2=0.1, p1=0.001, p2=0.002, k3=0.05), PlumbBobLens((-0.3, 0.1, 0.001, 0.002, 0.05))),
        (dict(k1=0.1, k6=0.2), RationalLens((0.1, 0, 0, 0, 0, 0, 0, 0.2))),
        (dict(fisheye=1, k1=0.1, k4=0.2), EquidistantLens((0.1, 0, 0, 0.2))),
        (dict(fisheye=True), EquidistantLens((0, 0, 0, 0))),
        (dict(fisheye='1'), EquidistantLens((0, 0, 0, 0))),
        (dict(fisheye=False, skew=0.0), Lens()),
    ],
)
def test_lenses_are_opencvs(fields, lens):
    cam2img, found = read_camera(dict(fx=100.0, fy=90.0, cx=50.0, **fields), 'here')
    assert found == lens and cam2img.tolist() == [[100, 0, 50], [0, 90, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    'fields',
    [
        *({field: 0.01} for field in 's1 s2 s3 s4 taux tauy alpha beta w xi'.split()),
        dict(equirectangular=1),
        dict(equirectangular=True),
        dict(fisheye=2),
        dict(fisheye=1, p1=0.1),
        dict(fisheye=1, k5=0.1),
    ],
)
def test_other_lenses_are_refused_by_name(fields):
    with pytest.raises(ValueError, match=f'here: its lens is not known here: .*{next(iter(fields))}'):
        read_camera(dict(fx=100.0, fy=100.0, **fields), 'here')


def test_a_frame_has_the_lenses_of_its_cameras(toy_dgp):
    assert 'lenses' not in dataset(toy_dgp, pipeline=[]).get_data_info(0)
    edit(toy_dgp / CALIBRATION, lambda c: c['intrinsics'][2].update(k1=-0.3, p2=0.001))
    lenses = dataset(toy_dgp, pipeline=[], test_mode=True).get_data_info(2)['lenses']
    assert lenses == [Lens(), PlumbBobLens((-0.3, 0, 0, 0.001, 0)), *[Lens()] * 4]
    # Of the cameras that are used, and only if one of them is no pinhole.
    few = dataset(toy_dgp, pipeline=[], cameras=['CAMERA_05', 'CAMERA_06'], test_mode=True)
    assert few.get_data_info(0)['lenses'] == [lenses[1], Lens()]
    assert 'lenses' not in dataset(toy_dgp, cameras=['CAMERA_01', 'CAMERA_06']).get_data_info(0)


def test_a_lens_that_is_not_known_names_its_file_and_camera(toy_dgp):
    edit(toy_dgp / CALIBRATION, lambda c: c['intrinsics'][2].update(xi=0.5))
    with pytest.raises(ValueError, match='c0.json: CAMERA_05: its lens is not known here: .*0.5.*double sphere'):
        dataset(toy_dgp)
    # A camera that is not used may have any lens.
    assert len(dataset(toy_dgp, cameras=['CAMERA_01', 'CAMERA_06'])) == 3


def test_lens_fields_that_are_zero_say_pinhole(toy_dgp):
    """As DGP's own test data write them; ``fov`` repeats fx."""
    fields = 'k1 k2 k3 k4 k5 k6 p1 p2 s1 s2 s3 s4 taux tauy alpha beta w xi equirectangular fisheye'.split()
    edit(toy_dgp / CALIBRATION, lambda c: c['intrinsics'][2].update(dict.fromkeys(fields, 0), fov=77.3))
    assert len(dataset(toy_dgp)) == 3


def test_fields_that_dgp_does_not_have_are_refused(toy_dgp):
    edit(toy_dgp / CALIBRATION, lambda c: c['intrinsics'][1].update(distortion=dict(k1=0.1)))
    with pytest.raises(ValueError, match=r"c0.json: CAMERA_01: unknown fields \['distortion'\]"):
        dataset(toy_dgp)


def test_skew_is_used():
    matrix, _ = read_camera(dict(fx=100.0, fy=90, cx='50', cy=40.0, skew=2.0), 'here')
    # OpenCV's definition of the matrix: u = fx x + skew y + cx.
    assert (matrix @ [0.5, 1.0, 1.0]).tolist() == [102.0, 130.0, 1.0]


@pytest.mark.parametrize('field', ['fx', 'k1'])
@pytest.mark.parametrize('value', ['wide', [1], None, float('nan'), {}])
def test_words_for_numbers(value, field):
    with pytest.raises(ValueError, match=f'here: {field} must be a number, found'):
        read_camera({'fx': 1.0, field: value}, 'here')


@pytest.mark.parametrize('part, field', [('translation', 'y'), ('rotation', 'qx')])
@pytest.mark.parametrize('value', ['far', [1], None, float('nan'), float('inf')])
def test_words_in_poses(value, part, field):
    with pytest.raises(ValueError, match=f'file.json: pose of B: {field} must be a number'):
        read_poses([pose([1, 0, 0, 0]), {**pose([1, 0, 0, 0]), part: {'qw': 1.0, field: value}}], 'AB', 'file.json')


def test_words_blame_the_file_that_has_them(toy_dgp):
    saved = (toy_dgp / CALIBRATION).read_text()
    edit(toy_dgp / CALIBRATION, lambda c: c['intrinsics'][2].update(fx='wide'))
    with pytest.raises(ValueError, match="calibration/c0.json: CAMERA_05: fx must be a number, found 'wide'"):
        dataset(toy_dgp)
    (toy_dgp / CALIBRATION).write_text(saved)
    edit_data(toy_dgp, 'LIDAR', lambda cloud: cloud['pose']['translation'].update(y='far'), samples=[1])
    with pytest.raises(ValueError, match='scene_0.json: pose of LIDAR in sample 1: y must be a number'):
        dataset(toy_dgp)


def test_a_pose_that_is_no_rotation_names_its_sensor(toy_dgp):
    edit_data(toy_dgp, 'LIDAR', lambda datum: datum['pose']['rotation'].update(qw=3.0), samples=[2])
    with pytest.raises(ValueError, match='scene_0.json: pose of LIDAR in sample 2: not a rotation'):
        dataset(toy_dgp)


@pytest.mark.parametrize(
    'change, message',
    [
        (lambda c: c['extrinsics'].pop(), 'lists of one length .* 7 and 6'),
        (lambda c: c['intrinsics'].pop(), 'lists of one length .* 6 and 7'),
        (lambda c: c['names'].__setitem__(3, 'camera_01'), 'lists of one length without a name twice'),
    ],
)
def test_lists_that_do_not_fit_together(toy_dgp, change, message):
    edit(toy_dgp / CALIBRATION, change)
    with pytest.raises(ValueError, match=f'c0.json: names, intrinsics and extrinsics must be {message}'):
        dataset(toy_dgp)


def test_two_data_of_one_sensor_in_a_sample(toy_dgp):
    edit(toy_dgp / SCENE, lambda scene: scene['samples'][1]['datum_keys'].append('CAMERA_09-0'))
    with pytest.raises(ValueError, match='scene_0.json: sample 1 has two data of one sensor'):
        dataset(toy_dgp)


def test_image_sizes_are_those_of_the_index(toy_dgp):
    edit_data(toy_dgp, 'CAMERA_05', lambda image: image.update(height=48, width=64, channels=3))
    assert dataset(toy_dgp)[0]['ori_shape'][1].tolist() == [48, 64]
    file = toy_dgp / '000000/rgb/CAMERA_05/1.png'
    cv2.imwrite(str(file), cv2.resize(cv2.imread(str(file)), (32, 24)))
    assert dataset(toy_dgp)[1]['frame_id'] == '000000/0002'
    frames = dataset(toy_dgp, test_mode=True)
    for look in (frames.__getitem__, frames.lidar_pixels):
        with pytest.raises(ValueError, match=f'{file} is 24x32 .*, its calibration is for 48x64'):
            look(1)


def test_sizes_of_the_original_count_where_less_is_decoded(toy_dgp):
    for sample in range(3):
        file = toy_dgp / f'000000/rgb/CAMERA_05/{sample}.jpg'
        cv2.imwrite(str(file), np.zeros((48, 64, 3), np.uint8))
    edit_data(toy_dgp, 'CAMERA_05', lambda image: image.update(filename=image['filename'].replace('png', 'jpg')))
    pipeline = [dict(type='mmdet3d.LoadSurroundImages', reduce_to=(24, 32))]
    edit_data(toy_dgp, 'CAMERA_05', lambda image: image.update(height=48, width=64))
    assert dataset(toy_dgp, pipeline=pipeline, test_mode=True)[0]['img'][1].shape == (24, 32, 3)
    edit_data(toy_dgp, 'CAMERA_05', lambda image: image.update(height=47, width=64))
    with pytest.raises(ValueError, match='0.jpg is 48x64 .*, its calibration is for 47x64'):
        dataset(toy_dgp, pipeline=pipeline, test_mode=True)[0]


@pytest.mark.parametrize('size', [dict(height=48), dict(width=64), dict(height=48, width='broad')])
def test_half_a_size(size):
    with pytest.raises(ValueError, match='here: (height and )?width must'):
        read_size(size, 'here')


def test_dense_depth_of_another_size_than_its_image(toy_dgp):
    for camera in DDADDataset.CAMERAS:
        path = toy_dgp / f'000000/depth/{camera}/0.png'
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), np.full((24, 32), 2560, np.uint16))
    pipeline = [PIPELINE[0], dict(type='mmdet3d.LoadDenseDepth')]
    options = dict(dense_depth='depth/{camera}/{stem}.png', test_mode=True)
    assert dataset(toy_dgp, **options).get_data_info(0)['dense_depth_measure'] == 'z_depth'
    with pytest.raises(ValueError, match="dense_depth_measure must be one of .*'distance'.*, found 'range'"):
        dataset(toy_dgp, dense_depth_measure='range', **options)
    with pytest.raises(ValueError, match=r'CAMERA_01/0.png: the depth map is \(24, 32\), its image \(48, 64\)'):
        dataset(toy_dgp, pipeline=pipeline, **options)[0]


def test_the_point_format_says_which_columns_are_x_y_and_z(toy_dgp):
    before = dataset(toy_dgp).lidar_pixels(0)[0]
    for number in range(3):
        x, y, z, intensity = cylinder_points(seed=number).T
        np.savez(toy_dgp / f'000000/point_cloud/LIDAR/{number}.npz', data=np.stack([intensity, z, x, y], 1))
    edit_data(toy_dgp, 'LIDAR', lambda cloud: cloud.update(point_format=['INTENSITY', 'Z', 'X', 'Y']))
    np.testing.assert_array_equal(dataset(toy_dgp).lidar_pixels(0)[0].z, before.z)
    # Enums may be written as numbers.
    edit_data(toy_dgp, 'LIDAR', lambda cloud: cloud.update(point_format=[3, 2, 0, 1]))
    np.testing.assert_array_equal(dataset(toy_dgp)[0]['lidar_points'][:, :3], cylinder_points()[:, :3])
    edit_data(toy_dgp, 'LIDAR', lambda cloud: cloud.update(point_format=['X', 'Y', 'Z']))
    with pytest.raises(ValueError, match=r'LIDAR/0.npz: a cloud has the shape \(points, 3\), found \(4000, 4\)'):
        dataset(toy_dgp, test_mode=True)[0]


@pytest.mark.parametrize(
    'cloud',
    [
        dict(point_format=['X', 'Y']),
        dict(point_format=['X', 'Y', 'Z', 'X']),
        dict(point_fields=['range', 'azimuth', 'elevation']),
        dict(point_format=['X', 'Y', 'Z'], point_fields=['z', 'y', 'x']),
        dict(point_format=[0, 1, 99]),
    ],
)
def test_point_formats_without_coordinates(cloud):
    with pytest.raises(ValueError, match='here: point_format must name X, Y and Z once'):
        read_point_format(cloud, 'here')


def test_point_fields_serve_where_there_is_no_point_format():
    assert read_point_format(dict(point_format=[], point_fields=['t', 'x', 'y', 'z']), '') == (4, [1, 2, 3])
    assert read_point_format(dict(point_fields=[]), '') is None
