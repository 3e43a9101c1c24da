"""Photometric changes."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomPhotometric(BaseTransform):
    """Change brightness, contrast, gamma and colour balance of a frame, alike in all its views.

    One look-up table a frame: value -> gain_c * (contrast * (value - 0.5) + 0.5) ** gamma, values in [0, 1].

    Args:
        strength: Each factor is uniform in [1 - strength, 1 + strength]; colour gains use half of it.
        prob: Probability that a frame is changed.
    """

    def __init__(self, strength: float = 0.2, prob: float = 0.5):
        if not 0 <= strength < 1 or not 0 <= prob <= 1:
            raise ValueError(f'strength must lie in [0, 1) and prob in [0, 1], found {strength} and {prob}')
        self.strength, self.prob = strength, prob

    def transform(self, results):
        rng = results['rng']
        if rng.random() >= self.prob:
            return results
        contrast, gamma, brightness = 1 + rng.uniform(-self.strength, self.strength, 3)
        gains = brightness * (1 + rng.uniform(-self.strength / 2, self.strength / 2, 3))
        value = np.clip(contrast * (np.linspace(0, 1, 256) - 0.5) + 0.5, 0, 1) ** gamma
        table = np.clip(255 * value[:, None] * gains, 0, 255).round().astype(np.uint8)[None]
        results['img'] = [cv2.LUT(image, table) for image in results['img']]
        return results
