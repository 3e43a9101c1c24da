"""The real-time family and the classic encoder-decoder against a supervised ResNet-18: see docs/realtime.md."""

_family = dict(
    resnet34='ResNet-34',
    resnet18='ResNet-18',
    resnet18_half='ResNet-18, half width',
    resnet18_half_neck64='ResNet-18, half width, 64 channels in neck and head',
    resnet18_half_smoothed64='ResNet-18, half width, 64 channels, finest level smoothed',
    resnet18_half_kd='ResNet-18, half width, distilled',
    resnet18_half_smoothed64_kd='ResNet-18, half width, 64 channels, finest level smoothed, distilled',
    resnet18_half_stride8='ResNet-18, half width, map at stride 8',
    mobilenetv2='MobileNetV2',
    regnetx_400mf='RegNetX-400MF',
    cspnext_tiny='CSPNeXt-tiny',
    unet_resnet18='ResNet-18 with U-Net (monodepth2)',
)

_weights = dict(type='Pretrained', checkpoint='efficientnet-lite://lite0')
_lite = dict(
    efficientnet_lite0='EfficientNet-Lite0',
    efficientnet_lite0_stride8='EfficientNet-Lite0, five stages, map at stride 8',
)

baseline = 'demo_sup'
split = 'test'
seeds = [0, 1, 2]
arms = [
    dict(name='demo_sup', title='ResNet-18, 64 channels', config='configs/realtime/demo/resnet18.py'),
    *[dict(name=name, title=title, config=f'configs/realtime/demo/rt_{name}.py') for name, title in _family.items()],
    *[
        dict(
            name=f'{name}_imagenet',
            title=f'{title}, from ImageNet weights',
            config=f'configs/realtime/demo/rt_{name}.py',
            cfg_options={
                'model.backbone.init_cfg': dict(_delete_=True, **_weights),
                'optim_wrapper.optimizer.lr': 1e-3,
            },
        )
        for name, title in _lite.items()
    ],
]
