# The upper bound of centerpoint_pillar02_pseudo-points_nus.py: points of perfect depth, made while a frame is loaded.
# LiDAR is projected into the six images and lifted back out of them.
_base_ = 'mmdet3d::centerpoint/centerpoint_pillar02_second_secfpn_8xb4-cyclic-20e_nus-3d.py'
custom_imports = dict(imports=[*_base_.get('custom_imports', dict(imports=[]))['imports'], 'fsmde'])

point_source = [
    dict(type='SurroundFromInfos'),
    dict(type='LoadSurroundImages'),
    dict(type='LoadSurroundLidar'),
    dict(type='ResizeViews', size=(352, 640)),
    dict(type='ProjectLidarDepth'),
    dict(type='PseudoPointsFromDepth', depth_key='gt_depth'),
]
lidar_only = ('LoadPointsFromFile', 'LoadPointsFromMultiSweeps', 'ObjectSample')
train_pipeline = point_source + [step for step in _base_.train_pipeline if step['type'] not in lidar_only]
test_pipeline = point_source + [step for step in _base_.test_pipeline if step['type'] not in lidar_only]
cameras = ('FRONT', 'FRONT_LEFT', 'BACK_LEFT', 'BACK', 'BACK_RIGHT', 'FRONT_RIGHT')
dataset = dict(
    modality=dict(use_lidar=True, use_camera=True),
    data_prefix={f'CAM_{camera}': f'samples/CAM_{camera}' for camera in cameras},
)
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline, **dataset)))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, **dataset))
test_dataloader = val_dataloader
