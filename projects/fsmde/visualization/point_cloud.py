"""All cameras' depth maps as one cloud in the ego frame, and the file that other programs open."""

import numpy as np

from fsmde.output_files import write_bytes
from fsmde.rig import unproject_depth

PLY_VERTEX = np.dtype([('xyz', '<f4', 3), ('rgb', 'u1', 3)])


def fuse_points(depth, images, cam2img, cam2ego, valid_mask=None, max_depth: float = np.inf, stride: int = 1) -> tuple:
    """Lift N depth maps into one point cloud.

    Args:
        depth: (N, H, W) z-depth in metres; pixels at 0 or below, at ``max_depth`` or beyond, and pixels that are not
            finite give no point.
        images: (N, 3, H, W) uint8 RGB.
        cam2img: (N, 3, 3) intrinsics in pixels of the depth maps.
        cam2ego: (N, 4, 4) camera poses in the ego frame.
        valid_mask: (N, H, W) bool, False where there is to be no point, or None.
        max_depth: In metres. A network puts the sky at the end of its range: leave that out.
        stride: Take every ``stride``-th row and column.

    Returns:
        points: (P, 3) float32 in the ego frame, metres.
        colors: (P, 3) uint8 RGB.

    Raises:
        ValueError: If shapes do not agree; names the argument.
    """
    depth, images = np.asarray(depth), np.asarray(images)
    N, H, W = depth.shape
    expected = dict(images=(N, 3, H, W), cam2img=(N, 3, 3), cam2ego=(N, 4, 4), valid_mask=(N, H, W))
    given = dict(images=images, cam2img=cam2img, cam2ego=cam2ego, valid_mask=valid_mask)
    for name, value in given.items():
        if value is not None and np.shape(value) != expected[name]:
            raise ValueError(f'{name} must be {expected[name]} for depth of {depth.shape}, found {np.shape(value)}')
    keep = np.isfinite(depth) & (depth > 0) & (depth < max_depth)
    if valid_mask is not None:
        keep &= np.asarray(valid_mask)
    points, colors = [], []
    for n in range(N):
        taken = keep[n, ::stride, ::stride]
        in_camera = unproject_depth(depth[n], cam2img[n])[::stride, ::stride][taken]
        points.append(in_camera @ cam2ego[n][:3, :3].T + cam2ego[n][:3, 3])
        colors.append(images[n].transpose(1, 2, 0)[::stride, ::stride][taken])
    return np.concatenate(points).astype(np.float32), np.concatenate(colors)


def write_ply(path, points, colors):
    """Write a coloured cloud as binary PLY. The file appears under its name only when it is complete.

    Args:
        path: File to write.
        points: (P, 3) in metres.
        colors: (P, 3) uint8 RGB.

    Raises:
        ValueError: If there are not as many colours as points.
    """
    points, colors = np.asarray(points), np.asarray(colors)
    if points.shape != colors.shape or points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f'points and colors must both be (P, 3), found {points.shape} and {colors.shape}')
    vertices = np.empty(len(points), dtype=PLY_VERTEX)
    vertices['xyz'], vertices['rgb'] = points, colors
    fields = [f'property float {axis}' for axis in 'xyz'] + [f'property uchar {c}' for c in ('red', 'green', 'blue')]
    head = ['ply', 'format binary_little_endian 1.0', 'comment ego frame: x forward, y left, z up, metres']
    head += [f'element vertex {len(points)}', *fields, 'end_header', '']
    write_bytes(path, '\n'.join(head).encode('ascii') + vertices.tobytes())
