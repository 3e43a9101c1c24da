from mmengine.config import read_base

from fsmde.models import BinDepthEstimator, BinDepthHead, LightPyramidNeck, SILogLoss, SurroundDataPreprocessor

with read_base():
    from .realtime import efficientnet_lite0

model = dict(
    type=BinDepthEstimator,
    # Often changed: the backbone, any of mmdet's; the neck sizes itself.
    backbone=efficientnet_lite0,
    # The width of the students that docs/benchmark.md starts from ImageNet. Those of the real-time family have half of it.
    neck=dict(type=LightPyramidNeck, channels=64),
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
    # Mean and standard deviation are those that the backbone's class states, or ImageNet's.
    data_preprocessor=dict(type=SurroundDataPreprocessor),
)
del efficientnet_lite0
