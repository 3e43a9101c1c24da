"""One picture of one frame: all cameras side by side, image over prediction over ground truth over error."""

import numpy as np
from PIL import Image

from .color_scale import ColorScale, depth_scale, error_scale
from .drawing import BACKGROUND, draw_bar, draw_text, draw_vertical_text, splat_points

HEADER = 28
LEFT = 30
RIGHT = 124
GAP = 4
HIDDEN_RED = 60


def ring_order(cam2ego) -> np.ndarray:
    """(N,) camera indices from left to right as the driver would turn the head, the rear camera last.

    The ring is cut behind the car, 10 degrees to the left of straight back, so that a rear camera that is mounted
    slightly askew does not change sides.

    Args:
        cam2ego: (N, 4, 4) camera poses in the ego frame.
    """
    axes = np.asarray(cam2ego)[:, :3, 2]
    azimuths = np.degrees(np.arctan2(axes[:, 1], axes[:, 0]))
    return np.argsort(-((azimuths + 190) % 360 - 190), kind='stable')


def draw_panel(
    images,
    pred_depth,
    gt_depth,
    cam_names,
    max_depth: float,
    min_depth: float = 1.0,
    max_error: float = 0.5,
    order=None,
    valid_mask=None,
    cell_width: int = 320,
    point_radius: int = 1,
) -> np.ndarray:
    """Draw a frame of N cameras as N columns, on one metric colour scale for the whole rig.

    Rows: image, prediction, ground truth and relative error (prediction - truth) / truth. Measurements are drawn as
    discs on the darkened image; of several in one place the nearest is seen. Rows without data are left out.

    Args:
        images: (N, 3, H, W) uint8 RGB.
        pred_depth: (N, H, W) predicted z-depth in metres, or None.
        gt_depth: (N, H, W) measured z-depth in metres, 0 = no measurement, or None.
        cam_names: N camera names.
        max_depth, min_depth: Ends of the colour scale in metres.
        max_error: End of the error's colour scale, 0.5 for 50 %.
        order: Camera indices from left to right, see :func:`ring_order`; by default as given.
        valid_mask: (N, H, W) bool, False where the car itself is seen: darkened in the prediction, reddish
            under the measurements, without error.
        cell_width: Width in pixels of one camera's picture.
        point_radius: Radius in pixels of a measurement's disc.

    Returns:
        (h, w, 3) uint8 RGB.

    Raises:
        ValueError: If shapes do not agree; names the argument.
    """
    images = np.asarray(images)
    N, _, H, W = _check_shapes(images, pred_depth, gt_depth, valid_mask, cam_names)
    order = range(N) if order is None else order
    cell = (max(1, round(cell_width * H / W)), cell_width)
    depths, errors = depth_scale(max_depth, min_depth), error_scale(max_error)
    views = [_fit(image.transpose(1, 2, 0), cell) for image in images]
    rows = [('image', views, None)]
    visible = np.ones((N, H, W), dtype=bool) if valid_mask is None else np.asarray(valid_mask)
    dark = [_darken(view, mask) for view, mask in zip(views, visible)]
    if pred_depth is not None:
        painted = [depths(depth) // np.where(mask, 1, 3)[..., None] for depth, mask in zip(pred_depth, visible)]
        rows.append(('prediction', [_fit(view.astype(np.uint8), cell) for view in painted], depths))
    if gt_depth is not None:
        truth = [_points(depth, depth, depths, view, point_radius) for depth, view in zip(gt_depth, dark)]
        rows.append(('ground truth', truth, depths))
    if pred_depth is not None and gt_depth is not None:
        truth = np.where(visible, gt_depth, 0)
        error = (np.asarray(pred_depth) - truth) / np.where(truth > 0, truth, 1)
        painted = [_points(g, e, errors, view, point_radius) for g, e, view in zip(truth, error, dark)]
        rows.append(('relative error', painted, errors))
    return _compose(rows, [cam_names[n] for n in order], order, cell)


def draw_comparison(
    images, depths: dict, cam_names, max_depth: float, min_depth: float = 1.0, order=None, cell_width: int = 320
) -> np.ndarray:
    """Draw several depth maps of one frame under each other: images, then a row for each map, N columns.

    Args:
        images: (N, 3, H, W) uint8 RGB.
        depths: (N, H, W) z-depth in metres by the name of its row; 0 (no depth) is black.
        cam_names, max_depth, min_depth, order, cell_width: See :func:`draw_panel`.

    Returns:
        (h, w, 3) uint8 RGB.

    Raises:
        ValueError: If shapes do not agree; names the row.
    """
    images = np.asarray(images)
    N, _, H, W = images.shape
    order = range(N) if order is None else order
    cell = (max(1, round(cell_width * H / W)), cell_width)
    scale = depth_scale(max_depth, min_depth)
    rows = [('image', [_fit(image.transpose(1, 2, 0), cell) for image in images], None)]
    for name, depth in depths.items():
        _check_shapes(images, depth, None, None, cam_names, what=name)
        painted = [scale(view) * (view > 0)[..., None].astype(np.uint8) for view in np.asarray(depth)]
        rows.append((name, [_fit(view, cell) for view in painted], scale))
    return _compose(rows, [cam_names[n] for n in order], order, cell)


def _check_shapes(images, pred_depth, gt_depth, valid_mask, cam_names, what='pred_depth') -> tuple:
    if images.ndim != 4 or images.shape[1] != 3 or images.dtype != np.uint8:
        raise ValueError(f'images must be (N, 3, H, W) uint8 RGB, found {images.shape} {images.dtype}')
    N, _, H, W = images.shape
    if len(cam_names) != N:
        raise ValueError(f'{N} images need {N} cam_names, found {list(cam_names)}')
    for name, value in ((what, pred_depth), ('gt_depth', gt_depth), ('valid_mask', valid_mask)):
        if value is not None and np.shape(value) != (N, H, W):
            raise ValueError(f'{name} must have the size of the images, {(N, H, W)}, found {np.shape(value)}')
    return images.shape


def _fit(view: np.ndarray, cell) -> Image.Image:
    return Image.fromarray(view).resize((cell[1], cell[0]), Image.Resampling.BOX)


def _darken(view: Image.Image, visible: np.ndarray) -> np.ndarray:
    gray = (np.asarray(view.convert('L')) * 0.35 + 8).astype(np.uint8)
    hidden = ~np.asarray(Image.fromarray(visible).resize(view.size, Image.Resampling.NEAREST))
    return np.stack([gray + np.uint8(HIDDEN_RED) * hidden, gray, gray], axis=-1)


def _points(depth, values, scale: ColorScale, background: np.ndarray, radius: int) -> Image.Image:
    depth, values = np.asarray(depth), np.asarray(values)
    v, u = np.nonzero(depth > 0)
    (H, W), (h, w) = depth.shape, background.shape[:2]
    columns, rows = ((u + 0.5) * w / W).astype(int), ((v + 0.5) * h / H).astype(int)
    colors = scale(values[v, u])
    return Image.fromarray(splat_points(background.copy(), columns, rows, depth[v, u], colors, radius))


def _compose(rows, names, order, cell) -> np.ndarray:
    height, width = cell
    columns = len(names)
    right = LEFT + columns * (width + GAP)
    canvas = Image.new('RGB', (right + RIGHT, HEADER + len(rows) * (height + GAP)), BACKGROUND)
    for column, name in enumerate(names):
        draw_text(canvas, (LEFT + column * (width + GAP) + width / 2, HEADER / 2), name)
    bars = {}
    for row, (label, views, scale) in enumerate(rows):
        top = HEADER + row * (height + GAP)
        draw_vertical_text(canvas, (LEFT / 2, top + height / 2), label, room=height)
        for column, n in enumerate(order):
            canvas.paste(views[n], (LEFT + column * (width + GAP), top))
        if scale is not None:
            first = bars.get(scale, (top, 0))[0]
            bars[scale] = (first, top + height)
    for scale, (top, bottom) in bars.items():
        draw_bar(canvas, scale, (right + 8, top + 10, right + 26, bottom - 10))
    return np.asarray(canvas)
