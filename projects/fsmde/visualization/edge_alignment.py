"""Do the LiDAR's depth edges fall onto the image's edges? Sees a camera that is turned by a degree."""

import cv2
import numpy as np

# Of the image's width: how far to look to both sides, and how far apart two points of one depth edge may be.
REACH = 0.04
GAP = 0.01
# A depth edge: what lies beside it is at least so many times as far.
DEPTH_RATIO = 1.3
FEWEST_EDGES = 80
# How much stronger the image's gradient must be at the best shift than at a typical one.
CLEAR_CONTRAST = 1.25


def find_edge_shift(image, depth):
    """Shift the near points beside depth edges along the rows until the image's gradient under them is strongest.

    Args:
        image: (3, H, W) uint8 RGB.
        depth: (H, W) LiDAR z-depth in metres, 0 = no measurement.

    Returns:
        int: Pixels to the right that bring depth edges onto image edges, 0 on a perfect rig, at most 4 % of the width.
        None where that is not clear: a coarse LiDAR in an open place shows few edges, a tree many too many.
    """
    width = depth.shape[1]
    reach, gap = max(2, round(REACH * width)), max(1, round(GAP * width))
    farthest_near = cv2.dilate(np.asarray(depth, dtype=np.float32), np.ones((3, 2 * gap + 1)))
    rows, columns = np.nonzero((depth > 0) & (farthest_near > DEPTH_RATIO * depth))
    inside = (columns >= reach) & (columns < width - reach)
    if inside.sum() < FEWEST_EDGES:
        return None
    gradient = horizontal_gradient(image)
    shifts = np.arange(-reach, reach + 1)
    strength = gradient[rows[inside], columns[inside] + shifts[:, None]].mean(axis=1)
    if strength.max() <= CLEAR_CONTRAST * np.median(strength):
        return None
    return int(shifts[strength.argmax()])


def horizontal_gradient(image) -> np.ndarray:
    """(H, W) strength of vertical edges of a (3, H, W) uint8 RGB image, 1 on average, a single edge at most 6."""
    gray = cv2.cvtColor(np.ascontiguousarray(np.transpose(image, (1, 2, 0))), cv2.COLOR_RGB2GRAY).astype(np.float32)
    gradient = np.abs(cv2.Sobel(cv2.GaussianBlur(gray, (0, 0), 1), cv2.CV_32F, 1, 0))
    return np.minimum(gradient / (gradient.mean() + 1e-6), 6)
