"""What every teacher shares: it is frozen, it is no part of the student, and it answers for unaugmented images."""

import hashlib

import torch
import torch.nn.functional as F
from mmengine.logging import MMLogger
from torch import Tensor, nn

from fsmde.structures import DEPTH_SPACES, TeacherOutput

#: What a teacher may read beside images and intrinsics.
VIEWS = ('cam2ego', 'lidar')


class DepthTeacher:
    """A frozen depth network that answers for the unaugmented views of a rig.

    It is *not* an ``nn.Module``: an estimator that holds one has none of its weights in ``state_dict()``,
    ``parameters()`` or the buckets of DistributedDataParallel, and ``estimator.train()`` does not reach it. Copies
    share it (``copy.deepcopy`` returns the teacher itself), so that an EMA of the estimator costs no second teacher.
    It moves to the device of the images it is given.

    A subclass implements :meth:`predict`, and names in ``reads`` what it wants beside images and intrinsics, of
    :data:`VIEWS`: poses for a network that answers for all views together, LiDAR for one that is prompted with it.

    Args:
        network: What is to be frozen and moved, None for a teacher without weights.
        space: What the numbers of its depth mean, one of :data:`fsmde.structures.DEPTH_SPACES`.
        feature_channels: Channels C of the features it returns, None if it returns none.
        feature_size: (h', w') to which features are averaged before anything else is done with them, such as the size of
            the student's finest map; None leaves them as they are. Large maps cost time to replay and much disk to cache.
        licence: Of its weights, None if it is not known: it goes into checkpoints and published students.

    Raises:
        ValueError: If there is no such space.
    """

    reads = ()
    #: How many answers are looked at before it is said that they are of no use, and what is then to be asked.
    JUDGED_ANSWERS, ADVICE = 1, 'is `space` right, are the weights?'

    def __init__(
        self,
        network: nn.Module,
        space: str,
        feature_channels: int = None,
        feature_size: tuple = None,
        licence: str = None,
    ):
        if space not in DEPTH_SPACES:
            raise ValueError(f'{type(self).__name__}: space must be one of {DEPTH_SPACES}, found {space!r}')
        self.network, self.space, self.licence = network, space, licence
        self.feature_size = feature_size and tuple(feature_size)
        self._feature_channels, self._answered, self._share_valid = feature_channels, 0, 0.0
        if network is not None:
            network.requires_grad_(False)

    def __deepcopy__(self, memo):
        return self

    @property
    def feature_channels(self) -> int:
        """C of ``TeacherOutput.features``, None if this teacher offers no features."""
        return self._feature_channels

    @property
    def name(self) -> str:
        """By what people know it, without the folders of this machine."""
        return type(self).__name__

    def predict(self, images: Tensor, cam2img: Tensor, **views) -> tuple:
        """Answer for B frames of N views; runs under no_grad and, on an accelerator, float16 autocast.

        Args:
            images: (B, N, 3, H, W) uint8 RGB.
            cam2img: (B, N, 3, 3) float32 intrinsics in pixels of ``images``.
            views: What ``reads`` names, by name: ``cam2ego`` (B, N, 4, 4) float32 poses, ``lidar`` (B, N, H, W) float32
                metres, 0 where no point fell.

        Returns:
            (B, N, h, w) depth in this teacher's space, NaN where the network itself is unsure, and (B * N, C, h', w') features
            or None. Both cover exactly the image, at any resolution.
        """
        raise NotImplementedError(f'{type(self).__name__} must implement predict')

    def identity(self) -> dict:
        """All that the answers follow from beside the images, in plain types: what a cache of them is versioned by.

        A subclass adds its preprocessing and whatever is no weight or buffer of the network.
        """
        return dict(
            teacher=type(self).__name__,
            space=self.space,
            feature_size=self.feature_size and list(self.feature_size),
            weights=None if self.network is None else hash_of_weights(self.network),
        )

    def answer(self, inputs: dict, data_samples: list) -> TeacherOutput:
        """Answer for a preprocessed training batch.

        Args:
            inputs: ``teacher_img`` (B, N, 3, H, W) uint8 RGB, see :class:`fsmde.datasets.KeepTeacherViews`.
            data_samples: B samples with ``teacher_cam2img``, ``teacher_cam2ego`` and, if this teacher reads LiDAR,
                ``teacher_lidar``.

        Returns:
            As :meth:`__call__`.

        Raises:
            ValueError: If the pipeline kept no views for a teacher.
        """
        if 'teacher_img' not in inputs:
            raise ValueError('the batch has no teacher_img: put KeepTeacherViews into the training pipeline')
        images = inputs['teacher_img']
        if 'lidar' in self.reads and 'teacher_lidar' not in data_samples[0]:
            raise ValueError(
                f'the batch has no teacher_lidar, which {type(self).__name__} reads: KeepTeacherViews(lidar=True) behind '
                'LoadSurroundLidar brings it'
            )

        def stacked(key):
            values = [torch.as_tensor(getattr(sample, key), dtype=torch.float32) for sample in data_samples]
            return torch.stack(values).to(images.device, non_blocking=True)

        views = {key: stacked(f'teacher_{key}') for key in self.reads}
        return self(images, stacked('teacher_cam2img'), **views)

    def __call__(self, images: Tensor, cam2img: Tensor, **views) -> TeacherOutput:
        """Answer for B frames of N unaugmented views.

        Args:
            images: (B, N, 3, H, W) uint8 RGB.
            cam2img: (B, N, 3, 3) float32 intrinsics in pixels of ``images``.
            views: ``cam2ego`` (B, N, 4, 4) and ``lidar`` (B, N, H, W), see :meth:`predict`. Those that this teacher does not
                read may be there.

        Returns:
            Depth (B, N, h, w) at the teacher's own resolution, not replayed yet, see
            :func:`fsmde.models.teachers.replay_augmentation`.

        Raises:
            TypeError: If the images are not uint8.
            ValueError: If a shape is wrong, or something is not there that this teacher reads.
        """
        if images.dtype != torch.uint8:
            raise TypeError(f'a teacher takes uint8 RGB in [0, 255] and normalises it itself, found {images.dtype}')
        if images.ndim != 5 or images.shape[2] != 3 or cam2img.shape != (*images.shape[:2], 3, 3):
            raise ValueError(
                'a teacher takes images (B, N, 3, H, W) and cam2img (B, N, 3, 3), '
                f'found {tuple(images.shape)} and {tuple(cam2img.shape)}'
            )
        shapes = dict(cam2ego=(*images.shape[:2], 4, 4), lidar=(*images.shape[:2], *images.shape[-2:]))
        for key in self.reads:
            if key not in views or views[key].shape != shapes[key]:
                found = tuple(views[key].shape) if key in views else 'none'
                raise ValueError(f'{type(self).__name__} reads {key} of shape {shapes[key]}, found {found}')
        self._prepare(images.device)
        with torch.no_grad(), _autocast(images.device):
            depth, features = self.predict(images, cam2img, **{key: views[key] for key in self.reads})
        depth = depth.float()
        valid = self._valid(depth)
        self._warn_if_unusable(valid)
        depth = depth.where(valid, torch.zeros_like(depth))
        if features is not None:
            features = features.float()
            if self.feature_size:
                features = F.adaptive_avg_pool2d(features, self.feature_size)
        return TeacherOutput(depth, self.space, valid, features)

    def _valid(self, depth):
        """Where numbers of this teacher's space mean something."""
        return depth.isfinite() if self.space.startswith('disparity') else depth.isfinite() & (depth > 0)

    def _warn_if_unusable(self, valid):
        """Say so once if most of the first answers is of no use: distillation would silently do nothing."""
        self._answered += 1
        if self._answered > self.JUDGED_ANSWERS:
            return
        # Where the answers are: a host that asked for the number in each step would wait.
        self._share_valid = self._share_valid + valid.float().mean() / self.JUDGED_ANSWERS
        if self._answered == self.JUDGED_ANSWERS and (share := self._share_valid.item()) < 0.5:
            first = 'answer' if self.JUDGED_ANSWERS == 1 else f'{self.JUDGED_ANSWERS} answers'
            MMLogger.get_current_instance().warning(
                f'Only {share:.0%} of the first {first} of {type(self).__name__} ({self.space}) is finite'
                f'{"" if self.space.startswith("disparity") else " and positive"}: {self.ADVICE}'
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


def hash_of_weights(network: nn.Module) -> str:
    """The first 16 hex digits of the sha256 of all parameters and buffers with their names."""
    digest = hashlib.sha256()
    for name, tensor in sorted([*network.named_parameters(), *network.named_buffers()]):
        digest.update(f'{name} {tensor.dtype} {tuple(tensor.shape)}'.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()[:16]
