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

    - ``'feature'``: R_ij = cosine of the two tokens' features, between the tokens of a view, too (n = m); mean of
      (R^s_ij - R^t_ij)^2.
    - ``'probability'``: the same of bin probabilities instead of features; the teacher's are its aligned depth as a
      Gaussian over the student's bins.
    - ``'geometric'``: R_ij = ln || T_n d_i rho_i - T_m d_j rho_j ||, the log distance of the two tokens' points in the
      ego frame; Huber loss. The teacher's depth d is aligned to LiDAR in each view and corrected near it, so that its
      relations know whether two views agree in scale, which feature similarities cannot. Tokens without LiDAR are left
      out.

    Args:
        relation: 'geometric', 'feature' or 'probability'.
        pairs: Relate 'all' tokens of two views, or those near their shared 'wedge': that look towards what the other
            view sees, see :meth:`fsmde.rig.RigBatch.near_wedge`.
        margin: How far beyond the other image's border is near, in image widths.
        grid: Rows and columns of tokens.
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
        self.grid = tuple(grid)
        if len(self.grid) != 2 or min(self.grid) < 1:
            raise ValueError(
                f'ViewRelationalKD: grid must be two positive numbers of tokens (rows, columns), found {grid}'
            )

    @property
    def reads_teacher_features(self) -> bool:
        """Whether a cache must keep the teacher's features."""
        return self.relation == 'feature'

    def loss(self, step):
        with torch.autocast(step.student.depth.device.type, enabled=False):
            value = getattr(self, f'_{self.relation}')(step, step.rig.pairs())
        return dict(loss_kd_view=self.loss_weight * value)

    def _geometric(self, step, pairs):
        student, rig = step.student, step.rig
        depth, valid = self.metric_depth(step)
        # The mean of log depth over a token, where both sides are compared: outliers count by their ratio.
        mine = self._pool(student.depth.clamp(min=1e-3).log(), valid)[0].exp()
        other, share = self._pool(depth.log(), valid)
        # Where nothing measures, above all in the sky, the aligned teacher is a guess, and what is far rules distances.
        labels = self.labels(step)
        used = (share > 0.5) & (F.adaptive_max_pool2d((labels.mask & valid).float(), self.grid) > 0)
        relation = self._log_distances(rig.unproject(mine), pairs)
        goal = self._log_distances(rig.unproject(other.exp()), pairs)
        error = F.smooth_l1_loss(relation, goal, beta=0.1, reduction='none')
        return masked_mean(error, self._both(used, rig, pairs))

    def _feature(self, step, pairs):
        student, teacher, target = step.student, step.teacher, step.target
        valid = resize_mask(teacher.valid, target.visible.shape[-2:]) & target.visible
        shape = target.visible.shape[:2]
        mine, theirs = (features.float().unflatten(0, shape) for features in (student.features, teacher.features))
        return self._similar(mine, theirs, valid, step.rig, pairs)

    def _probability(self, step, pairs):
        student = step.student
        depth, valid = self.metric_depth(step)
        depth, _ = at_logits(depth, valid, student)
        goal = gaussian_goal(self.bins, depth, torch.zeros_like(depth), student)
        # Masked before the softmax: it would spread what is not finite over the gradients of all bins.
        hidden = ~resize_mask(valid, student.logits.shape[-2:])[:, :, None]
        return self._similar(student.logits.float().masked_fill(hidden, 0).softmax(2), goal, valid, step.rig, pairs)

    def _similar(self, mine, theirs, valid, rig, pairs):
        """Squared difference of cosines of tokens of (B, N, C, h, w) maps where (B, N, H, W) ``valid``."""
        views = torch.arange(valid.shape[1], device=pairs.device)
        pairs = torch.cat([torch.stack([views, views], 1), pairs])
        used = self._both(F.adaptive_avg_pool2d(valid.float(), self.grid) > 0.5, rig, pairs)
        mine, theirs = (self._cosines(self._visible_sum(x, valid), pairs) for x in (mine, theirs))
        return masked_mean((mine - theirs.detach()).square(), used)

    def _visible_sum(self, x: Tensor, valid: Tensor):
        """Sums of (B, N, C, h, w) values over the pixels of each token where (B, N, H, W) ``valid``, up to a factor."""
        x = torch.where(resize_mask(valid, x.shape[-2:])[:, :, None], x, torch.zeros_like(x))
        return F.adaptive_avg_pool2d(x.flatten(0, 1), self.grid).unflatten(0, x.shape[:2])

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
    def _cosines(features: Tensor, pairs: Tensor) -> Tensor:
        """(B, N, C, gh, gw) features -> (B, P, T, T) cosines between the T tokens of the views of each pair."""
        tokens = F.normalize(features.flatten(3), dim=2)
        return tokens[:, pairs[:, 0]].transpose(2, 3) @ tokens[:, pairs[:, 1]]
