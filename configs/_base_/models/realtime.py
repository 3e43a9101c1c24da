"""Backbones of the students, and the neck that the real-time family shares. Finest level at stride 4, or as the name says.

Addresses in full: 'torchvision://' would need torchvision. Statistics of BatchNorm are trained (`norm_eval=False`): mmdet's
ResNets freeze them by default, which leaves a backbone without pretrained weights without normalisation.
"""

from mmdet.models.backbones import CSPNeXt, MobileNetV2, RegNet, ResNet

from fsmde.models import EfficientNetLite, LightPyramidNeck

# The head begins with a 3x3 convolution at stride 4 anyway; it has the neck's channels.
light_neck = dict(type=LightPyramidNeck, channels=32, smooth_finest=False)

resnet34 = dict(
    type=ResNet,
    depth=34,
    norm_eval=False,
    init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/resnet34-b627a593.pth'),
)
resnet18 = dict(
    type=ResNet,
    depth=18,
    norm_eval=False,
    init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/resnet18-f37072fd.pth'),
)
# Half the channels everywhere. There are no pretrained weights of this width: it starts from random ones.
resnet18_half = dict(type=ResNet, depth=18, base_channels=32, norm_eval=False, init_cfg=None)
# 7 rather than 6 as the last level: layers behind it would run all the same, and distributed training refuses parameters
# without gradients.
mobilenetv2 = dict(
    type=MobileNetV2,
    out_indices=(1, 2, 4, 7),
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://download.openmmlab.com/mmdetection/v2.0/third_party/'
        'mobilenet_v2_batch256_imagenet-ff34753d.pth',
    ),
)
# The weights saw BGR images; ours are RGB, which the first convolution has to learn.
regnetx_400mf = dict(
    type=RegNet,
    arch='regnetx_400mf',
    norm_eval=False,
    init_cfg=dict(
        type='Pretrained', checkpoint='https://download.openmmlab.com/pretrain/third_party/regnetx_400mf-a5b10d96.pth'
    ),
)
cspnext_tiny = dict(
    type=CSPNeXt,
    deepen_factor=0.167,
    widen_factor=0.375,
    out_indices=(1, 2, 3, 4),
    norm_cfg=dict(type='BN'),
    init_cfg=dict(
        type='Pretrained',
        prefix='backbone.',
        checkpoint='https://download.openmmlab.com/mmdetection/v3.0/rtmdet/cspnext_rsb_pretrain/'
        'cspnext-tiny_imagenet_600e.pth',
    ),
)
# Its weights come inside a package that is installed with this project. Mean and standard deviation: see the class.
efficientnet_lite0 = dict(
    type=EfficientNetLite, arch='lite0', init_cfg=dict(type='Pretrained', checkpoint='efficientnet-lite://lite0')
)
# Its first five stages, of which the maps at strides 8 and 16: with the light neck, what is said of a pixel comes from the
# 387 x 387 around it, and from centers of the whole view.
efficientnet_lite0_stride8 = dict(efficientnet_lite0, out_indices=(2, 4))
