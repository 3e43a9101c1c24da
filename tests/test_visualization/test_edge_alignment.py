import numpy as np
import pytest

from fsmde.visualization.edge_alignment import find_edge_shift


def poles(shift):
    """White poles 10 m away before a black wall at 40 m; the LiDAR sees them ``shift`` pixels to the right."""
    image, depth = np.zeros((3, 60, 400), np.uint8), np.full((60, 400), 40.0, np.float32)
    for left in (60, 170, 230, 320):
        image[:, :, left : left + 20] = 255
        depth[:, left + shift : left + 20 + shift] = 10.0
    return image, depth


@pytest.mark.parametrize('shift', [-9, -4, 0, 5, 12])
def test_a_known_shift_is_found_within_the_width_of_an_edge(shift):
    # Near points up to 1 % of the width (4 pixels) inside a pole belong to its edge.
    assert abs(find_edge_shift(*poles(shift)) + shift) <= 2


def test_nothing_is_said_where_nothing_is_seen():
    image, depth = poles(0)
    assert find_edge_shift(image, np.full_like(depth, 20.0)) is None
    assert find_edge_shift(np.full_like(image, 128), depth) is None
    assert find_edge_shift(image, np.zeros_like(depth)) is None
