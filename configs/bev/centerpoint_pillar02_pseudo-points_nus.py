# Stock CenterPoint-pillar on points of predicted depth, as tools/export_points.py writes them in nuScenes' own layout.
_base_ = 'mmdet3d::centerpoint/centerpoint_pillar02_second_secfpn_8xb4-cyclic-20e_nus-3d.py'

# Not for pseudo-points: earlier sweeps, and objects cut out of LiDAR clouds.
lidar_only = ('LoadPointsFromMultiSweeps', 'ObjectSample')
train_pipeline = [step for step in _base_.train_pipeline if step['type'] not in lidar_only]
test_pipeline = [step for step in _base_.test_pipeline if step['type'] not in lidar_only]
# Under data_root, or absolute.
data_prefix = dict(pts='pseudo_points')
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline, data_prefix=data_prefix)))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, data_prefix=data_prefix))
test_dataloader = val_dataloader
