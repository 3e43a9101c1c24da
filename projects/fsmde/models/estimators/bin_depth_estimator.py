"""The student: any mmdet backbone, a light neck, a depth head."""

import numpy as np
import torch
from mmdet3d.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.model import BaseModel
from torch import Tensor

from fsmde.rig import RigBatch
from fsmde.structures import DepthTarget, StudentOutput

from ..data_preprocessor import preprocessor_config
from .flip_augmentation import with_mirrored


@MODELS.register_module()
class BinDepthEstimator(BaseModel):
    """Metric depth of every view of a rig, each view by itself.

    Args:
        backbone: Config of an mmdet (or any registered) backbone that returns a list of feature maps.
        neck: Config of a neck, without ``in_channels``: the backbone is measured. It makes one map of the levels, of
            ``out_channels``.
        head: Config of a depth head, without ``in_channels``.
        max_depth: Ground truth beyond it (metres) is not learned from.
        flip_augmentation: Average predictions with those of the mirrored images, see :func:`with_mirrored`; for
            evaluation, at twice the cost: published models, the inferencer and what is exported leave it out.
        data_preprocessor: Config; :class:`SurroundDataPreprocessor` by default. Where it states no ``mean`` and ``std``
            they are those that the backbone's weights expect.

    Raises:
        ValueError: If ``in_channels`` are stated, or the neck is of another kind.
    """

    #: Whether :meth:`extract` needs ``cam2ego``.
    reads_poses = False

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        head: dict,
        max_depth: float = 200.0,
        flip_augmentation: bool = False,
        data_preprocessor: dict = None,
        init_cfg=None,
    ):
        # Built here: mmengine's base class would look for it in the root registry when there is no Runner.
        super().__init__(MODELS.build(preprocessor_config(data_preprocessor, backbone)), init_cfg)
        if not max_depth > 0:
            raise ValueError(f'max_depth must be positive (metres), found {max_depth}')
        self.max_depth, self.flip_augmentation = max_depth, flip_augmentation
        self._reach_checked = False
        for part, config in (('neck', neck), ('head', head)):
            if 'in_channels' in config:
                raise ValueError(f'model.{part}: leave in_channels out, they are measured')
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(dict(in_channels=measure_channels(self.backbone), **neck))
        self.head = MODELS.build(dict(in_channels=self.neck.out_channels, **head))

    def _load_from_state_dict(self, state_dict, prefix, *args):
        """A distilled run's checkpoint is the plain student's plus the trainable parts of its distillers."""
        if not hasattr(self, 'distillers'):
            for key in [key for key in state_dict if key.startswith(f'{prefix}distillers.')]:
                del state_dict[key]
        super()._load_from_state_dict(state_dict, prefix, *args)

    def levels(self, images: Tensor) -> list:
        """The backbone's maps of (B, N, 3, H, W) normalised images, each (B * N, C, h, w), finest first."""
        # Convolutions keep this order: a training step of EfficientNet-Lite0 on a CPU takes two thirds of the time.
        return list(self.backbone(images.flatten(0, 1).contiguous(memory_format=torch.channels_last)))

    def extract(self, images: Tensor, cam2img: Tensor, cam2ego: Tensor = None) -> StudentOutput:
        """Predict depth.

        Args:
            images: (B, N, 3, H, W) normalised float.
            cam2img: (B, N, 3, 3) float32 intrinsics in pixels of these images.
            cam2ego: (B, N, 4, 4) float32 poses, which are not read here.
        """
        return self.head(self.one_map(self.levels(images)), cam2img, images.shape[-2:])

    def one_map(self, levels: list) -> Tensor:
        """What the neck makes of the backbone's maps: (B * N, C, h, w).

        Raises:
            ValueError: If it is no map, as of mmdet's necks, which return one for each level.
        """
        features = self.neck(levels)
        if not isinstance(features, Tensor):
            raise ValueError(
                f'model.neck ({type(self.neck).__name__}) returns a {type(features).__name__}, a depth head wants one map, '
                "of the finest level's size: put the neck into one of your own that returns it, see docs/extending.md"
            )
        return features

    def forward(self, inputs: dict, data_samples: list = None, mode: str = 'tensor'):
        """Run the model on a preprocessed batch.

        Args:
            inputs: ``img`` (B, N, 3, H, W) normalised float32; see :class:`SurroundDataPreprocessor`.
            data_samples: B samples with calibration (and ground truth for ``'loss'``).
            mode: 'loss' -> dict of losses, 'predict' -> the samples with ``pred_depth``, 'tensor' -> StudentOutput.
        """
        rig = rig_batch(data_samples, inputs['img'])
        if mode == 'loss':
            if not self._reach_checked:
                self._reach_checked = True
                self._warn_of_reach(data_samples[0])
            return self.loss(inputs, data_samples, rig)
        if mode == 'predict' and self.flip_augmentation:
            output = with_mirrored(self.extract, inputs['img'], rig.cam2img)
        else:
            output = self.extract(inputs['img'], rig.cam2img, rig.cam2ego)
        if mode == 'tensor':
            return output
        if mode == 'predict':
            for sample, depth in zip(data_samples, output.depth):
                sample.pred_depth = depth
            return data_samples
        raise ValueError(f"mode must be 'loss', 'predict' or 'tensor', found {mode!r}")

    def loss(self, inputs: dict, data_samples: list, rig: RigBatch) -> dict:
        """Losses of a batch."""
        return self.loss_of(self.extract(inputs['img'], rig.cam2img, rig.cam2ego), inputs, data_samples, rig)

    def loss_of(self, output: StudentOutput, inputs: dict, data_samples: list, rig: RigBatch) -> dict:
        """Supervised losses of a prediction that is there already, as inside a detector."""
        return self.head.loss(output, self.target(data_samples))

    def _warn_of_reach(self, sample):
        """Say so if a camera cannot predict what it is to learn, as where images got smaller, focal_reference not."""
        reach, reference = (getattr(self.head, name, None) for name in ('reach', 'focal_reference'))
        if not (reach and reference):
            return
        fx = np.asarray(sample.cam2img)[:, 0, 0]
        reach *= float(fx.min()) / reference
        if reach < 0.9 * self.max_depth:
            MMLogger.get_current_instance().warning(
                f'Camera {int(fx.argmin())} of {sample.frame_id} has fx = {fx.min():.0f} pixels at the input: with '
                f'model.head.focal_reference={reference:g} it sees no farther than {reach:.0f} m, and is to learn up to '
                f'model.max_depth={self.max_depth:g}. focal_reference is best the smallest fx of the rig'
            )

    def target(self, data_samples: list) -> DepthTarget:
        """Stacked ground truth of B samples; measurements on the car itself or beyond ``max_depth`` are masked."""
        depth = torch.stack([sample.gt_depth for sample in data_samples])
        visible = torch.stack([sample.valid_mask for sample in data_samples])
        return DepthTarget(depth, (depth > 0) & (depth <= self.max_depth) & visible, visible)


def measure_channels(backbone) -> list:
    """Channels of each feature map of a backbone, finest first, by running it on a small image."""
    was_training = backbone.training
    backbone.train(False)
    with torch.no_grad():
        channels = [level.shape[1] for level in backbone(torch.zeros(1, 3, 64, 64))]
    backbone.train(was_training)
    return channels


def stack_meta(data_samples: list, key: str, dtype, device) -> Tensor:
    """A metainfo array of B samples as one (B, ...) tensor."""
    values = torch.as_tensor(np.stack([getattr(sample, key) for sample in data_samples]), dtype=dtype)
    return values.to(device, non_blocking=True)


def rig_batch(data_samples: list, images: Tensor) -> RigBatch:
    """The calibration of B samples as tensors beside ``images``.

    Raises:
        ValueError: If two frames have other adjacent cameras: a batch is of one rig.
    """
    first = data_samples[0]
    other = next((one for one in data_samples if not np.array_equal(one.neighbors, first.neighbors)), None)
    if other is not None:
        raise ValueError(
            f'frames {first.frame_id} and {other.frame_id} of one batch have other adjacent cameras, '
            f'{np.asarray(first.neighbors).tolist()} and {np.asarray(other.neighbors).tolist()}: a batch must be of one '
            'rig, see groups of MultiSourceBatchSampler'
        )
    cam2img, cam2ego = (stack_meta(data_samples, key, torch.float32, images.device) for key in ('cam2img', 'cam2ego'))
    neighbors = torch.as_tensor(np.asarray(data_samples[0].neighbors))
    return RigBatch(cam2img, cam2ego, neighbors, tuple(images.shape[-2:]))
