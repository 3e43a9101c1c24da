"""DIST: bin probabilities agree in what is more and what is less likely."""

from mmdet3d.registry import MODELS

from ..losses import masked_mean
from .correlation import pearson
from .own_bins_distiller import OwnBinsDistiller


@MODELS.register_module()
class DISTKD(OwnBinsDistiller):
    """T^2 (beta (1 - r_inter) + gamma (1 - r_intra)): DIST of Huang et al., "Knowledge Distillation from A Stronger
    Teacher" (NeurIPS 2022), with depth bins for classes and the pixels of a view for instances.

    r_inter is the Pearson correlation of the two sides' probabilities over the bins of a pixel, r_intra that over the
    pixels of a view for each bin; means over pixels, and over bins.

    Args:
        beta, gamma: Weights of ``loss_kd_inter`` and ``loss_kd_intra``.
        kwargs: See :class:`OwnBinsDistiller`, which says what the teacher's probabilities are.
    """

    def __init__(self, beta: float = 1.0, gamma: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        if min(beta, gamma) < 0:
            raise ValueError(f'DISTKD: beta and gamma must be >= 0, found {beta} and {gamma}')
        self.beta, self.gamma = beta, gamma

    def compare(self, logits, goal, valid):
        """``loss_kd_inter`` and ``loss_kd_intra``."""
        mine, goal, used = logits.softmax(2).flatten(3), goal.flatten(3), valid.flatten(2)[:, :, None]
        inter = 1 - pearson(mine, goal, used, dim=2)
        intra = 1 - pearson(mine, goal, used)
        views = (used.sum(-1) > 1).expand_as(intra)
        square = self.temperature**2
        return dict(
            loss_kd_inter=square * self.beta * masked_mean(inter, used[:, :, 0]),
            loss_kd_intra=square * self.gamma * masked_mean(intra, views),
        )
