import numpy as np
import pytest

from fsmde.datasets import SubsampleLidar


def frame(frame_id):
    return dict(frame_id=frame_id, lidar_points=np.arange(30000.0).reshape(-1, 3))


def test_keeps_whole_points_in_their_order_in_the_given_share():
    points = SubsampleLidar(fraction=0.125)(frame('a/0000'))['lidar_points']
    assert 1250 - 4 * 33 < len(points) < 1250 + 4 * 33  # a binomial of 10,000 draws has a deviation of 33
    np.testing.assert_array_equal(points[:, 1:] - points[:, :1], np.tile([1.0, 2.0], (len(points), 1)))
    assert (np.diff(points[:, 0]) > 0).all()


def test_the_same_points_in_every_epoch_and_others_in_other_frames():
    keep = SubsampleLidar(fraction=0.5)
    first, again, other = (keep(frame(name))['lidar_points'] for name in ('a/0000', 'a/0000', 'a/0001'))
    np.testing.assert_array_equal(first, again)
    assert len(np.intersect1d(first[:, 0], other[:, 0])) < 0.6 * len(first)


@pytest.mark.parametrize('fraction', [0, 1.1])
def test_fraction_is_checked(fraction):
    with pytest.raises(ValueError, match='fraction'):
        SubsampleLidar(fraction=fraction)
