import numpy as np
import pytest

from fsmde.kd_benchmark.gains import Cells, suite_gain

ERRORS = ['abs_rel', 'sq_rel', 'rmse', 'rmse_log', '1-d1']


def cells(means, images=1, scenes=2):
    """One camera; ``means`` is one number, one for each error, or (scenes, errors)."""
    means = np.broadcast_to(np.asarray(means, dtype=float), (scenes, len(ERRORS)))[:, None]
    images = np.broadcast_to(np.asarray(images, dtype=float), (scenes,))[:, None]
    return Cells(ERRORS, [f's{s}' for s in range(scenes)], ['FRONT'], images, means)


def test_gain_is_the_mean_over_errors_then_over_seeds():
    # Seed 0: 10, 20, 0, -10 and 30 % less; seed 1: 20 % less everywhere.
    baseline = {0: cells(1), 1: cells(2), 2: cells(3)}
    arm = {0: cells([0.9, 0.8, 1.0, 1.1, 0.7]), 1: cells(1.6), 3: cells(1)}
    gain = suite_gain(baseline, arm)
    assert gain.seeds == [0, 1]
    assert gain.mean == pytest.approx(0.15)
    assert gain.std == pytest.approx(0.1 / np.sqrt(2))
    assert gain.by_error == pytest.approx(dict(zip(ERRORS, [0.15, 0.2, 0.1, 0.05, 0.25])))
    # Both scenes say the same.
    assert (gain.low, gain.high) == pytest.approx((0.15, 0.15))


def test_interval_draws_scenes():
    # No gain in the one scene, 50 % in the other: draws of two scenes give 0, 25 or 50 %.
    gain = suite_gain({0: cells(1)}, {0: cells([[1.0] * 5, [0.5] * 5])})
    assert gain.mean == pytest.approx(0.25)
    assert (gain.low, gain.high) == (0, 0.5)
    assert np.isnan(gain.std)
    one_scene = suite_gain({0: cells(1, scenes=1)}, {0: cells(0.5, scenes=1)})
    assert one_scene.mean == 0.5 and np.isnan(one_scene.low)


def test_every_image_counts_once():
    gain = suite_gain({0: cells(1, images=[3, 1])}, {0: cells([[1.0] * 5, [0.5] * 5], images=[3, 1])})
    assert gain.mean == pytest.approx(1 - 3.5 / 4)


def test_cameras_without_images_do_not_take_part():
    images, means = [[1, 0], [1, 2]], [[[2.0], None], [[4.0], [6.0]]]
    table = dict(errors=['abs_rel'], scenes=['a', 'b'], cameras=['x', 'y'], images=images, means=means)
    found = Cells.of(dict(scenes=dict(fsmde=table)), 'fsmde')
    np.testing.assert_allclose(found.averaged(np.array([[1, 1], [2, 0]])), [[(3 + 6) / 2], [2]])


def test_no_common_seed_and_other_scenes():
    assert np.isnan(suite_gain({0: cells(1)}, {1: cells(1)}).mean)
    with pytest.raises(ValueError, match='different scenes'):
        suite_gain({0: cells(1)}, {0: cells(1, scenes=3)})
