"""Structural similarity of two maps, as a map."""

import torch
import torch.nn.functional as F
from torch import Tensor


def ssim(x: Tensor, y: Tensor, window: int = 11, sigma: float = 1.5, dynamic_range: float = 1.0) -> Tensor:
    """SSIM in a Gaussian window around each pixel: Wang et al., "Image Quality Assessment: From Error Visibility to
    Structural Similarity" (TIP 2004), eq. 13, with its C1 = (0.01 L)^2 and C2 = (0.03 L)^2. Borders are replicated.

    Args:
        x, y: (V, H, W) float32.
        window: Side in pixels, odd.
        sigma: Of the Gaussian, in pixels.
        dynamic_range: L.

    Returns:
        (V, H, W) in [-1, 1], 1 where x and y agree.
    """
    offset = torch.arange(window, device=x.device) - window // 2
    kernel = (-0.5 * (offset / sigma) ** 2).softmax(0).to(x)

    def mean(values):
        rows = F.conv2d(
            F.pad(values, [0, 0, window // 2, window // 2], 'replicate')[:, None], kernel[None, None, :, None]
        )
        columns = F.pad(rows, [window // 2, window // 2, 0, 0], 'replicate')
        return F.conv2d(columns, kernel[None, None, None])[:, 0]

    mean_x, mean_y = mean(x), mean(y)
    variance_x = (mean(x * x) - mean_x**2).clamp(min=0)
    variance_y = (mean(y * y) - mean_y**2).clamp(min=0)
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * dynamic_range) ** 2, (0.03 * dynamic_range) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return luminance * (2 * covariance + c2) / (variance_x + variance_y + c2)
