"""The demo's world seen through a lens, rectified when it is loaded: `make_synthetic.py data/plumb_bob --rig plumb_bob`."""

from mmengine.config import read_base

from fsmde.datasets import RectifyViews

with read_base():
    from ..realtime.demo.resnet18 import *

data_root = 'data/plumb_bob'
for pipeline in (train_pipeline, test_pipeline):
    pipeline.insert(1, dict(type=RectifyViews, size=input_size))  # Behind LoadSurroundImages.
for loader, pipeline in (
    (train_dataloader, train_pipeline),
    (val_dataloader, test_pipeline),
    (test_dataloader, test_pipeline),
):
    loader.dataset.update(data_root=data_root, pipeline=pipeline)
del loader, pipeline
