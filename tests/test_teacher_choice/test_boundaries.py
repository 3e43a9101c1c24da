"""Depth Pro's boundary F1 by hand."""

import numpy as np
import pytest

from fsmde.teacher_choice import boundary_f1


def step(*columns, near=2.0, far=10.0):
    """(4, 8) depth that is far from a column on, and near again from the next one on; and a mask that hides nothing."""
    depth = np.full((4, 8), near)
    for at, value in zip(columns, (far, near)):
        depth[:, at:] = value
    return depth, np.ones_like(depth, dtype=bool)


def test_an_edge_where_it_is_and_where_it_is_not():
    truth, mask = step(4)
    assert boundary_f1(truth, truth, mask) == boundary_f1(3 * truth, truth, mask) == 1
    assert boundary_f1(step(5)[0], truth, mask) == 0
    # From far to near is another edge than from near to far.
    assert boundary_f1(step(4, near=10.0, far=2.0)[0], truth, mask) == 0
    # Of two edges one is right: precision 1/2, recall 1.
    assert boundary_f1(step(4, 6)[0], truth, mask) == pytest.approx(2 / 3)


def test_soft_edges_count_as_far_as_they_go():
    """A step of 12 % is an edge for the first four thresholds of ten, 1.05 to 1.1167."""
    truth, mask = step(4)
    ratios = np.linspace(1.05, 1.25, 10)
    found = boundary_f1(step(4, far=2.24)[0], truth, mask)
    assert found == pytest.approx(ratios[:4].sum() / ratios.sum())


def test_what_the_mask_hides_has_no_edges():
    truth, mask = step(4)
    mask[:, 4:] = False
    assert np.isnan(boundary_f1(truth, truth, mask))
