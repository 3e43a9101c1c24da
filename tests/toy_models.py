"""Shipped models at toy size."""

from mmdet3d.registry import MODELS

from fsmde.config_types import type_name

# What makes a backbone thin; mmdet's RegNets have one width.
THIN = dict(
    ResNet=dict(depth=18, base_channels=8),
    StemResNet=dict(base_channels=8),
    MobileNetV2=dict(widen_factor=0.1),
    CSPNeXt=dict(widen_factor=0.125),
)


def shrink(model) -> None:
    """Bring the model of a config to toy size, in place: small random networks in the place of downloads."""
    if 'backbone' in model:
        model.backbone.init_cfg = None
        model.backbone.update(THIN.get(type_name(model.backbone), {}))
    teacher = model.get('teacher')
    while teacher:  # A cached teacher holds the config of the one that wrote its cache.
        if 'model' in teacher:
            teacher.model = 'random-tiny'
        teacher = teacher.get('teacher')


def freezes_statistics(model) -> bool:
    """Whether the backbone of a student, or of the one in a detector, keeps the statistics of BatchNorm as they begin."""
    student = model.get('student', model)
    return 'head' in student and getattr(MODELS.build(student.backbone), 'norm_eval', False)
