import numpy as np
import pytest

from fsmde.visualization.color_scale import depth_scale
from fsmde.visualization.panels import GAP, HEADER, HIDDEN_RED, LEFT, RIGHT, draw_comparison, draw_panel, ring_order


def cameras_at(*azimuths):
    """Poses of level cameras that look into directions in degrees, counter-clockwise from straight ahead."""
    poses = np.tile(np.eye(4), (len(azimuths), 1, 1))
    for pose, azimuth in zip(poses, np.radians(azimuths)):
        forward = [np.cos(azimuth), np.sin(azimuth), 0]
        right = [np.sin(azimuth), -np.cos(azimuth), 0]
        pose[:3, :3] = np.stack([right, [0, 0, -1], forward], axis=1)
    return poses


@pytest.mark.parametrize('rear', [180, 179, -179])
def test_a_six_camera_ring_is_laid_out_from_left_to_right(rear):
    # Front, front left, back left, back, back right, front right.
    assert ring_order(cameras_at(0, 55, 110, rear, -110, -55)).tolist() == [2, 1, 0, 5, 4, 3]


def test_a_rig_that_looks_only_ahead():
    assert ring_order(cameras_at(-20, 20)).tolist() == [1, 0]
    assert ring_order(cameras_at(0)).tolist() == [0]


def frame(N=3, H=20, W=40):
    images = np.zeros((N, 3, H, W), dtype=np.uint8)
    images[:] = np.array([50, 100, 150])[:N, None, None, None]
    return images, np.full((N, H, W), 10.0, dtype=np.float32), np.full((N, H, W), 20.0, dtype=np.float32)


def cell(panel, row, column, height, width):
    top, left = HEADER + row * (height + GAP), LEFT + column * (width + GAP)
    return panel[top : top + height, left : left + width]


def test_every_cell_shows_what_it_must():
    images, pred, gt = frame()
    panel = draw_panel(images, pred, gt, ['a', 'b', 'c'], max_depth=100.0, order=[2, 0, 1], cell_width=80)
    height, width = 40, 80
    assert panel.dtype == np.uint8
    assert panel.shape == (HEADER + 4 * (height + GAP), LEFT + 3 * (width + GAP) + RIGHT, 3)
    for column, grey in enumerate([150, 50, 100]):
        assert (cell(panel, 0, column, height, width) == grey).all()
    scale = depth_scale(100.0)
    assert (cell(panel, 1, 0, height, width) == scale(10.0)).all()
    assert (cell(panel, 2, 0, height, width)[2:-2, 2:-2] == scale(20.0)).all()
    # The prediction is half the truth: the blue end of the error's scale.
    red, _, blue = cell(panel, 3, 0, height, width)[20, 40].astype(int)
    assert blue - red > 80


def test_rows_without_data_are_left_out():
    images, pred, gt = frame()
    height = 40 + GAP
    assert draw_panel(images, None, gt, 'abc', 100.0, cell_width=80).shape[0] == HEADER + 2 * height
    assert draw_panel(images, pred, None, 'abc', 100.0, cell_width=80).shape[0] == HEADER + 2 * height


def test_a_single_measurement_can_be_seen():
    images, pred, gt = frame(N=1)
    gt[:] = 0
    gt[0, 10, 20] = 5.0
    truth = cell(draw_panel(images, pred, gt, ['a'], 100.0, cell_width=40), 2, 0, 20, 40)
    assert (truth[9:12, 19:22] == depth_scale(100.0)(5.0)).all()
    assert np.ptp(truth[0, 0]) == 0


def test_the_car_itself_is_dark_and_has_no_error():
    images, pred, gt = frame(N=1)
    mask = np.ones(pred.shape, dtype=bool)
    mask[:, 10:] = False
    panel = draw_panel(images, pred, gt, ['a'], 100.0, valid_mask=mask, cell_width=40)
    assert (cell(panel, 1, 0, 20, 40)[15, 5] == depth_scale(100.0)(10.0) // 3).all()
    red, green, blue = cell(panel, 3, 0, 20, 40)[15, 5].astype(int)
    assert red - green == HIDDEN_RED and green == blue


def test_shapes_that_do_not_agree_are_named():
    images, pred, gt = frame()
    with pytest.raises(ValueError, match='gt_depth'):
        draw_panel(images, pred, gt[:, ::2], 'abc', 100.0)
    with pytest.raises(ValueError, match='images'):
        draw_panel(images.astype(np.float32), pred, gt, 'abc', 100.0)
    with pytest.raises(ValueError, match='cam_names'):
        draw_panel(images, pred, gt, 'ab', 100.0)


def test_comparison_has_a_row_for_each_map():
    images = np.zeros((2, 3, 4, 8), np.uint8)
    depths = dict(truth=np.zeros((2, 4, 8)), far=np.full((2, 4, 8), 100.0))
    picture = draw_comparison(images, depths, ['LEFT', 'RIGHT'], max_depth=100.0, cell_width=80)
    rows = [HEADER + row * (40 + GAP) + 20 for row in range(3)]
    middles = picture[rows, LEFT + 40]
    np.testing.assert_array_equal(middles[:2], 0)  # The image, and no depth.
    np.testing.assert_array_equal(middles[2], depth_scale(100.0)(100.0))
    with pytest.raises(ValueError, match='far must have the size of the images'):
        draw_comparison(images, dict(far=np.zeros((2, 4, 9))), ['LEFT', 'RIGHT'], max_depth=100.0)
