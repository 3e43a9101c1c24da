"""DDAD frames read by stock transforms of mmdet3d, with a per-camera projection loop: what the loader is compared with."""

from mmdet3d.datasets.transforms import LoadMultiViewImageFromFiles, MultiViewWrapper, Pack3DDetInputs, Resize3D

from fsmde.datasets import DDADDataset
from fsmde.datasets.transforms.stock_baseline import StockFrame, StockLoadNpzPoints, StockProjectDepth

train_pipeline = [
    dict(type=StockFrame),
    dict(type=LoadMultiViewImageFromFiles, color_type='color', num_views=6),
    dict(type=StockLoadNpzPoints, coord_type='LIDAR', load_dim=4, use_dim=3),
    # 'area': without aliasing, as in the pipeline that it is compared with.
    dict(
        type=MultiViewWrapper,
        transforms=[dict(type=Resize3D, scale=(640, 384), keep_ratio=False, interpolation='area')],
    ),
    dict(type=StockProjectDepth),
    dict(type=Pack3DDetInputs, keys=('img', 'depths')),
]
train_dataloader = dict(dataset=dict(type=DDADDataset, data_root='data/ddad', split='train', pipeline=train_pipeline))
