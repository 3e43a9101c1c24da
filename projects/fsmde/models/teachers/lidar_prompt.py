"""Sparse LiDAR as the dense, coarse depth that a network is prompted with."""

import torch
from torch import Tensor

#: Points that a cell's depth is made of; views with fewer cannot be prompted.
NEAREST = 4


def complete(lidar: Tensor, size: tuple) -> tuple:
    """Fill a coarse grid with the mean of the four nearest LiDAR points, weighed by 1 / distance in the image.

    As Prompt Depth Anything (Lin et al., CVPR 2025) does with a vehicle's LiDAR, by nearest neighbours.

    Args:
        lidar: (M, H, W) metres, 0 where no point fell.
        size: (h, w) of the grid.

    Returns:
        tuple: (M, 1, h, w) metres, and (M,) bool: the view has enough points. Others get a ramp that means nothing.
    """
    M, H, W = lidar.shape
    v, u = ((torch.arange(n, device=lidar.device) + 0.5) * (N / n) for n, N in zip(size, (H, W)))
    cells = torch.stack(torch.meshgrid(v, u, indexing='ij'), -1).flatten(0, 1)
    prompts, enough = [], []
    for view in lidar:
        at = view.nonzero()
        enough.append(len(at) >= NEAREST)
        if not enough[-1]:
            prompts.append(torch.linspace(1, 2, len(cells), device=lidar.device))
            continue
        distance, nearest = torch.cdist(cells, at + 0.5).topk(NEAREST, largest=False)
        weight = 1 / distance.clamp(min=0.5)
        prompts.append((weight * view[at[nearest][..., 0], at[nearest][..., 1]]).sum(-1) / weight.sum(-1))
    return torch.stack(prompts).view(M, 1, *size), torch.tensor(enough, device=lidar.device)
