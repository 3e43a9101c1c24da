"""The classical distillation of softened probabilities, over depth bins."""

from mmdet3d.registry import MODELS

from .bin_goals import kl_divergence
from .own_bins_distiller import OwnBinsDistiller


@MODELS.register_module()
class HintonBinKD(OwnBinsDistiller):
    """T^2 KL(P_t(T) || softmax(z_s / T)) at each pixel: Hinton et al., "Distilling the Knowledge in a Neural Network"
    (arXiv 1503.02531), section 2, with depth bins for classes.

    Args:
        temperature: T.
        kwargs: See :class:`OwnBinsDistiller`, which says what P_t is.
    """

    def __init__(self, temperature: float = 2.0, **kwargs):
        super().__init__(temperature=temperature, **kwargs)

    def compare(self, logits, goal, valid):
        """``loss_kd_hinton``."""
        return dict(loss_kd_hinton=self.temperature**2 * kl_divergence(goal, logits, valid))
