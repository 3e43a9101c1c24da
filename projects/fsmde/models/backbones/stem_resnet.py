"""A ResNet that shows its stem's map too."""

from mmdet.models.backbones import ResNet
from mmdet3d.registry import MODELS


@MODELS.register_module()
class StemResNet(ResNet):
    """mmdet's ResNet that returns its map at stride 2 in front of those of the stages, for decoders that go up to there.

    Arguments and weights are those of ``mmdet.ResNet``; ``out_indices`` still counts stages.
    """

    def forward(self, x):
        """(V, 3, H, W) -> the map behind the first convolution (V, 64, H / 2, W / 2), then those of the stages."""
        x = self.stem(x) if self.deep_stem else self.relu(self.norm1(self.conv1(x)))
        levels = [x]
        x = self.maxpool(x)
        for number, name in enumerate(self.res_layers):
            x = getattr(self, name)(x)
            if number in self.out_indices:
                levels.append(x)
        return tuple(levels)
