"""Cross-interaction KD: the teacher's scale-invariant bin probabilities with the student's metric bin centers."""

import torch
import torch.nn.functional as F
from mmcv.cnn import ConvModule
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from fsmde.structures import MULTI_VIEW, StudentOutput

from ..losses import masked_mean, silog
from ..losses.scale_invariant import masked_median
from .aligned_distiller import AlignedDistiller
from .bin_goals import at_logits, decode, gaussian_goal, kl_divergence
from .correlation import pearson
from .maps import resize_mask

PROBABILITIES = ('branch', 'aligned', 'factored')


@MODELS.register_module()
class CrossInteractionKD(AlignedDistiller):
    """CKD of Hwang et al., "Scale-Invariant and View-Relational Representation Learning for Full Surround Monocular
    Depth" (arXiv 2512.08700). The paper's exact losses are not public: these are our reading of it.

    Where the teacher's probabilities P_t come from:

    - ``'branch'``, nearest to the paper: P_t = softmax(h(F_t)) of a small trainable branch h on the frozen teacher's
      features. The crossing D_ts = decode(P_t, c_s) with the student's centers c_s must explain LiDAR
      (``loss_kd_cross``), 1 / D_ts must be affine in the teacher's disparity, pixel by pixel (``loss_kd_ssi``), and the
      student's probabilities P_s follow P_t wherever the teacher is valid, LiDAR or not: KL(sg P_t || P_s)
      (``loss_kd_prob``). P_t carries no metric scale: that is in c_s, which LiDAR moves; ``loss_kd_ssi``
      moves how they are spaced, and knows no scale. With ``select`` the KL's
      weight, 1 otherwise, is P_t's confidence 1 - H(P_t) / ln K, and in cells of the student's map with LiDAR in or next
      to them 1 if D_ts is nearer to it than D_ss (by the mean |ln D - ln g|) and else 0.
    - ``'aligned'``: the teacher's depth is aligned to LiDAR in each view, corrected near LiDAR unless ``local`` is
      False, and encoded as a Gaussian over the student's bins whose spread is that of the residuals ln g - ln d. Where
      the teacher disagrees with LiDAR it weighs less: exp(-spread / tau). Nothing to train.

    - ``'factored'``, for a head with factored centers c_k(x) = c_k exp(s(x)): the teacher's depth, aligned to LiDAR in
      each view, is divided by its median over the view and encoded over the c_k, whose geometric mean is 1. The KL knows
      no scale and never moves s: the teacher's errors of low frequency are left to s, which LiDAR moves.

    Args:
        probabilities: 'branch', 'aligned' or 'factored'.
        cross_weight, ssi_weight, prob_weight: Weights of the three losses; all but 'branch' have the last only.
        channels: Hidden channels of the branch.
        select: See 'branch'.
        tau: See 'aligned', in log depth.
        local: Of 'aligned', see :class:`AlignedDistiller`.
        kwargs: See :class:`AlignedDistiller`.

    Raises:
        ValueError: If an option is out of its range, the student has no bins, or the branch has no teacher features to read.
    """

    def __init__(
        self,
        probabilities: str = 'branch',
        cross_weight: float = 1.0,
        ssi_weight: float = 0.5,
        prob_weight: float = 0.3,
        channels: int = 64,
        select: bool = False,
        tau: float = 0.3,
        local: bool = True,
        **kwargs,
    ):
        super().__init__(local=local and probabilities == 'aligned', **kwargs)
        if probabilities not in PROBABILITIES:
            raise ValueError(
                f'CrossInteractionKD: probabilities must be one of {PROBABILITIES}, found {probabilities!r}'
            )
        if self.bins is None:
            raise ValueError('CrossInteractionKD distils bin probabilities: it needs a student with a BinDepthHead')
        if min(cross_weight, ssi_weight, prob_weight) < 0 or not tau > 0:
            raise ValueError(
                'CrossInteractionKD: weights must be >= 0 and tau > 0, found '
                f'cross_weight={cross_weight}, ssi_weight={ssi_weight}, prob_weight={prob_weight}, tau={tau}'
            )
        self.cross_weight, self.ssi_weight, self.prob_weight = cross_weight, ssi_weight, prob_weight
        self.select, self.tau = select, tau
        self.probabilities, self.branch = probabilities, None
        if probabilities == 'branch':
            if self.teacher_channels is None:
                raise ValueError("CrossInteractionKD: this teacher offers no features; use probabilities='aligned'")
            self.branch = nn.Sequential(
                ConvModule(self.teacher_channels, channels, 3, padding=1, norm_cfg=dict(type='GN', num_groups=8)),
                nn.Conv2d(channels, self.bins.num_bins, 1),
            )

    @property
    def reads_teacher_features(self) -> bool:
        """Whether a cache must keep the teacher's features."""
        return self.branch is not None

    def loss(self, step):
        return getattr(self, f'_loss_{self.probabilities}')(step)

    def _loss_branch(self, step):
        student, teacher, target = step.student, step.teacher, step.target
        size = student.logits.shape[-2:]
        features = F.interpolate(teacher.features, size=size, mode='bilinear', align_corners=False)
        logits = self.branch(features).float().unflatten(0, student.logits.shape[:2])
        probabilities = logits.softmax(2)
        crossed = decode(self.bins, probabilities, student)
        valid = resize_mask(teacher.valid & visible_at(target, teacher.valid), size)
        full = F.interpolate(crossed, size=target.depth.shape[-2:], mode='bilinear', align_corners=False)
        weight = valid * self._preference(logits, full, student, target) if self.select else valid.float()
        losses = dict(
            loss_kd_cross=self.cross_weight * silog(full, target.depth, target.mask),
            loss_kd_prob=self.prob_weight * kl_divergence(probabilities.detach(), student.logits, weight),
        )
        if teacher.space != 'depth_metric':
            losses['loss_kd_ssi'] = self.ssi_weight * scale_shift_invariant(crossed, teacher, valid)
        return {key: self.loss_weight * value for key, value in losses.items()}

    @torch.no_grad()
    def _preference(self, logits, crossed, student, target):
        """(B, N, h, w) weights: see ``select``."""
        size = logits.shape[-2:]
        measured, one = target.mask.float(), torch.ones_like(target.depth)
        log_depth = torch.where(target.mask, target.depth, one).log()
        crossed, own = (
            (torch.where(target.mask, x, one).clamp(min=1e-3).log() - log_depth).abs()
            for x in (crossed, student.depth.float())
        )

        def around(x):
            return F.avg_pool2d(F.adaptive_avg_pool2d(x, size), 3, stride=1, padding=1)

        nearer = (around(crossed) < around(own)).float()
        return torch.where(around(measured) > 0, nearer, self.bins.confidence(logits, 2))

    def _loss_aligned(self, step):
        student = step.student
        with torch.no_grad():
            depth, valid, spread = self.metric_depth_and_spread(step)
            spread_in_bins = spread if self.bins.spacing == 'log' else spread * depth
            depth, valid = at_logits(depth, valid, student)
            spread_in_bins, weight = (
                F.interpolate(x, size=depth.shape[-2:], mode='bilinear', align_corners=False)
                for x in (spread_in_bins, (-spread / self.tau).exp())
            )
            goal = gaussian_goal(self.bins, depth, spread_in_bins, student)
        return dict(
            loss_kd_prob=self.loss_weight * self.prob_weight * kl_divergence(goal, student.logits, weight * valid)
        )

    def _loss_factored(self, step):
        student = step.student
        if student.log_scale is None:
            raise ValueError(
                "CrossInteractionKD: probabilities='factored' needs a student with BinDepthHead(centers='factored')"
            )
        with torch.no_grad():
            centers = student.centers / student.centers.log().mean(-1, keepdim=True).exp()
            shape = StudentOutput(student.depth, student.logits, centers)
            depth, valid = at_logits(*self.metric_depth(step), shape)
            depth = depth / masked_median(depth.flatten(2), valid.flatten(2)).clamp(min=1e-3)[..., None]
            goal = gaussian_goal(self.bins, depth, torch.zeros_like(depth), shape)
        return dict(loss_kd_prob=self.loss_weight * self.prob_weight * kl_divergence(goal, student.logits, valid))


def scale_shift_invariant(depth: Tensor, teacher, valid: Tensor) -> Tensor:
    """1 - Pearson correlation of (B, N, h, w) depth, read in the teacher's space, with the teacher, mean over views,
    or over frames where a frame's views share their unknowns.

    An affine-invariant loss without a fit: the correlation is 1 exactly if one is a positive affine map of the other.
    """
    mine = 1 / depth.clamp(min=1e-3) if teacher.space == 'disparity_affine_invariant' else depth
    other = F.interpolate(teacher.depth, size=depth.shape[-2:], mode='bilinear', align_corners=False)
    first = 1 if teacher.space in MULTI_VIEW else 2
    mine, other, used = (x.flatten(first) for x in (mine, other, valid))
    return masked_mean(1 - pearson(mine, other, used), used.sum(-1) > 1)


def visible_at(target, like: Tensor) -> Tensor:
    """The target's visibility at the size of ``like``."""
    return resize_mask(target.visible, like.shape[-2:])
