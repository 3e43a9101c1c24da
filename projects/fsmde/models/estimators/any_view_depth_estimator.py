"""A depth estimator whose views know of each other: a small any-view teacher."""

from mmdet3d.registry import MODELS
from torch import Tensor

from fsmde.rig import RigBatch
from fsmde.structures import StudentOutput

from .bin_depth_estimator import BinDepthEstimator, measure_channels
from .cross_view_attention import CrossViewAttention


@MODELS.register_module()
class AnyViewDepthEstimator(BinDepthEstimator):
    """Depth of all views of a rig together, from images, intrinsics and poses; any number of views in any order.

    A :class:`BinDepthEstimator` with :class:`CrossViewAttention` behind one level of its backbone. Made to teach: students
    look at each view by itself, and so does what is deployed.

    Args:
        views: Settings of the attention: ``level`` of the backbone, counted from the finest (2 by default, stride 16 of most
            backbones), ``channels``, ``layers``, ``heads``.
        kwargs: See :class:`BinDepthEstimator`.

    Raises:
        ValueError: If flip augmentation is asked for, which mirrors views by themselves, or there is no such level.
    """

    reads_poses = True

    def __init__(self, *args, views: dict = None, **kwargs):
        super().__init__(*args, **kwargs)
        if self.flip_augmentation:
            raise ValueError('AnyViewDepthEstimator: flip_augmentation mirrors each view by itself, set it to False')
        views = dict(views or {})
        self.level, channels = views.pop('level', 2), measure_channels(self.backbone)
        if not 0 <= self.level < len(channels):
            raise ValueError(
                f'AnyViewDepthEstimator: views.level must be 0 to {len(channels) - 1}, found {self.level}'
            )
        self.views = CrossViewAttention(channels[self.level], **views)

    def extract(self, images: Tensor, cam2img: Tensor, cam2ego: Tensor = None) -> StudentOutput:
        """Predict depth.

        Args:
            images: (B, N, 3, H, W) normalised float.
            cam2img: (B, N, 3, 3) float32 intrinsics in pixels of these images.
            cam2ego: (B, N, 4, 4) float32 poses.

        Raises:
            ValueError: If there are no poses.
        """
        if cam2ego is None:
            raise ValueError('AnyViewDepthEstimator needs the poses of the cameras (cam2ego), found none')
        size = images.shape[-2:]
        levels = self.levels(images)
        levels[self.level] = self.views(levels[self.level], RigBatch(cam2img, cam2ego, None, tuple(size)))
        return self.head(self.one_map(levels), cam2img, size)
