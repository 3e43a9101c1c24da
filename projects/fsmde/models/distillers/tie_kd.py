"""TIE-KD: the teacher's depth map as a depth probability map, and its structure."""

import torch
from mmdet3d.registry import MODELS

from ..losses import masked_mean
from ..losses.ssim import ssim
from .aligned_distiller import AlignedDistiller
from .bin_goals import at_logits, gaussian_goal, kl_divergence


@MODELS.register_module()
class TieKD(AlignedDistiller):
    """lambda KL(DPM || P_s) + (1 - lambda) (1 - SSIM(d_s, d_t)): Choi et al., "TIE-KD: Teacher-Independent and Explainable
    Knowledge Distillation for Monocular Depth Estimation" (arXiv 2402.14340; HPC-Lab-KOREATECH/TIE-KD, tie_kd_loss.py).

    The depth probability map DPM is a Gaussian over the student's bins around the teacher's depth.

    What differs: their teachers are metric, here the depth is aligned to LiDAR first. Their bins are 257 of equal width
    and sigma is 0.5 to 0.8 m, here the bins are the student's and sigma is ``spread`` of their widths; their code puts
    the Gaussian's densities through another softmax, here they are normalised. Their student learns from the teacher
    alone; here the losses come beside those on LiDAR. SSIM takes the sign of the covariance into account, and its
    constants are those of a range of 1 m, as theirs are.

    Args:
        spread: Standard deviation of the Gaussian, in mean distances of bin centers.
        kl_share: lambda.
        window: Side of the SSIM window in pixels of the input, odd.
        kwargs: See :class:`AlignedDistiller`.

    Raises:
        ValueError: If an option is out of its range, or the student has no bins.
    """

    def __init__(self, spread: float = 2.0, kl_share: float = 0.1, window: int = 11, **kwargs):
        super().__init__(**kwargs)
        if self.bins is None:
            raise ValueError('TieKD distils bin probabilities: it needs a student with a BinDepthHead')
        if not spread > 0 or not 0 <= kl_share <= 1 or window < 1 or window % 2 == 0:
            raise ValueError(
                'TieKD: spread must be positive, kl_share in [0, 1] and window odd, found '
                f'{spread}, {kl_share} and {window}'
            )
        self.spread, self.kl_share, self.window = spread, kl_share, window

    def loss(self, step):
        student = step.student
        with torch.autocast(student.depth.device.type, enabled=False):
            depth, valid = self.metric_depth(step)
            small, small_valid = at_logits(depth, valid, student)
            nodes = self.bins.to_bin_space(self.bins.centers()).to(depth, non_blocking=True)
            goal = gaussian_goal(self.bins, small, self.spread * nodes.diff().mean(), student)
            kl = kl_divergence(goal, student.logits, small_valid)
            mine, theirs, used = (x.flatten(0, 1) for x in (student.depth.float(), depth, valid))
            structure = masked_mean(1 - ssim(mine, theirs, self.window, mask=used), used)
        return dict(
            loss_kd_dpm=self.loss_weight * self.kl_share * kl,
            loss_kd_structure=self.loss_weight * (1 - self.kl_share) * structure,
        )
