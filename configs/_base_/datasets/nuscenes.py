from mmengine.dataset import DefaultSampler

from fsmde.datasets import (
    KeepLidarPixels,
    LoadSurroundImages,
    LoadSurroundLidar,
    NuScenesSurroundDataset,
    PackSurroundInputs,
    ProjectLidarDepth,
    RandomFlipViews,
    RandomPhotometric,
    RandomZoomCrop,
    ResizeViews,
)
from fsmde.evaluation import SurroundDepthMetric

data_root = 'data/nuscenes'
input_size = (352, 640)
# Masks of the car's own body are not part of nuScenes. Where you have them, state the folder and the polarity:
# self_occlusion = dict(root='masks', template='{scene}/{camera}.png', valid=255)
self_occlusion = None

train_pipeline = [
    dict(type=LoadSurroundImages),
    dict(type=LoadSurroundLidar),
    dict(type=ResizeViews, size=input_size),
    dict(type=RandomZoomCrop, max_zoom=1.2),
    dict(type=RandomFlipViews, prob=0.5),
    dict(type=RandomPhotometric, strength=0.2, prob=0.5),
    dict(type=ProjectLidarDepth),
    dict(type=PackSurroundInputs),
]
test_pipeline = [
    dict(type=LoadSurroundImages),
    dict(type=LoadSurroundLidar),
    dict(type=KeepLidarPixels),
    dict(type=ResizeViews, size=input_size),
    dict(type=ProjectLidarDepth),
    dict(type=PackSurroundInputs),
]
train_dataloader = dict(
    batch_size=2,
    num_workers=6,
    persistent_workers=True,
    sampler=dict(type=DefaultSampler, shuffle=True),
    dataset=dict(
        type=NuScenesSurroundDataset,
        data_root=data_root,
        ann_file='nuscenes_infos_train.pkl',
        self_occlusion=self_occlusion,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type=DefaultSampler, shuffle=False),
    dataset=dict(
        type=NuScenesSurroundDataset,
        data_root=data_root,
        ann_file='nuscenes_infos_val.pkl',
        self_occlusion=self_occlusion,
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type=SurroundDepthMetric)
test_evaluator = val_evaluator
