"""Test-time averaging with the mirrored images, as the published protocol `surrounddepth` has it."""

import torch
from torch import Tensor


def with_mirrored(extract, images: Tensor, cam2img: Tensor):
    """Predict the images and, each by itself, their mirror images; average the two disparities.

    As in SurroundDepth's and monodepth2's evaluation: in the left 5 % of the width the mirrored prediction counts alone,
    in the right 5 % the plain one (what each of them saw beyond the other's border), with a linear passage to the mean up
    to 10 %. Cameras do not change places, unlike in :class:`fsmde.datasets.RandomFlipViews`.

    Args:
        extract: Maps images (B, N, 3, H, W) and cam2img (B, N, 3, 3) to a StudentOutput.
        images, cam2img: Its arguments. Only fx is read of cam2img by our heads, which mirroring leaves.

    Returns:
        The plain StudentOutput with the averaged ``depth``.
    """
    output = extract(images, cam2img)
    mirrored = extract(images.flip(-1), cam2img).depth.flip(-1)
    column = torch.linspace(0, 1, images.shape[-1], device=images.device)
    left = 1 - (20 * (column - 0.05)).clamp(0, 1)
    weight = 0.5 * (1 + left - left.flip(0))
    output.depth = 1 / (weight / mirrored + (1 - weight) / output.depth)
    return output
