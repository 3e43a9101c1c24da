"""Depth bins: the codec between metric depth and probabilities over K bins. The one place that knows what a bin is."""

import math
import numbers

import torch
from torch import Tensor

SPACINGS = ('log', 'linear')


class DepthBins:
    """K depth bins between two depths, spaced in log depth or in depth.

    "Bin space" is log depth for ``'log'`` and depth itself for ``'linear'``; interpolation, expectation and spread are
    all taken there. (A Gaussian over 64 log bins with a spread of four bins biases E[c] by 7 % and exp E[log c] not.)

    Args:
        num_bins: K.
        min_depth, max_depth: The range in metres.
        spacing: ``'log'`` or ``'linear'``.
        min_width: Smallest width of a learned bin, as a fraction of the uniform width. Learned widths collapse onto one
            depth without it.

    Raises:
        ValueError: If the range is crossed or not positive, K < 2, a number is none, or an option is unknown.

    Examples:
        >>> bins = DepthBins(num_bins=4, min_depth=1., max_depth=16.)
        >>> bins.edges().tolist()
        [1.0, 2.0, 4.0, 8.0, 16.0]
        >>> p = bins.encode(torch.tensor([4.0]), bins.centers())
        >>> bins.decode(p, bins.centers()).tolist()
        [4.0]
    """

    def __init__(
        self,
        num_bins: int = 64,
        min_depth: float = 0.5,
        max_depth: float = 200.0,
        spacing: str = 'log',
        min_width: float = 0.25,
    ):
        for name, value in dict(
            num_bins=num_bins, min_depth=min_depth, max_depth=max_depth, min_width=min_width
        ).items():
            if not isinstance(value, numbers.Real) or isinstance(value, bool) or not math.isfinite(value):
                raise ValueError(f'bins: {name} must be a number, found {value!r}')
        if num_bins != int(num_bins):
            raise ValueError(f'bins: num_bins must be a whole number, found {num_bins}')
        if num_bins < 2:
            raise ValueError(f'num_bins must be at least 2, found {num_bins}')
        if not 0 < min_depth < max_depth:
            raise ValueError(f'0 < min_depth < max_depth must hold, found {min_depth} and {max_depth}')
        if spacing not in SPACINGS:
            raise ValueError(f'spacing must be one of {SPACINGS}, found {spacing!r}')
        if not 0 <= min_width <= 1:
            raise ValueError(f'min_width must lie in [0, 1], found {min_width}')
        self.num_bins, self.spacing, self.min_width = num_bins, spacing, min_width
        self.min_depth, self.max_depth = float(min_depth), float(max_depth)

    def __repr__(self):
        return f'DepthBins({self.num_bins}, {self.min_depth}, {self.max_depth}, {self.spacing!r}, {self.min_width})'

    def to_bin_space(self, depth: Tensor) -> Tensor:
        """Depth in metres -> bin space."""
        return depth.log() if self.spacing == 'log' else depth

    def from_bin_space(self, value: Tensor) -> Tensor:
        """Bin space -> depth in metres."""
        return value.exp() if self.spacing == 'log' else value

    def edges(self, widths: Tensor = None) -> Tensor:
        """Bin edges in metres, (..., K + 1), of relative widths (..., K) that sum to 1; uniform without them."""
        if widths is None:
            widths = torch.full((self.num_bins,), 1 / self.num_bins, dtype=torch.float64)
        low, high = self.to_bin_space(torch.tensor([self.min_depth, self.max_depth], dtype=torch.float64)).tolist()
        cumulative = torch.cat([torch.zeros_like(widths[..., :1]), widths.cumsum(-1)], -1)
        edges = self.from_bin_space(low + (high - low) * cumulative)
        return edges.float() if widths.dtype == torch.float64 else edges

    def centers(self, widths: Tensor = None) -> Tensor:
        """Bin centers in metres, (..., K): the middles of the edges in bin space."""
        edges = self.to_bin_space(self.edges(widths))
        return self.from_bin_space((edges[..., 1:] + edges[..., :-1]) / 2)

    def learned_widths(self, logits: Tensor) -> Tensor:
        """Relative widths (..., K) that sum to 1, none under ``min_width / K``, of unbounded logits (..., K)."""
        return self.min_width / self.num_bins + (1 - self.min_width) * logits.float().softmax(-1)

    def encode(self, depth: Tensor, centers: Tensor, sigma: Tensor = None) -> Tensor:
        """Soft bin target of a depth.

        Args:
            depth: (...) metres, > 0.
            centers: (..., K) or (K,) ascending centers in metres, broadcast against ``depth[..., None]``.
            sigma: Spread in bin space, broadcastable to ``depth``. Without it the mass goes to the two neighbouring
                centers, so that ``decode(encode(d)) == d`` between the first and the last center; with it the target is
                a Gaussian in the places of the centers, whatever the widths between them. Where learned centers are unevenly
                dense its mean is off by 1 to 2 % of the depth (a student's bins, the residuals of a mini teacher); students
                distilled with mass by width were not better for it (docs/benchmark.md).

        Returns:
            (..., K) probabilities.
        """
        value, nodes = self.to_bin_space(depth)[..., None], self.to_bin_space(centers)
        if sigma is not None:
            return (-0.5 * ((nodes - value) / torch.as_tensor(sigma)[..., None]) ** 2).softmax(-1)
        gap = nodes[..., 1:] - nodes[..., :-1]
        # The hat function of each center: rises over the gap before it and falls over the gap behind it.
        rise = ((value - nodes[..., :-1]) / gap).clamp(0, 1)
        ones = torch.ones_like(rise[..., :1])
        return torch.cat([ones, rise], -1) - torch.cat([rise, torch.zeros_like(ones)], -1)

    def decode(self, probabilities: Tensor, centers: Tensor, dim: int = -1) -> Tensor:
        """Expected depth in metres: the mean of the centers in bin space, in float32.

        Args:
            probabilities: Sum to 1 over ``dim``.
            centers: Broadcastable to ``probabilities``.
        """
        nodes = self.to_bin_space(centers.float())
        return self.from_bin_space((probabilities.float() * nodes).sum(dim))

    def edges_between(self, centers: Tensor) -> Tensor:
        """Edges (..., K + 1) in metres halfway, in bin space, between ascending centers (..., K) in metres.

        The outermost lie as far beyond the outermost centers as the next edges lie before them.
        """
        nodes = self.to_bin_space(centers)
        middles = (nodes[..., 1:] + nodes[..., :-1]) / 2
        first, last = 2 * nodes[..., :1] - middles[..., :1], 2 * nodes[..., -1:] - middles[..., -1:]
        return self.from_bin_space(torch.cat([first, middles, last], -1))

    @staticmethod
    def confidence(logits: Tensor, dim: int = -1) -> Tensor:
        """1 - entropy / log K of the distribution over ``dim``: 1 if one bin has it all, 0 if all have the same."""
        log_p = logits.float().log_softmax(dim)
        return (1 + (log_p.exp() * log_p).sum(dim) / math.log(logits.shape[dim])).clamp(0, 1)

    def rebin(self, probabilities: Tensor, edges: Tensor, new_edges: Tensor) -> Tensor:
        """Mass-preserving re-binning: mass is taken as uniform in bin space within each source bin.

        Args:
            probabilities: (..., K).
            edges: (..., K + 1) or (K + 1,) source edges in metres.
            new_edges: (..., M + 1) or (M + 1,) target edges in metres. Mass outside falls into the first or last target
                bin.

        Returns:
            (..., M) with the same total mass.
        """
        return (probabilities[..., :, None] * self.rebin_matrix(edges, new_edges)).sum(-2)

    def rebin_matrix(self, edges: Tensor, new_edges: Tensor) -> Tensor:
        """(..., K, M) share of each source bin's mass that falls into each target bin, see :meth:`rebin`.

        For many pixels with the same bins: multiply their probabilities with it.
        """
        edges, inner = self.to_bin_space(edges)[..., None], self.to_bin_space(new_edges)[..., None, 1:-1]
        low, high = edges[..., :-1, :], edges[..., 1:, :]
        # Share of each source bin that lies under each inner target edge.
        below = ((inner - low) / (high - low)).clamp(0, 1)
        ones = torch.ones_like(below[..., :1])
        return torch.cat([below, ones], -1) - torch.cat([torch.zeros_like(ones), below], -1)
