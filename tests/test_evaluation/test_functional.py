"""Numbers one can check by hand."""

import numpy as np
import pytest
import torch

from fsmde.evaluation.functional import (
    METRICS,
    affine_fit,
    error_terms,
    median_ratio,
    metrics_from_sums,
    replace_non_finite,
    sample_bilinear,
    sum_terms,
)


def metrics_of(gt, pred):
    terms = error_terms(np.array(gt, float), np.array(pred, float))
    return dict(zip(METRICS, metrics_from_sums(terms.sum(1))))


def test_two_pixels_by_hand():
    # g = 2, 4; p = 3, 4: errors 1 and 0.
    metrics = metrics_of([2, 4], [3, 4])
    assert metrics['abs_rel'] == pytest.approx(0.25, abs=1e-15)  # (1/2 + 0) / 2
    assert metrics['sq_rel'] == pytest.approx(0.25, abs=1e-15)  # (1/2 + 0) / 2
    assert metrics['rmse'] == pytest.approx(np.sqrt(0.5), abs=1e-15)
    e = np.log(1.5)
    assert metrics['rmse_log'] == pytest.approx(e / np.sqrt(2), abs=1e-15)
    assert metrics['silog'] == pytest.approx(100 * e / 2, abs=1e-12)  # e^2/2 - e^2/4
    assert (metrics['d1'], metrics['d2'], metrics['d3']) == (0.5, 1, 1)  # 1.25 < 1.5 < 1.5625


def test_a_wrong_scale_costs_no_silog():
    metrics = metrics_of([1, 5, 70], [1.1, 5.5, 77])
    assert metrics['silog'] == pytest.approx(0, abs=1e-5)
    assert metrics['abs_rel'] == pytest.approx(0.1)


def test_thresholds_are_strict():
    assert metrics_of([4], [5])['d1'] == 0
    assert metrics_of([4], [4.999])['d1'] == 1


def test_no_pixels_are_nan_and_a_prediction_of_zero_is_not_infinite():
    assert np.isnan(metrics_from_sums(np.zeros(10))).all()
    assert np.isfinite(list(metrics_of([1], [0]).values())).all()


def test_sums_by_group():
    terms = error_terms(np.array([1.0, 2, 4]), np.array([1.0, 3, 4]))
    sums = sum_terms(terms, np.array([0, 2, 2]), 3)
    np.testing.assert_array_equal(sums[:, 0], [1, 0, 2])
    np.testing.assert_array_equal(sums[2], terms[:, 1:].sum(1))


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_non_finite_counts_as_the_worst_of_the_range(bad):
    pred, replaced = replace_non_finite(np.array([bad, bad, 3.0]), np.array([2.0, 190.0, 3.0]), 0.1, 200.0)
    assert pred.tolist() == [200, 0.1, 3]
    assert replaced.tolist() == [True, True, False]


def test_medians_of_an_even_number():
    gt, pred = np.array([2.0, 4, 6, 8]), np.array([1.0, 1, 2, 2])
    assert median_ratio(gt, pred, 'mean') == 5 / 1.5
    assert median_ratio(gt, pred, 'lower') == 4 / 1
    assert median_ratio(gt, pred, 'lower') == float(torch.tensor(gt).median() / torch.tensor(pred).median())
    assert median_ratio(gt[:0], pred[:0]) == 1
    with pytest.raises(ValueError, match="'mean', 'lower'"):
        median_ratio(gt, pred, 'upper')


def test_affine_fit_of_the_inverse():
    gt = np.array([1.0, 2, 4, 10])
    assert affine_fit(gt, 1 / (2 / gt + 0.5)) == pytest.approx((0.5, -0.25))
    # x = 1, 1/2, 0 and y = 1, 1/4, 1/4: slope 3/4, intercept 1/2 - 3/4 * 1/2. A prediction of 0 counts as a millimetre.
    assert affine_fit(np.array([1.0, 4, 4]), np.array([1.0, 2, 1e12])) == pytest.approx((0.75, 0.125))
    assert affine_fit(gt, np.array([0, 1e-3, 1, 1])) == affine_fit(gt, np.array([1e-3, 1e-3, 1, 1]))
    assert affine_fit(gt, np.full(4, 7.0)) == affine_fit(gt[:0], gt[:0]) == (1, 0)


@pytest.mark.parametrize('size', [(13, 29), (5, 7), (4, 6)])
def test_sampling_equals_resizing_then_reading(size):
    rng = np.random.default_rng(0)
    maps = rng.uniform(1, 100, (2, 5, 7))
    resized = torch.nn.functional.interpolate(
        torch.from_numpy(maps)[None], size, mode='bilinear', align_corners=False
    )[0].numpy()
    camera, v, u = np.nonzero(np.ones((2, *size)))
    read = sample_bilinear(maps, camera, u, v, np.tile(size, (2, 1)))
    np.testing.assert_allclose(read, resized[camera, v, u], rtol=0, atol=1e-12)


def test_sampling_follows_each_cameras_size_and_keeps_infinity_to_its_pixel():
    maps = np.array([[[1.0, 3.0]], [[5.0, np.inf]]])
    read = sample_bilinear(maps, np.array([0, 0, 1, 1]), np.array([1, 2, 0, 1]), np.zeros(4, int), [[1, 4], [1, 2]])
    assert read[:3].tolist() == [1.5, 2.5, 5] and not np.isfinite(read[3])
