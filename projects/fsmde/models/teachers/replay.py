"""Brings what a teacher said of the unaugmented views into the student's augmented views."""

import torch
import torch.nn.functional as F
from torch import Tensor

from fsmde.structures import TeacherOutput, straightened


def replay_augmentation(
    output: TeacherOutput, aug2d: Tensor, cam_order: Tensor, size: tuple, teacher_size: tuple
) -> TeacherOutput:
    """Replay a frame's geometric augmentation on the teacher's output.

    View n of the student shows camera ``cam_order[n]``, and the point (x, y) of that camera's unaugmented image lies
    at ``aug2d[n] @ (x, y, 1)``. Coordinates are continuous: pixel i covers [i, i + 1). Neither flipping nor cropping
    nor zooming an image changes z-depth, so values are moved, never scaled.

    Args:
        output: Of the unaugmented views, in the rig's order. Its maps may have any resolution.
        aug2d: (B, N, 3, 3) affine maps.
        cam_order: (B, N) int64.
        size: (H, W) of the student's input; depth and valid get this size. Features keep their own size.
        teacher_size: (H0, W0) of the unaugmented images.

    Returns:
        The output in the student's views. Where the teacher saw nothing, ``valid`` is False and depth 0.

    Raises:
        ValueError: If shapes disagree.
    """
    B, N = output.depth.shape[:2]
    if aug2d.shape != (B, N, 3, 3) or cam_order.shape != (B, N):
        raise ValueError(
            f"the teacher's depth {tuple(output.depth.shape)} needs aug2d {(B, N, 3, 3)} and cam_order {(B, N)}, "
            f'found {tuple(aug2d.shape)} and {tuple(cam_order.shape)}'
        )
    # Index of the teacher's view each student's view shows, over the flattened (B * N).
    source = (cam_order + N * torch.arange(B, device=cam_order.device)[:, None]).flatten()
    # In float64: a sampling position that is off by 1e-5 of a pixel mixes neighbours even where nothing was augmented.
    # inv_ex: linalg.inv has the host wait for the device, to tell it whether there is an inverse.
    aug2img = torch.linalg.inv_ex(aug2d.flatten(0, 1).double()).inverse

    grid = _sampling_grid(aug2img, size, size, teacher_size)
    seen = output.valid.flatten(0, 1)[source]
    depth = output.depth.flatten(0, 1)[source].where(seen, output.depth.new_zeros(()))
    maps = torch.stack([straightened(depth.double(), output.space), seen.double()], 1)
    sampled, weight = _sample(maps, grid).unbind(1)
    # A tenth of a percent of an unseen neighbour is rounding; the division takes it out of the value again.
    valid = (weight > 0.999) & (grid.abs() <= 1).all(-1)
    depth = straightened(sampled / weight.clamp(min=0.5), output.space).float()
    depth = depth.where(valid, torch.zeros_like(depth))

    features = output.features
    if features is not None:
        grid = _sampling_grid(aug2img, features.shape[-2:], size, teacher_size)
        features = _sample(features[source], grid.to(features))
    return TeacherOutput(depth.unflatten(0, (B, N)), output.space, valid.unflatten(0, (B, N)), features)


def _sampling_grid(aug2img: Tensor, shape: tuple, size: tuple, teacher_size: tuple) -> Tensor:
    """(M, h, w, 2) positions in [-1, 1] of the unaugmented images, of the centres of an h x w grid over ``size``."""
    (h, w), (H, W), (H0, W0) = shape, size, teacher_size
    v = (torch.arange(h, device=aug2img.device) + 0.5) * (H / h)
    u = (torch.arange(w, device=aug2img.device) + 0.5) * (W / w)
    v, u = torch.meshgrid(v.to(aug2img), u.to(aug2img), indexing='ij')
    pixels = torch.stack([u, v, torch.ones_like(u)], -1)
    x, y = torch.einsum('mij,hwj->mhwi', aug2img[:, :2], pixels).unbind(-1)
    return torch.stack([2 * x / W0 - 1, 2 * y / H0 - 1], -1)


def _sample(maps: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(maps, grid, mode='bilinear', padding_mode='border', align_corners=False)
