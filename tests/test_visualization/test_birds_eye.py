import numpy as np

from fsmde.visualization.birds_eye import LIDAR_COLOR, draw_birds_eye, metres_to_pixels, ring_distances
from fsmde.visualization.drawing import BACKGROUND

GREEN = (0, 255, 0)


def painted(picture, color):
    """(column, row) of the middle of what has a colour."""
    rows, columns = np.nonzero((picture == color).all(-1))
    return columns.mean(), rows.mean()


def test_forward_is_up_and_left_is_left():
    # 200 pixels for 20 m: 10 pixels a metre.
    points = np.array([[5.0, 0, 0], [0, 5, 0], [-5, -5, 0]])
    assert metres_to_pixels(points, extent=10.0, size=200).tolist() == [[100, 50], [50, 100], [150, 150]]


def test_a_point_lands_where_it_is():
    picture = draw_birds_eye([[3.05, 2.05, 0]], np.array([GREEN], np.uint8), extent=10.0, size=200)
    assert picture.shape == (200, 200, 3) and picture.dtype == np.uint8
    assert painted(picture, GREEN) == (79, 69)


def test_the_highest_point_is_seen_and_what_hangs_over_the_street_is_not():
    points = np.array([[3.05, 2.05, 0], [3.05, 2.05, 2], [3.05, 2.05, 9]])
    colors = np.array([[255, 0, 0], GREEN, [0, 0, 255]], np.uint8)
    assert draw_birds_eye(points, colors, extent=10.0, size=200)[69, 79].tolist() == list(GREEN)


def test_lidar_lies_over_the_cloud():
    points = np.array([[3.05, 2.05, 0]])
    picture = draw_birds_eye(points, np.array([GREEN], np.uint8), points, extent=10.0, size=200)
    assert picture[69, 79].tolist() == list(LIDAR_COLOR) and picture[69, 78].tolist() == list(GREEN)


def test_rings_have_round_distances_and_an_empty_cloud_is_a_picture():
    assert ring_distances(50.0) == [10, 20, 30, 40, 50]
    assert ring_distances(8.0) == [1, 2, 3, 4, 5, 6, 7, 8]
    picture = draw_birds_eye(np.zeros((0, 3)), np.zeros((0, 3), np.uint8), extent=20.0, size=400)
    # The ring at 15 m, straight behind the car: 150 pixels below the middle.
    assert (picture[349:352, 200] != BACKGROUND).any() and (picture[340, 200] == BACKGROUND).all()
