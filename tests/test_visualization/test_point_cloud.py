import numpy as np
import pytest

from fsmde.visualization.point_cloud import fuse_points, write_ply

CAM2IMG = np.array([[[100.0, 0, 50], [0, 100, 50], [0, 0, 1]]])


def looking_down(height):
    """A camera ``height`` metres over the ego origin whose image's top points forward."""
    pose = np.eye(4)
    # Image right is ego right (-y), image down is ego backward (-x), the optical axis points down (-z).
    pose[:3, :3] = np.array([[0, -1, 0], [-1, 0, 0], [0, 0, -1]])
    pose[2, 3] = height
    return pose[None]


def test_a_plane_seen_from_above_lands_on_the_ground():
    depth = np.full((1, 100, 100), 10.0)
    images = np.zeros((1, 3, 100, 100), dtype=np.uint8)
    images[0, 0, 0, 0] = 200
    points, colors = fuse_points(depth, images, CAM2IMG, looking_down(10.0))
    assert points.shape == (10000, 3) and points.dtype == np.float32
    np.testing.assert_allclose(points[:, 2], 0, atol=1e-5)
    # 100 pixels at f = 100 and 10 m see 10 m; the first pixel's centre is 4.95 m ahead and 4.95 m to the left.
    np.testing.assert_allclose(points[0], [4.95, 4.95, 0], atol=1e-5)
    np.testing.assert_allclose(points[-1], [-4.95, -4.95, 0], atol=1e-5)
    assert colors[0].tolist() == [200, 0, 0] and not colors[1:].any()


def test_what_gives_no_point():
    depth = np.array([[[0.0, 5, 80, np.nan], [-1, 5, 79, np.inf]]])
    images = np.zeros((1, 3, 2, 4), dtype=np.uint8)
    mask = np.array([[[True] * 4, [True, False, True, True]]])
    points, _ = fuse_points(depth, images, CAM2IMG, np.eye(4)[None], mask, max_depth=80.0)
    assert points[:, 2].tolist() == [5, 79]


def test_stride_takes_every_second_row_and_column():
    depth = np.full((1, 4, 6), 1.0)
    points, _ = fuse_points(depth, np.zeros((1, 3, 4, 6), np.uint8), CAM2IMG, np.eye(4)[None], stride=2)
    assert len(points) == 6
    np.testing.assert_allclose(points[1, :2], [(2.5 - 50) / 100, (0.5 - 50) / 100])


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match='cam2ego'):
        fuse_points(np.ones((1, 2, 2)), np.zeros((1, 3, 2, 2), np.uint8), CAM2IMG, np.eye(4))


def test_a_ply_reads_back(tmp_path):
    points = np.array([[1.5, -2, 0.25], [100, 0, -1]], dtype=np.float32)
    colors = np.array([[255, 0, 7], [1, 2, 3]], dtype=np.uint8)
    write_ply(tmp_path / 'new' / 'cloud.ply', points, colors)
    head, body = (tmp_path / 'new' / 'cloud.ply').read_bytes().split(b'end_header\n', 1)
    assert head.startswith(b'ply\nformat binary_little_endian 1.0\n') and b'element vertex 2\n' in head
    assert len(body) == 2 * 15
    read = np.frombuffer(body, dtype=[('x', '<f4'), ('y', '<f4'), ('z', '<f4'), ('rgb', 'u1', 3)])
    assert [read[axis].tolist() for axis in 'xyz'] == points.T.tolist()
    assert read['rgb'].tolist() == colors.tolist()
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['cloud.ply']


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / 'cloud.ply'
    path.write_bytes(b'old')
    with pytest.raises(ValueError, match='colors'):
        write_ply(path, np.zeros((3, 3)), np.zeros((2, 3)))
    assert path.read_bytes() == b'old'
