"""Any convolutional or hierarchical backbone of timm, for those who have it."""

from mmdet3d.registry import MODELS
from mmengine.model import BaseModule

FINEST_STRIDE = 4


def _timm():
    try:
        import timm
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'TimmBackbone needs timm, which brings torchvision: pip install timm (beside the torch that is there: a bare '
            'torchvision may replace it)'
        ) from error
    return timm


def _check_name(model_name):
    timm = _timm()
    # Names with a scheme are downloaded from where anyone may have put them.
    if not timm.is_model(model_name):
        raise ValueError(
            f'TimmBackbone(model_name={model_name!r}): timm {timm.__version__} has no such model; timm.list_models() has '
            'all'
        )
    return timm


@MODELS.register_module()
class TimmBackbone(BaseModule):
    """The feature maps of a model of timm from stride 4 on, with timm's weights and the normalisation that they expect.

    Args:
        model_name: Of timm's own registry, such as ``'mobilenetv4_conv_small.e2400_r224_in1k'``.
        pretrained: Load timm's weights, which are downloaded; their licence is in ``timm.get_pretrained_cfg``.

    Attributes:
        strides: Of the returned maps, finest first.
        channels: Of the returned maps.

    Raises:
        ModuleNotFoundError: Without timm.
        ValueError: If there is no such model, or its maps are not a pyramid that begins at stride 4: a plain ViT's.
    """

    def __init__(self, model_name: str, pretrained: bool = False, init_cfg=None):
        super().__init__(init_cfg)
        timm = _check_name(model_name)
        self.net = timm.create_model(model_name, pretrained=pretrained, features_only=True)
        strides = self.net.feature_info.reduction()
        self._levels = [number for number, stride in enumerate(strides) if stride >= FINEST_STRIDE]
        self.strides = [strides[number] for number in self._levels]
        self.channels = [self.net.feature_info.channels()[number] for number in self._levels]
        if self.strides[:1] != [FINEST_STRIDE] or sorted(set(self.strides)) != self.strides:
            raise ValueError(
                f'TimmBackbone(model_name={model_name!r}): maps at strides {strides}, expected a pyramid with one each of '
                f'{FINEST_STRIDE}, 8, 16 and so on'
            )

    @staticmethod
    def normalization(model_name: str, **_) -> dict:
        """``mean`` and ``std``, of RGB values in [0, 255], that the weights expect."""
        pretrained = _check_name(model_name).get_pretrained_cfg(model_name, allow_unregistered=False)
        return {key: tuple(255 * value for value in getattr(pretrained, key)) for key in ('mean', 'std')}

    def forward(self, x):
        """(V, 3, H, W) -> list of maps (V, C_l, H / s_l, W / s_l), finest first."""
        levels = self.net(x)
        return [levels[number] for number in self._levels]
