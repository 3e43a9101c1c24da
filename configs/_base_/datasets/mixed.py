"""DDAD, nuScenes and Argoverse 2 in one training: batches of one rig each, figures of each data set. See docs/data.md."""

from mmengine.config import read_base
from mmengine.dataset import DefaultSampler

from fsmde.datasets import MixedSurroundDataset, MultiSourceBatchSampler
from fsmde.evaluation import MixedEvaluator, SurroundDepthMetric

with read_base():
    from .argoverse2 import train_dataloader as argoverse2_train
    from .argoverse2 import val_dataloader as argoverse2_val
    from .ddad import train_dataloader as ddad_train
    from .ddad import val_dataloader as ddad_val
    from .nuscenes import train_dataloader as nuscenes_train
    from .nuscenes import val_dataloader as nuscenes_val

train_parts = dict(ddad=ddad_train.dataset, nuscenes=nuscenes_train.dataset, argoverse2=argoverse2_train.dataset)
val_parts = dict(ddad=ddad_val.dataset, nuscenes=nuscenes_val.dataset, argoverse2=argoverse2_val.dataset)
# Of an epoch of 63,000 frames each gives a third: DDAD its 12,650 1.7 times, nuScenes three quarters of its 28,130.
shares = [1, 1, 1]

train_dataloader = dict(
    batch_size=2,
    num_workers=6,
    persistent_workers=True,
    sampler=dict(type=DefaultSampler, shuffle=True),
    batch_sampler=dict(type=MultiSourceBatchSampler, groups=[['ddad'], ['nuscenes'], ['argoverse2']], shares=shares),
    dataset=dict(type=MixedSurroundDataset, datasets=train_parts),
)
# One frame a batch: two could be of two rigs.
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type=DefaultSampler, shuffle=False),
    dataset=dict(type=MixedSurroundDataset, datasets=val_parts),
)
test_dataloader = val_dataloader
val_evaluator = dict(
    type=MixedEvaluator,
    metrics=dict(
        ddad=dict(type=SurroundDepthMetric),
        nuscenes=dict(type=SurroundDepthMetric),
        argoverse2=dict(type=SurroundDepthMetric),
    ),
)
test_evaluator = val_evaluator
