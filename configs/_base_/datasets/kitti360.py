"""KITTI-360, see docs/data.md: a pinhole ahead and a fisheye of 180 degrees on each side, which becomes three pinholes.

Numbers are those of the published calibration: image_00 rectified, 1408x376 pixels with fx = 553, fisheyes of 1400x1400
(MEI, xi = 2.2 and 2.6). Points of the Velodyne HDL-64E reach 120 m; 80 m is what KITTI's depth benchmarks look at. The data
set has no split for depth: here the last of its nine training sequences is for validation.
"""

from mmengine.config import read_base

from fsmde.datasets import Kitti360SurroundDataset, LoadSurroundImages, RectifyViews

with read_base():
    from ..pipelines import insert_after
    from .ddad import *

data_root = 'data/kitti360'
input_size = (288, 480)
max_depth = 80.0
# One fx for all views: 480 / 2 / tan(70 / 2 degrees).
focal_reference = 343.0
# 70 degrees each, upright: ahead, and to the left and right at 60, 102.5 and 145 degrees, so that neighbours share 10 to 28
# and the fisheyes are used to where they end. 576 pixels for 70 degrees have the fx in their middle: 1336 / (1 + 2.21) = 416.
# The camera ahead sees 38 degrees of the view's 46 in height; the rest is black and not ground truth.
aside = dict(hfov=70.0, width=576, height=346, level=True)
all_views = dict(
    image_00=[dict(hfov=70.0, width=774, height=464, level=True)],
    image_02=[
        dict(aside, name='front', azimuth=-30.0),
        dict(aside, name='side', azimuth=12.5),
        dict(aside, name='rear', azimuth=55.0),
    ],
    image_03=[
        dict(aside, name='front', azimuth=30.0),
        dict(aside, name='side', azimuth=-12.5),
        dict(aside, name='rear', azimuth=-55.0),
    ],
)
train_sequences = [f'2013_05_28_drive_{number:04d}_sync' for number in (0, 2, 3, 4, 5, 6, 7, 9)]
val_sequences = ['2013_05_28_drive_0010_sync']

for transform in train_pipeline + test_pipeline:
    if 'size' in transform:
        transform.update(size=input_size)
rectify = dict(type=RectifyViews, views=all_views, size=input_size)
train_pipeline = insert_after(train_pipeline, LoadSurroundImages, rectify)
test_pipeline = insert_after(test_pipeline, LoadSurroundImages, rectify)
for loader, pipeline, sequences in (
    (train_dataloader, train_pipeline, train_sequences),
    (val_dataloader, test_pipeline, val_sequences),
):
    loader.dataset.update(
        type=Kitti360SurroundDataset, data_root=data_root, sequences=sequences, every=5, pipeline=pipeline
    )
    loader.dataset.pop('split')
test_dataloader = val_dataloader
del insert_after, loader, pipeline, rectify, sequences, transform
