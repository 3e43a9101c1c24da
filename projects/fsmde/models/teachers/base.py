"""What every teacher shares: it is frozen, it is no part of the student, and it answers for unaugmented images."""

import torch
from mmengine.logging import MMLogger
from torch import Tensor, nn

from fsmde.structures import TeacherOutput


class DepthTeacher:
    """A frozen depth network that answers for the unaugmented views of a rig.

    It is *not* an ``nn.Module``: an estimator that holds one has none of its weights in ``state_dict()``,
    ``parameters()`` or the buckets of DistributedDataParallel, and ``estimator.train()`` does not reach it. Copies
    share it (``copy.deepcopy`` returns the teacher itself), so that an EMA of the estimator costs no second teacher.
    It moves to the device of the images it is given.

    A subclass implements :meth:`predict`.

    Args:
        network: What is to be frozen and moved, None for a teacher without weights.
        space: What the numbers of its depth mean, one of :data:`fsmde.structures.DEPTH_SPACES`.
        feature_channels: Channels C of the features it returns, None if it returns none.
    """

    def __init__(self, network: nn.Module, space: str, feature_channels: int = None):
        self.network, self.space = network, space
        self._feature_channels, self._answered = feature_channels, False
        if network is not None:
            network.requires_grad_(False)

    def __deepcopy__(self, memo):
        return self

    @property
    def feature_channels(self) -> int:
        """C of ``TeacherOutput.features``, None if this teacher offers no features."""
        return self._feature_channels

    def predict(self, images: Tensor, cam2img: Tensor) -> tuple:
        """Answer for B frames of N views; runs under no_grad and, on an accelerator, float16 autocast.

        Args:
            images: (B, N, 3, H, W) uint8 RGB.
            cam2img: (B, N, 3, 3) float32 intrinsics in pixels of ``images``.

        Returns:
            (B, N, h, w) depth in this teacher's space, and (B * N, C, h', w') features or None. Both cover exactly the
            image, at any resolution.
        """
        raise NotImplementedError(f'{type(self).__name__} must implement predict')

    def __call__(self, images: Tensor, cam2img: Tensor) -> TeacherOutput:
        """Answer for B frames of N unaugmented views.

        Args:
            images: (B, N, 3, H, W) uint8 RGB.
            cam2img: (B, N, 3, 3) float32 intrinsics in pixels of ``images``.

        Returns:
            Depth (B, N, h, w) at the teacher's own resolution, not replayed yet, see
            :func:`fsmde.models.teachers.replay_augmentation`.

        Raises:
            TypeError: If the images are not uint8.
            ValueError: If a shape is wrong.
        """
        if images.dtype != torch.uint8:
            raise TypeError(f'a teacher takes uint8 RGB in [0, 255] and normalises it itself, found {images.dtype}')
        if images.ndim != 5 or images.shape[2] != 3 or cam2img.shape != (*images.shape[:2], 3, 3):
            raise ValueError(
                'a teacher takes images (B, N, 3, H, W) and cam2img (B, N, 3, 3), '
                f'found {tuple(images.shape)} and {tuple(cam2img.shape)}'
            )
        self._prepare(images.device)
        with torch.no_grad(), _autocast(images.device):
            depth, features = self.predict(images, cam2img)
        depth = depth.float()
        valid = depth.isfinite()
        if not self.space.startswith('disparity'):
            valid = valid & (depth > 0)
        if not self._answered:
            self._answered = True
            self._warn_if_unusable(valid)
        depth = depth.where(valid, torch.zeros_like(depth))
        return TeacherOutput(depth, self.space, valid, None if features is None else features.float())

    def _warn_if_unusable(self, valid):
        """Say so once if most of an answer is of no use: distillation would silently do nothing."""
        share = valid.float().mean().item()
        if share < 0.5:
            MMLogger.get_current_instance().warning(
                f'Only {share:.0%} of the first answer of {type(self).__name__} ({self.space}) is finite'
                f'{"" if self.space.startswith("disparity") else " and positive"}: is `space` right, are the weights?'
            )

    def _prepare(self, device):
        """Bring the network to the device, in eval mode whatever was done to it since."""
        if self.network is not None:
            self.network.to(device)
            # Not eval(): mmdet backbones make exceptions in their train().
            for module in self.network.modules():
                module.training = False


def _autocast(device):
    """Float16 where there is an accelerator (bfloat16 has under 3 digits, too few for depth); float32 on a CPU."""
    accelerated = device.type != 'cpu'
    return torch.autocast(device.type, dtype=torch.float16 if accelerated else None, enabled=accelerated)
