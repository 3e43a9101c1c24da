"""The files that show one predicted frame."""

import io

import numpy as np
from PIL import Image

from fsmde.output_files import write_bytes
from fsmde.output_names import output_path

from .birds_eye import draw_birds_eye
from .panels import draw_panel, ring_order
from .point_cloud import fuse_points, write_ply


def write_frame(
    out_dir, sample, images, max_depth: float = 200.0, cloud_max_depth: float = 80.0, extent: float = 50.0
) -> list:
    """Write ``<frame>_panel.jpg``, ``<frame>_bev.jpg`` and ``<frame>.ply`` of one frame.

    ``<frame>`` is ``<scene>/<sample>``, see :func:`fsmde.output_names.output_path`. The picture from above shows the
    cloud in the images' colours and, beside it, by height under the LiDAR's points. A cloud of six 384x640 cameras takes
    20 MB.

    Args:
        out_dir: Folder, made if absent.
        sample: :class:`fsmde.structures.SurroundDepthSample` with ``pred_depth`` and, where there is one, ``gt_depth``
            and ``valid_mask``.
        images: (N, 3, H, W) uint8 RGB at the size of ``pred_depth``.
        max_depth: End of the colour scale in metres, one for all frames.
        cloud_max_depth: Predictions at or beyond it, in metres, are not in the cloud.
        extent: Metres from the car to the edges of the picture from above.

    Returns:
        The three paths.

    Raises:
        ValueError: If the sample has no prediction, or if shapes do not agree.
    """
    if 'pred_depth' not in sample:
        raise ValueError(
            f'frame {sample.get("frame_id")} has no pred_depth to draw, only {sample.keys()}; '
            'pass what predict() returns'
        )
    images, pred = to_numpy(images), to_numpy(sample.pred_depth)
    gt, mask = (to_numpy(sample.get(key)) for key in ('gt_depth', 'valid_mask'))
    order = ring_order(sample.cam2ego)
    panel = draw_panel(images, pred, gt, sample.cam_names, max_depth, order=order, valid_mask=mask)
    geometry = dict(images=images, cam2img=sample.cam2img, cam2ego=sample.cam2ego, valid_mask=mask)
    points, colors = fuse_points(pred, max_depth=cloud_max_depth, **geometry)
    lidar = None if gt is None else fuse_points(gt, **geometry)[0]
    views = draw_birds_eye(points, colors, extent=extent), draw_birds_eye(points, None, lidar, extent=extent)
    stem = output_path(out_dir, sample.frame_id)
    paths = [stem.with_name(stem.name + ending) for ending in ('_panel.jpg', '_bev.jpg', '.ply')]
    write_jpeg(paths[0], panel)
    write_jpeg(paths[1], np.concatenate(views, axis=1))
    write_ply(paths[2], points, colors)
    return paths


def write_jpeg(path, picture):
    """Write a (h, w, 3) uint8 RGB picture. The file appears under its name only when it is complete."""
    content = io.BytesIO()  # Given a file, Pillow leaves it cut on a full disk and says nothing.
    Image.fromarray(picture).save(content, format='JPEG', quality=92, subsampling=0)
    write_bytes(path, content.getvalue())


def to_numpy(value):
    """A tensor on any device, an array or None as array or None."""
    if hasattr(value, 'detach'):
        value = value.detach().cpu()
        value = value.float() if value.is_floating_point() else value
    return None if value is None else np.asarray(value)
