from mmdet.models.backbones import ResNet

from fsmde.models import BinDepthEstimator, BinDepthHead, LightPyramidNeck, SILogLoss, SurroundDataPreprocessor

model = dict(
    type=BinDepthEstimator,
    # Often changed: the backbone, any of mmdet's; the neck sizes itself.
    backbone=dict(
        type=ResNet,
        depth=34,
        # mmdet's ResNets freeze BatchNorm's statistics by default, for detectors with two images a GPU; here they are twelve,
        # and a backbone without pretrained weights would be left without normalisation.
        norm_eval=False,
        # The address in full: 'torchvision://' would need torchvision.
        init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/resnet34-b627a593.pth'),
    ),
    neck=dict(type=LightPyramidNeck, channels=96),
    head=dict(
        type=BinDepthHead,
        # Metres at the reference focal length. Data sets set the range, the reference and model.max_depth.
        bins=dict(num_bins=64, min_depth=0.5, max_depth=200.0, spacing='log'),
        centers='learned',
        scope='view',
        focal_reference=350.0,
        loss_depth=dict(type=SILogLoss, loss_weight=1.0),
    ),
    max_depth=200.0,
    data_preprocessor=dict(type=SurroundDataPreprocessor),
)
