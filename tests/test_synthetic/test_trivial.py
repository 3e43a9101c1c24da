"""The trivial predictor, on numbers one can check by hand."""

import numpy as np

from fsmde.synthetic.trivial import _cells, _median_map, _project


def test_median_of_each_cell():
    pixels = np.array([[0, 0], [1, 1], [0, 1], [5, 0]])  # columns, rows; cells of 2 in a 4x6 image: three a row
    cells = _cells(pixels, (4, 6), 2)
    assert cells.tolist() == [0, 0, 0, 2]
    medians = _median_map((4, 6), 2, cells, np.array([9.0, 3.0, 5.0, 7.0]))
    assert medians.tolist() == [5, 0, 7, 0, 0, 0]


def test_a_point_ahead_lands_in_the_principal_pixel():
    k = dict(fx=100.0, fy=100.0, cx=40.0, cy=24.0)
    points = np.array([[0, 0, 10.0], [0, 0, -10.0], [1, 0.5, 10.0], [9, 0, 10.0]])
    pixels, depth = _project(points, np.eye(4), k, (48, 80))
    assert pixels.tolist() == [[40, 24], [50, 29]] and depth.tolist() == [10, 10]
