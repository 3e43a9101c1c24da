import numpy as np
import pytest
import torch

from fsmde.structures import SurroundDepthSample
from fsmde.visualization.frame_checks import check_frame, check_timestamps, view_borders

H, W = 40, 80
FORWARD = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])


def turned(azimuth):
    """Pose of a level camera turned by degrees counter-clockwise from straight ahead."""
    c, s = np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth))
    pose = np.eye(4)
    pose[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ FORWARD
    return pose


def make_frame(azimuths=(0, 80, 160, -120, -40), focal=40.0, **changes):
    """Cameras of 90 degrees each (80 pixels wide, focal length 40 pixels), everything 10 m away."""
    N = len(azimuths)
    data = dict(depth=np.full((N, H, W), 10.0, np.float32), mask=np.ones((N, H, W), bool))
    data['cam2img'] = np.tile(np.array([[focal, 0, W / 2], [0, focal, H / 2], [0, 0, 1]]), (N, 1, 1))
    data.update(changes)
    neighbors = np.stack([np.roll(range(N), -1), np.roll(range(N), 1)], 1) if N > 1 else np.full((1, 2), -1)
    sample = SurroundDepthSample(
        metainfo=dict(
            cam_names=[f'cam{n}' for n in range(N)],
            neighbors=neighbors,
            cam2img=data['cam2img'],
            cam2ego=np.stack([turned(azimuth) for azimuth in azimuths]),
        )
    )
    sample.gt_depth, sample.valid_mask = torch.from_numpy(data['depth']), torch.from_numpy(data['mask'])
    return sample, np.zeros((N, 3, H, W), np.uint8)


def problems(sample, images):
    return [problem for report in check_frame(sample, images) for problem in report.problems]


def test_a_good_ring_has_no_problems_and_right_measures():
    reports = check_frame(*make_frame())
    assert not any(report.problems for report in reports)
    front = reports[0]
    assert front.points == H * W and front.coverage == 1 and front.hidden == 0 and front.edge_shift is None
    assert front.depth.tolist() == [10, 10, 10]
    assert front.field_of_view == pytest.approx(90)
    # Its left border is at 45 degrees, the right border of the camera at 80 degrees is at 35.
    assert front.overlap == pytest.approx(10)


def test_view_borders_by_hand():
    cam2img = np.array([[[40.0, 0, 40], [0, 40, 20], [0, 0, 1]]])
    np.testing.assert_allclose(view_borders(cam2img, turned(10)[None], H, W), [[55, -35]], atol=1e-9)


def test_a_single_camera_has_no_neighbor_to_miss():
    (report,) = check_frame(*make_frame(azimuths=(0,)))
    assert np.isnan(report.overlap) and not report.problems


def test_a_gap_is_measured_and_names_the_neighbor():
    (sentence,) = problems(*make_frame(azimuths=(0, 100, 170, -115, -55)))
    assert sentence.startswith('10.0 degrees lie between') and 'cam1' in sentence


@pytest.mark.parametrize('depth, word', [(0.0, 'no LiDAR point'), (10_000.0, 'in metres'), (0.01, 'in metres')])
def test_depth_that_cannot_be(depth, word):
    found = problems(*make_frame(depth=np.full((5, H, W), depth, np.float32)))
    assert len(found) == 5 and all(word in sentence for sentence in found)


def test_a_frame_that_is_stated_to_have_no_lidar():
    sample, images = make_frame(depth=np.zeros((5, H, W), np.float32))
    assert not [problem for report in check_frame(sample, images, has_lidar=False) for problem in report.problems]


def test_few_points():
    depth = np.zeros((5, H, W), np.float32)
    depth[:, 20, 40] = 10
    assert problems(*make_frame(depth=depth)) == ['only 1 LiDAR points fall into the image'] * 5


def test_a_mask_of_the_other_polarity():
    mask = np.ones((5, H, W), bool)
    mask[2, 10:] = False
    (sentence,) = problems(*make_frame(mask=mask))
    assert 'hides 75%' in sentence and 'self_occlusion' in sentence


def test_intrinsics_of_another_image_size():
    cam2img = np.array([[200.0, 0, 200], [0, 200, 100], [0, 0, 1]])
    found = problems(*make_frame(azimuths=(0,), cam2img=cam2img[None]))
    assert 'principal point (200.0, 100.0)' in found[-1]
    cam2img = np.array([[40.0, 0, 40], [0, 80, 20], [0, 0, 1]])
    assert 'fx = 40.0 and fy = 80.0' in problems(*make_frame(azimuths=(0,), cam2img=cam2img[None]))[0]
    assert 'degrees, unusual' in problems(*make_frame(azimuths=(0,), focal=1000.0))[0]


def test_timestamps():
    assert check_timestamps(['a', 'a', 'b'], [1, 2, 1]) == []
    assert check_timestamps(['a', 'a', 'a'], [1, 2, 2])[0].startswith('1 frames are not later')
    assert 'number 1' in check_timestamps(['a', 'a'], ['2024-01-02', '2024-01-01'])[0]
    assert check_timestamps(['a', 'a'], ['2024-01-02T00:00:01Z', '2024-01-02T00:00:01.100000Z']) == []
    assert check_timestamps(['a', 'a'], [None, 1]) == ['1 of 2 frames have no timestamp']
