"""View-relational KD: relations between regions of neighbouring views cross from teacher to student."""

import torch
import torch.nn.functional as F
from mmdet3d.registry import MODELS
from torch import Tensor

from ..losses import masked_mean
from .aligned_distiller import AlignedDistiller
from .bin_goals import at_logits, gaussian_goal
from .maps import resize_mask

RELATIONS = ('geometric', 'feature', 'probability')
PAIRS = ('all', 'wedge')


@MODELS.register_module()
class ViewRelationalKD(AlignedDistiller):
    """VRKD of Hwang et al. (arXiv 2512.08700); the paper's exact relations are not public: these are our reading of it.

    Every view is pooled to a grid of tokens; for each pair (n, m) of adjacent cameras the relations R_ij between token i
    of n and token j of m are computed for teacher and student, and the student's follow the teacher's. Only relations
    cross, so channels need not agree.

    - ``'geometric'``: R_ij = ln || T_n d_i rho_i - T_m d_j rho_j ||, the log distance of the two tokens' points in the
      ego frame; Huber loss. The teacher's depth d is aligned to LiDAR in each view and corrected near it, so that its
      relations know whether two views agree in scale, which feature similarities cannot. Tokens without LiDAR are left
      out.
    - ``'feature'``: cosine similarities of features that are centered over the pair, softmax over j with temperature;
      KL(teacher || student).
    - ``'probability'``: the same of bin probabilities instead of features; the teacher's are its aligned depth as a
      Gaussian over the student's bins.

    Args:
        relation: 'geometric', 'feature' or 'probability'.
        pairs: Relate 'all' tokens of two views, or those near their shared 'wedge': that look towards what the other
            view sees, see :meth:`fsmde.rig.RigBatch.near_wedge`.
        margin: How far beyond the other image's border is near, in image widths.
        grid: Rows and columns of tokens.
        temperature: Of the softmax of 'feature' and 'probability'.
        local: See :class:`AlignedDistiller`.
        kwargs: See :class:`AlignedDistiller`.

    Raises:
        ValueError: If an option is out of its range, 'feature' meets a teacher without features, or 'probability' a
            student without bins.
    """

    def __init__(
        self,
        relation: str = 'geometric',
        pairs: str = 'all',
        margin: float = 0.25,
        grid=(6, 10),
        temperature: float = 0.1,
        local: bool = True,
        **kwargs,
    ):
        super().__init__(local=local, **kwargs)
        if relation not in RELATIONS:
            raise ValueError(f'ViewRelationalKD: relation must be one of {RELATIONS}, found {relation!r}')
        if pairs not in PAIRS or margin < 0:
            raise ValueError(
                f'ViewRelationalKD: pairs must be one of {PAIRS} and margin >= 0, found {pairs!r} and {margin}'
            )
        if relation == 'probability' and self.bins is None:
            raise ValueError("ViewRelationalKD: relation='probability' needs a student with a BinDepthHead")
        if relation == 'feature' and self.teacher_channels is None:
            raise ValueError("ViewRelationalKD: this teacher offers no features; use relation='geometric'")
        self.relation, self.pairs, self.margin = relation, pairs, margin
        self.grid, self.temperature = tuple(grid), temperature
        if len(self.grid) != 2 or min(self.grid) < 1 or not temperature > 0:
            raise ValueError(
                'ViewRelationalKD: grid must be two positive numbers of tokens (rows, columns) and temperature '
                f'positive, found {grid} and {temperature}'
            )

    @property
    def reads_teacher_features(self) -> bool:
        """Whether a cache must keep the teacher's features."""
        return self.relation == 'feature'

    def loss(self, student, teacher, target, rig):
        with torch.autocast(student.depth.device.type, enabled=False):
            value = getattr(self, f'_{self.relation}')(student, teacher, target, rig, rig.pairs())
        return dict(loss_kd_view=self.loss_weight * value)

    def _geometric(self, student, teacher, target, rig, pairs):
        depth, valid = self.metric_depth(student, teacher, target)
        # The mean of log depth over a token, where both sides are compared: outliers count by their ratio.
        mine = self._pool(student.depth.clamp(min=1e-3).log(), valid)[0].exp()
        other, share = self._pool(depth.log(), valid)
        # Where nothing measures, above all in the sky, the aligned teacher is a guess, and what is far rules distances.
        labels = self.labels(student, target)
        used = (share > 0.5) & (F.adaptive_max_pool2d((labels.mask & valid).float(), self.grid) > 0)
        relation = self._log_distances(rig.unproject(mine), pairs)
        goal = self._log_distances(rig.unproject(other.exp()), pairs)
        error = F.smooth_l1_loss(relation, goal, beta=0.1, reduction='none')
        return masked_mean(error, self._both(used, rig, pairs))

    def _feature(self, student, teacher, target, rig, pairs):
        valid = resize_mask(teacher.valid, target.visible.shape[-2:]) & target.visible
        shape = target.visible.shape[:2]
        mine, theirs = (features.float().unflatten(0, shape) for features in (student.features, teacher.features))
        return self._similar(mine, theirs, valid, rig, pairs)

    def _probability(self, student, teacher, target, rig, pairs):
        depth, valid = self.metric_depth(student, teacher, target)
        depth, _ = at_logits(depth, valid, student)
        goal = gaussian_goal(self.bins, depth, torch.zeros_like(depth), student)
        return self._similar(student.logits.float().softmax(2), goal, valid, rig, pairs)

    def _similar(self, mine, theirs, valid, rig, pairs):
        """KL between row softmaxes of similarities, of (B, N, C, h, w) maps where (B, N, H, W) ``valid``."""
        used = self._both(F.adaptive_avg_pool2d(valid.float(), self.grid) > 0.5, rig, pairs)
        logits = (
            self._similarities(
                F.adaptive_avg_pool2d(x.flatten(0, 1), self.grid).unflatten(0, x.shape[:2]), pairs, used
            )
            for x in (mine, theirs)
        )
        mine, goal = (x.div(self.temperature).masked_fill(~used, -1e4).log_softmax(-1) for x in logits)
        rows = F.kl_div(mine, goal.detach(), log_target=True, reduction='none').sum(-1)
        return masked_mean(rows, used.any(-1))

    def _pool(self, values: Tensor, mask: Tensor):
        """Masked mean of (B, N, H, W) over tokens, and each token's share of valid pixels: (B, N, gh, gw)."""
        share = F.adaptive_avg_pool2d(mask.float(), self.grid)
        total = F.adaptive_avg_pool2d(torch.where(mask, values, torch.zeros_like(values)), self.grid)
        return total / share.clamp(min=1e-6), share

    @staticmethod
    def _log_distances(points: Tensor, pairs: Tensor) -> Tensor:
        """(B, N, gh, gw, 3) points -> (B, P, T, T) log distances between the T tokens of the views of each pair."""
        tokens = points.flatten(2, 3)
        difference = tokens[:, pairs[:, 0], :, None] - tokens[:, pairs[:, 1], None, :]
        # 10 cm of tolerance keep the gradient finite where two tokens meet.
        return 0.5 * (difference.square().sum(-1) + 0.01).log()

    def _both(self, used: Tensor, rig, pairs: Tensor) -> Tensor:
        """(B, N, gh, gw) bool -> (B, P, T, T) bool: both tokens are used, and near the wedge if that is asked for."""
        sides = []
        for direction in (pairs, pairs.flip(1)):
            tokens = used.flatten(2)[:, direction[:, 0]]
            if self.pairs == 'wedge':
                tokens = tokens & rig.near_wedge(direction, *self.grid, self.margin)
            sides.append(tokens)
        return sides[0][..., :, None] & sides[1][..., None, :]

    @staticmethod
    def _similarities(features: Tensor, pairs: Tensor, used: Tensor) -> Tensor:
        """(B, N, C, gh, gw) features -> (B, P, T, T) centered cosine similarities."""
        tokens = features.flatten(3).transpose(2, 3)
        a, b = tokens[:, pairs[:, 0]], tokens[:, pairs[:, 1]]
        weight_a, weight_b = used.any(3).float()[..., None], used.any(2).float()[..., None]
        count = (weight_a.sum(2) + weight_b.sum(2)).clamp(min=1)
        mean = ((a * weight_a).sum(2) + (b * weight_b).sum(2)) / count
        a, b = F.normalize(a - mean[:, :, None], dim=-1), F.normalize(b - mean[:, :, None], dim=-1)
        return a @ b.transpose(2, 3)
