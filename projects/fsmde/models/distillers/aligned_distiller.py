"""Distillers that read the teacher's depth in metres, in frames with and without LiDAR."""

from fsmde.structures import DepthTarget

from .base import DepthDistiller
from .step import DistillationStep


class AlignedDistiller(DepthDistiller):
    """Aligns the teacher to LiDAR, see :func:`align_to_lidar`.

    Args:
        self_align: Views with fewer than 16 LiDAR points, as of frames without labels, are aligned to the student's own
            depth, through which no gradient flows: what is learned there is the teacher's shape, at the student's
            scale. A teacher of inverse depth is fitted by a scale alone there, its 0 taken for infinity. False leaves
            such views out. Of a teacher whose views share one scale that goes for frames: a view without LiDAR has the
            scale of the others. A metric teacher is taken as it is, LiDAR or not.
        local: Correct the aligned depth near LiDAR, see :func:`correct_locally`. Views that are aligned to the student
            have nothing to be corrected by.
        sky: Learn that the sky is far, too: where the aligned depth reaches the estimator's ``max_depth``, whose ground truth
            is not learned from either. A student that learns it takes other things for it: docs/benchmark.md.
        kwargs: See :class:`DepthDistiller`.
    """

    def __init__(self, self_align: bool = False, local: bool = False, sky: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.self_align, self.local, self.sky = self_align, local, sky

    def labels(self, step: DistillationStep) -> DepthTarget:
        """What the teacher is aligned to: the target, or with ``self_align`` what fills it up."""
        return step.labels(self.self_align)

    def metric_depth(self, step: DistillationStep):
        """The teacher's depth (B, N, H, W) in metres, and where it is to be trusted: visible too (B, N, H, W) bool."""
        return self.metric_depth_and_spread(step)[:2]

    def metric_depth_and_spread(self, step: DistillationStep):
        """:meth:`metric_depth`, and the root mean square (B, N, H, W) of the residuals ln g - ln d that are left."""
        return step.metric_depth(self.self_align, self.local, self.sky)
