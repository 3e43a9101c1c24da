"""KITTI's detection set from mmdet3d's v2 infos (`create_data.py kitti`): one camera, ahead. See docs/data.md.

Images differ by some pixels, mostly 1242x375 with fx = 722.
"""

from mmengine.config import read_base

from fsmde.datasets import InfosSurroundDataset

with read_base():
    from .ddad import *

data_root = 'data/kitti'
input_size = (192, 640)

for transform in train_pipeline + test_pipeline:
    if 'size' in transform:
        transform.update(size=input_size)
for loader, pipeline, split in ((train_dataloader, train_pipeline, 'train'), (val_dataloader, test_pipeline, 'val')):
    loader.dataset.update(
        type=InfosSurroundDataset,
        data_root=data_root,
        ann_file=f'kitti_infos_{split}.pkl',
        cameras=['CAM2'],
        data_prefix=dict(CAM2='training/image_2', lidar='training/velodyne'),
        # Beyond 80 m the Velodyne of KITTI measures next to nothing; pixel centres are whole numbers in its calibration.
        max_depth=80.0,
        rounding='round',
        pipeline=pipeline,
    )
    loader.dataset.pop('split')
test_dataloader = val_dataloader
del loader, pipeline, split, transform
