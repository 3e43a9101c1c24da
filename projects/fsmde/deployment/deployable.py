"""The student as it runs on a vehicle: from camera images to depth, in one module."""

import copy

import torch
from mmcv.cnn import fuse_conv_bn
from mmdet3d.registry import MODELS
from torch import Tensor, nn

from fsmde.structures import METRIC


def build_student(model: dict):
    """Build the student of a model's config: of a distilled one without teacher and distillers."""
    student = {key: value for key, value in model.items() if key not in ('teacher', 'distillers')}
    if 'teacher' in model:
        student['type'] = 'mmdet3d.BinDepthEstimator'
    return MODELS.build(student)


def refuse_teachers(estimator) -> None:
    """Refuse an estimator that is made to teach: one that reads poses, or whose depth is in no metres.

    Raises:
        ValueError: Says which.
    """
    if estimator.reads_poses:
        raise ValueError(f'{type(estimator).__name__} is made to teach: distil a BinDepthEstimator from it')
    space = getattr(estimator, 'description', {}).get('space', METRIC)
    if space != METRIC:
        raise ValueError(
            f'the model is made to teach: its depth is relative ({space}), in no metres. Distil a student from it, with '
            'EstimatorTeacher'
        )


def parts_of(estimator) -> nn.ModuleDict:
    """Backbone, neck and head of an estimator in eval mode, with every BatchNorm folded unless that changes its depth.

    mmcv folds what is declared behind a convolution, with all that a subclass does beside: timm's BatchNorms rectify, too.

    Raises:
        ValueError: If the three do not say what the estimator says.
    """
    parts = nn.ModuleDict({name: getattr(estimator, name) for name in ('backbone', 'neck', 'head')})
    device = next(parts.parameters()).device
    # Some backbones take one size alone.
    size = getattr(estimator, 'input_size', None) or (64, 64)
    images = torch.randn(1, 1, 3, *size, generator=torch.Generator().manual_seed(0)).to(device)
    cam2img = torch.full((1, 1, 3, 3), 64.0, device=device)
    with torch.no_grad():
        expected = estimator.extract(images, cam2img).depth
        for each in (fuse_conv_bn(copy.deepcopy(parts)), parts):
            depth = each.head(each.neck(each.backbone(images[0])), cam2img, images.shape[-2:]).depth
            # Of what rounds to 11 bits on a GPU, too.
            if torch.allclose(depth, expected, rtol=1e-2, atol=0, equal_nan=True):
                return each
    raise ValueError(
        f'{type(estimator).__name__} predicts in a way of its own: its depth is not what its head says of what its neck says '
        'of what its backbone says, and these three are all that is deployed. Move what it adds into one of them'
    )


class DeployableEstimator(nn.Module):
    """A :class:`~fsmde.models.BinDepthEstimator` from uint8 images to metric depth, for inference only.

    A copy of the estimator in eval mode, with every BatchNorm folded into the convolution before it, unless that changes
    what it says.

    Args:
        estimator: A trained estimator; of a distilled one the student alone is taken.
        with_bins: Also return probabilities and centers of the bins, as a bird's-eye-view network reads them.
        dtype: Of backbone and neck. With float16 or bfloat16 the head runs under autocast, and expectations over bins
            stay in float32.

    Raises:
        ValueError: If ``with_bins`` is asked of an estimator without bins, or with factored centers; if the estimator reads
            poses: its views are not independent; if its depth is relative, or not what backbone, neck and head say.

    Examples:
        >>> depth = DeployableEstimator(estimator)(images, fx)  # uint8 (1, 6, 384, 640, 3), (1, 6) -> (1, 6, 384, 640)
    """

    def __init__(self, estimator, with_bins: bool = False, dtype: torch.dtype = torch.float32):
        super().__init__()
        refuse_teachers(estimator)
        if with_bins and not hasattr(estimator.head, 'bins'):
            raise ValueError(f'{type(estimator.head).__name__} has no bins to return: leave with_bins out')
        if with_bins and getattr(estimator.head, 'log_scale', None) is not None:
            raise ValueError(
                'factored centers differ from pixel to pixel, which with_bins cannot return: leave it out'
            )
        whole = copy.deepcopy(estimator).requires_grad_(False)
        for module in whole.modules():
            module.training = False
        self.preprocessor = whole.data_preprocessor
        parts = parts_of(whole).to(memory_format=torch.channels_last)
        self.backbone, self.neck, self.head = (parts[name] for name in ('backbone', 'neck', 'head'))
        self.backbone.to(dtype), self.neck.to(dtype)
        self.with_bins, self.dtype = with_bins, dtype

    def forward(self, images: Tensor, fx: Tensor):
        """Predict.

        Args:
            images: (B, N, H, W, 3) uint8 RGB.
            fx: (B, N) float32 horizontal focal length of each camera, in pixels of ``images``.

        Returns:
            (B, N, H, W) float32 z-depth in metres; with bins also probabilities (B, N, K, h, w) and centers (B, N, K)
            in metres.
        """
        # Numbers before anything else: TensorRT casts bytes, and does nothing else with them (its issue 3985).
        return self.predict(self.preprocessor.normalize(images.float().permute(0, 1, 4, 2, 3)), fx)

    def predict(self, images: Tensor, fx: Tensor):
        """As :meth:`forward`, of (B, N, 3, H, W) normalised float32 images."""
        # Heads read no other intrinsic than fx.
        cam2img = fx[..., None, None].expand(-1, -1, 3, 3)
        views = images.flatten(0, 1).to(self.dtype, memory_format=torch.channels_last)
        reduced = self.dtype != torch.float32
        with torch.autocast(images.device.type, dtype=self.dtype if reduced else None, enabled=reduced):
            output = self.head(self.neck(self.backbone(views)), cam2img, images.shape[-2:])
        if not self.with_bins:
            return output.depth
        return output.depth, output.logits.softmax(2), output.centers
