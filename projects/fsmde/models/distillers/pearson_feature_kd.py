"""PKD: features agree up to scale and shift of each channel."""

from mmdet3d.registry import MODELS

from ..losses import masked_mean
from .correlation import pearson
from .feature_distiller import FeatureDistiller


@MODELS.register_module()
class PearsonFeatureKD(FeatureDistiller):
    """1 - r_c of each channel c over the cells of all views of the batch, r the Pearson correlation: PKD of Cao et al.,
    "PKD: General Distillation Framework for Object Detectors via Pearson Correlation Coefficient" (NeurIPS 2022), whose
    1/2 mean |F_s - F_t|^2 of standardised features is the same number.

    Where channels differ in number a 1x1 convolution brings the student's to the teacher's.

    Args:
        kwargs: See :class:`FeatureDistiller`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.align = self.adapter()

    def compare(self, mine, theirs, valid):
        """``loss_kd_pearson``."""
        mine, theirs = (x.transpose(0, 1).flatten(1) for x in (self.align(mine), theirs))
        used = valid.flatten()
        channels = 1 - pearson(mine, theirs, used)
        return dict(loss_kd_pearson=masked_mean(channels, (used.sum() > 1).expand_as(channels)))
