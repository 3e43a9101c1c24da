# CenterPoint's BEV backbone, neck, head, losses, augmentation and schedule on features that a depth student lifts.
# The student learns along, from LiDAR depth and from the boxes. Cameras alone are needed to predict.
_base_ = 'mmdet3d::centerpoint/centerpoint_pillar02_second_secfpn_8xb4-cyclic-20e_nus-3d.py'
custom_imports = dict(imports=[*_base_.get('custom_imports', dict(imports=[]))['imports'], 'fsmde'])

input_size = (352, 640)
model = dict(
    type='BEVDepthDetector',
    # As in configs/fsmde_sup_resnet34_nuscenes.py. A student that is trained already goes into init_cfg:
    # dict(type='Pretrained', checkpoint='checkpoints/student_r34.pth'); freeze_student=True then keeps it as it is.
    student=dict(
        type='BinDepthEstimator',
        backbone=dict(
            type='mmdet.ResNet',
            depth=34,
            norm_eval=False,
            init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/resnet34-b627a593.pth'),
        ),
        neck=dict(type='LightPyramidNeck', channels=96),
        head=dict(
            type='BinDepthHead',
            bins=dict(num_bins=64, min_depth=0.5, max_depth=80.0, spacing='log'),
            focal_reference=324.0,
            loss_depth=dict(type='SILogLoss', loss_weight=1.0),
        ),
        max_depth=80.0,
    ),
    freeze_student=False,
    depth_loss_weight=1.0,
    view_transform=dict(
        type='DepthDistributionLSSTransform',
        out_channels=64,
        xbound=(-51.2, 51.2, 0.8),
        ybound=(-51.2, 51.2, 0.8),
        zbound=(-5.0, 3.0),
        dbound=(1.0, 61.0, 0.5),
        downsample=4,
    ),
    data_preprocessor=None,
    pts_voxel_encoder=None,
    pts_middle_encoder=None,
    # Cells are as large as the head's from the start: no stride before, none to undo behind.
    pts_backbone=dict(layer_strides=[1, 2, 2]),
    pts_neck=dict(upsample_strides=[1, 2, 4]),
)

# Stock steps first, images last: RandomFlip3D flips images that it finds.
not_ours = ('LoadPointsFromMultiSweeps', 'ObjectSample', 'Pack3DDetInputs')
views = [dict(type='SurroundFromInfos'), dict(type='LoadSurroundImages')]
depth = [dict(type='LoadSurroundLidar'), dict(type='ProjectLidarDepth')]
resize, pack = dict(type='ResizeViews', size=input_size), dict(type='PackSurroundDetInputs')
train_pipeline = [step for step in _base_.train_pipeline if step['type'] not in not_ours] + [
    *views,
    resize,
    *depth,
    pack,
]
test_pipeline = [*views, resize, pack]
cameras = ('FRONT', 'FRONT_LEFT', 'BACK_LEFT', 'BACK', 'BACK_RIGHT', 'FRONT_RIGHT')
dataset = dict(
    modality=dict(use_lidar=True, use_camera=True),
    data_prefix={f'CAM_{camera}': f'samples/CAM_{camera}' for camera in cameras},
)
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline, **dataset)))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **dataset))
test_dataloader = val_dataloader
# As in configs/_base_/default_runtime.py: mmdet3d's own runtime leaves each rank its statistics.
default_hooks = dict(sync_buffers=dict(type='SyncStatisticsHook'))
