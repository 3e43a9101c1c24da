import numpy as np
from PIL import Image

from fsmde.visualization.drawing import BACKGROUND, draw_vertical_text, splat_points


def test_the_nearest_of_several_points_is_seen():
    image = np.zeros((5, 5, 3), dtype=np.uint8)
    colors = np.array([[1, 1, 1], [2, 2, 2], [3, 3, 3]], dtype=np.uint8)
    splat_points(image, u=[2, 2, 3], v=[2, 2, 2], order=[5.0, 4.0, 6.0], colors=colors, radius=0)
    assert image[2, 2].tolist() == [2, 2, 2] and image[2, 3].tolist() == [3, 3, 3]
    assert np.count_nonzero(image) == 6


def test_a_near_disc_covers_a_far_point_beside_it():
    image = np.zeros((7, 7, 3), dtype=np.uint8)
    colors = np.array([[1, 1, 1], [2, 2, 2]], dtype=np.uint8)
    splat_points(image, u=[3, 4], v=[3, 3], order=[2.0, 9.0], colors=colors, radius=1)
    assert (image[2:5, 2:5] == 1).all()
    assert (image[2:5, 5] == 2).all()


def test_points_outside_and_discs_at_the_edge():
    image = np.zeros((3, 3, 3), dtype=np.uint8)
    colors = np.full((3, 3), 9, dtype=np.uint8)
    splat_points(image, u=[-1, 0, 3], v=[0, 0, 1], order=[1, 1, 1], colors=colors, radius=1)
    assert image[..., 0].tolist() == [[9, 9, 0], [9, 9, 0], [0, 0, 0]]


def test_a_long_label_keeps_to_its_room():
    canvas = Image.new('RGB', (30, 300), BACKGROUND)
    draw_vertical_text(canvas, (15, 150), 'a name that is much longer than that', room=150)
    rows = (np.asarray(canvas) != BACKGROUND).any((1, 2)).nonzero()[0]
    assert 75 <= rows.min() and rows.max() < 225 and rows.max() - rows.min() > 100
