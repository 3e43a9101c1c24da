"""Four fisheyes of 190 degrees as a rig of twelve pinholes.

The world: `python tools/dataset_converters/make_synthetic.py data/fisheyes --rig fisheyes --size 480x640`.
"""

from mmengine.config import read_base

from fsmde.datasets import LoadSurroundImages, RectifyViews

with read_base():
    from .._base_.pipelines import insert_after
    from ..realtime.demo.resnet18 import *

data_root = 'data/fisheyes'
cameras = ['FRONT', 'LEFT', 'BACK', 'RIGHT']
# Upright in the vehicle, though the fisheyes look down to the road.
views = [
    dict(name=name, azimuth=azimuth, elevation=-10, level=True, hfov=80, width=320, height=192)
    for name, azimuth in (('left', 60), ('ahead', 0), ('right', -60))
]
rectify = dict(type=RectifyViews, views=dict.fromkeys(cameras, views), size=input_size)
train_pipeline = insert_after(train_pipeline, LoadSurroundImages, rectify)
test_pipeline = insert_after(test_pipeline, LoadSurroundImages, rectify)
for loader, pipeline in (
    (train_dataloader, train_pipeline),
    (val_dataloader, test_pipeline),
    (test_dataloader, test_pipeline),
):
    loader.dataset.update(
        data_root=data_root,
        cameras=cameras,
        dense_depth='distance/{camera}/{stem}.png',
        dense_depth_measure='distance',
        pipeline=pipeline,
    )
# 80 / tan(40 degrees) pixels at a width of 160.
model.head.update(focal_reference=95.0)
del insert_after, loader, pipeline, rectify
