import numpy as np
import pytest
from matplotlib import colormaps

from fsmde.visualization.color_scale import ColorScale, depth_scale, error_scale


def test_equal_ratios_of_depth_are_equally_far_apart():
    scale = depth_scale(max_depth=100.0, min_depth=1.0)
    np.testing.assert_allclose(scale.position([1, 10, 100]), [0, 0.5, 1])
    np.testing.assert_allclose(scale.position([0.1, 1000]), [0, 1])


def test_colors_of_known_depths():
    scale = depth_scale(max_depth=100.0)
    near, middle, far = colormaps['turbo'](np.array([1.0, 0.5, 0.0]), bytes=True)[:, :3]
    painted = scale([[1.0, 10.0, 100.0]])
    assert painted.shape == (1, 3, 3) and painted.dtype == np.uint8
    np.testing.assert_allclose(painted[0], [near, middle, far], atol=3)


def test_ticks_are_metres_within_the_range():
    assert [label for _, label in depth_scale(80.0).ticks] == ['1 m', '2 m', '5 m', '10 m', '20 m', '50 m', '80 m']
    assert [label for _, label in error_scale(0.5).ticks] == ['-50 % near', '-25 %', '0 %', '+25 %', '+50 % far']


def test_errors_of_opposite_sign_are_blue_and_red():
    too_near, too_far = error_scale(0.5)([-0.5, 0.5]).astype(int)
    assert too_near[2] - too_near[0] > 80 and too_far[0] - too_far[2] > 80


@pytest.mark.parametrize('low, high, log', [(2, 1, False), (1, 1, False), (0, 1, True)])
def test_an_empty_range_is_refused(low, high, log):
    with pytest.raises(ValueError, match='low'):
        ColorScale('turbo', low, high, (), log)
