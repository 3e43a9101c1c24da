"""The demo's world seen through a lens, rectified when it is loaded: `make_synthetic.py data/plumb_bob --rig plumb_bob`."""

from mmengine.config import read_base

from fsmde.datasets import LoadSurroundImages, RectifyViews

with read_base():
    from .._base_.pipelines import insert_after
    from ..realtime.demo.resnet18 import *

data_root = 'data/plumb_bob'
rectify = dict(type=RectifyViews, size=input_size)
train_pipeline = insert_after(train_pipeline, LoadSurroundImages, rectify)
test_pipeline = insert_after(test_pipeline, LoadSurroundImages, rectify)
for loader, pipeline in (
    (train_dataloader, train_pipeline),
    (val_dataloader, test_pipeline),
    (test_dataloader, test_pipeline),
):
    loader.dataset.update(data_root=data_root, pipeline=pipeline)
del insert_after, loader, pipeline, rectify
