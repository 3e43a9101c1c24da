"""Structural similarity of two maps, as a map."""

import torch
from torch import Tensor


def ssim(
    x: Tensor, y: Tensor, window: int = 11, sigma: float = 1.5, dynamic_range: float = 1.0, mask: Tensor = None
) -> Tensor:
    """SSIM in a Gaussian window around each pixel: Wang et al., "Image Quality Assessment: From Error Visibility to
    Structural Similarity" (TIP 2004), eq. 13, with its C1 = (0.01 L)^2 and C2 = (0.03 L)^2. Borders are replicated.

    Args:
        x, y: (V, H, W). Computed in float64: squares of depth in metres, of which variances are small differences, are
            far beyond single precision.
        window: Side in pixels, odd.
        sigma: Of the Gaussian, in pixels.
        dynamic_range: L.
        mask: (V, H, W) bool: windows are of these pixels alone. Where it is False the result means nothing.

    Returns:
        (V, H, W) in [-1, 1], 1 where x and y agree.
    """
    dtype, x, y = x.dtype, x.double(), y.double()
    rows, columns = (smoothing_matrix(size, window, sigma).to(x, non_blocking=True) for size in x.shape[-2:])

    total = 1
    if mask is not None:
        x, y = (torch.where(mask, values, torch.zeros_like(values)) for values in (x, y))
        total = (rows @ mask.to(x) @ columns.T).clamp(min=1e-6)

    def mean(values):
        # What is masked is 0 already.
        return rows @ values @ columns.T / total

    mean_x, mean_y = mean(x), mean(y)
    variance_x, variance_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * dynamic_range) ** 2, (0.03 * dynamic_range) ** 2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    return (luminance * (2 * covariance + c2) / (variance_x + variance_y + c2)).to(dtype)


def smoothing_matrix(size: int, window: int, sigma: float) -> Tensor:
    """(size, size) float64 whose rows are Gaussian windows that sum to 1; what lies beyond a border falls onto it.

    Products with it are several times faster than convolutions of a single channel, backward above all.
    """
    offset = torch.arange(window, dtype=torch.float64) - window // 2
    weight = (-0.5 * (offset / sigma) ** 2).softmax(0)
    index = (torch.arange(size)[:, None] + offset.long()).clamp(0, size - 1)
    return weight.new_zeros(size, size).scatter_add(1, index, weight.expand(size, -1))
