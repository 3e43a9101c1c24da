"""Waymo Open Dataset, Perception v2, unpacked by tools/dataset_converters/convert_waymo.py, see docs/data.md.

Numbers are those of a published frame (segment 1024360143612057520_3580_000_3600_000): FRONT, FRONT_LEFT and FRONT_RIGHT of
1920x1280 pixels, SIDE_LEFT and SIDE_RIGHT of 1920x886, fx = 2045 to 2064, k1 = 0.04, k2 = -0.33. Ring order, to the left, by
their poses; no camera looks back, so that nothing joins SIDE_LEFT and SIDE_RIGHT. The top LiDAR is cut at 75 m
(Sun et al., CVPR 2020, table 2).
"""

from mmengine.config import read_base

from fsmde.datasets import LoadSurroundImages, RectifyViews, WaymoSurroundDataset

with read_base():
    from ..pipelines import insert_after
    from .ddad import *

data_root = 'data/waymo'
input_size = (416, 640)
max_depth = 80.0
# One fx for all views: 640 / 2 / tan(50 / 2 degrees).
focal_reference = 686.0
# All views 50 degrees wide and of one shape; of the side cameras, whose principal point is 240 pixels under their upper
# border, the upper third is black and not ground truth.
same_views = dict(hfov=50.0, width=1920, height=1248)
all_views = {name: [same_views] for name in ('FRONT', 'FRONT_LEFT', 'SIDE_LEFT', 'SIDE_RIGHT', 'FRONT_RIGHT')}

for transform in train_pipeline + test_pipeline:
    if 'size' in transform:
        transform.update(size=input_size)
rectify = dict(type=RectifyViews, views=all_views, size=input_size)
train_pipeline = insert_after(train_pipeline, LoadSurroundImages, rectify)
test_pipeline = insert_after(test_pipeline, LoadSurroundImages, rectify)
for loader, pipeline in ((train_dataloader, train_pipeline), (val_dataloader, test_pipeline)):
    loader.dataset.update(type=WaymoSurroundDataset, data_root=data_root, pipeline=pipeline)
test_dataloader = val_dataloader
del insert_after, loader, pipeline, rectify, transform
