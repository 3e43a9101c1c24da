from mmengine.config import read_base

from fsmde.datasets import NuScenesSurroundDataset

with read_base():
    from .ddad import *

data_root = 'data/nuscenes'
input_size = (352, 640)

for transform in train_pipeline + test_pipeline:
    if 'size' in transform:
        transform.update(size=input_size)
for loader, pipeline, split in ((train_dataloader, train_pipeline, 'train'), (val_dataloader, test_pipeline, 'val')):
    loader.dataset.update(
        type=NuScenesSurroundDataset, data_root=data_root, ann_file=f'nuscenes_infos_{split}.pkl', pipeline=pipeline
    )
    loader.dataset.pop('split')
test_dataloader = val_dataloader
del loader, pipeline, split, transform
