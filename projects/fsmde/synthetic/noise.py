"""Smooth random functions: sums of waves for shapes, one tiled fractal image for textures."""

from functools import lru_cache

import numpy as np

TILE = 512


class Waves:
    """f(x) = sum of sines with random phases.

    Args:
        rng: source of the phases and wavelengths.
        shortest, longest: range of wavelengths, in the unit of x.
        slope: root mean square of df/dx.
        count: number of sines.
    """

    def __init__(self, rng, shortest, longest, slope, count=4):
        self.wavelength = np.exp(rng.uniform(np.log(shortest), np.log(longest), count))
        self.phase = rng.uniform(0, 2 * np.pi, count)
        self.amplitude = slope * np.sqrt(2 / count) * self.wavelength / (2 * np.pi)

    def __call__(self, x):
        """Values of f at x, an array of any shape."""
        x = np.asarray(x, np.float64)[..., None]
        return (self.amplitude * np.sin(2 * np.pi * x / self.wavelength + self.phase)).sum(-1)


@lru_cache(1)
def _tile():
    """(TILE, TILE) float32 tileable 1/f noise with mean 0 and standard deviation 1."""
    rng = np.random.default_rng(20240)
    frequency = np.hypot(np.fft.fftfreq(TILE)[:, None], np.fft.fftfreq(TILE)[None]) * TILE
    spectrum = np.fft.fft2(rng.standard_normal((TILE, TILE))) / np.maximum(frequency, 1) ** 1.1
    spectrum[0, 0] = 0
    image = np.fft.ifft2(spectrum).real
    return (image / image.std()).astype(np.float32)


def texture(u, v, scale):
    """Noise (n,) float32 at surface coordinates in metres; ``scale`` is the metres that one texel covers."""
    column = np.floor(u / scale).astype(np.int64) & (TILE - 1)
    row = np.floor(v / scale).astype(np.int64) & (TILE - 1)
    return _tile()[row, column]


def cell_hash(i, j, k):
    """Uniform number in 0..1 for each integer cell (i, j) of thing k, arrays (n,)."""
    i, j, k = (np.asarray(x).astype(np.int64).astype(np.uint32) for x in (i, j, k))
    h = i * np.uint32(374761393) + j * np.uint32(668265263) + k * np.uint32(2246822519)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(1274126177)
    return ((h ^ (h >> np.uint32(16))) & np.uint32(0xFFFF)).astype(np.float32) / 65535
