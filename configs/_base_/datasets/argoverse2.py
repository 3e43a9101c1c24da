"""Argoverse 2 Sensor, see docs/data.md.

Numbers are those of a published log (7fab2350-7eaf-3b7e-a39d-6937a4c1bede), calibrations of others differ by a percent:
six cameras of 2048x1550 pixels with fx = 1684 to 1689, and ring_front_center of 1550x2048 with fx = 1776. Ring order, to the
left, by their poses. LiDAR points are up to 214 m away, 1.5 % of them beyond 80 m.
"""

from mmengine.config import read_base

from fsmde.datasets import Argoverse2SurroundDataset, LoadSurroundImages, RectifyViews

with read_base():
    from ..pipelines import insert_after
    from .ddad import *

data_root = 'data/argoverse2/sensor'
input_size = (480, 640)  # 2048x1550 is 4:3 to a percent.
max_depth = 200.0
# The smallest fx in the network's input: 1684 * 640 / 2048. The front camera has 733.
focal_reference = 526.0
# The portrait image becomes its middle, as wide and of the other cameras' shape: 47 degrees are its width.
front_view = dict(ring_front_center=[dict(hfov=47.0, width=1550, height=1162)])

for transform in train_pipeline + test_pipeline:
    if 'size' in transform:
        transform.update(size=input_size)
rectify = dict(type=RectifyViews, views=front_view, size=input_size)
train_pipeline = insert_after(train_pipeline, LoadSurroundImages, rectify)
test_pipeline = insert_after(test_pipeline, LoadSurroundImages, rectify)
for loader, pipeline, split in ((train_dataloader, train_pipeline, 'train'), (val_dataloader, test_pipeline, 'val')):
    loader.dataset.update(type=Argoverse2SurroundDataset, data_root=data_root, split=split, every=5, pipeline=pipeline)
test_dataloader = val_dataloader
del insert_after, loader, pipeline, rectify, split, transform
