# Stock ImVoxelNet on the backbone of a distilled student. Needs mmdet3d only: nothing of this project is imported.
_base_ = 'mmdet3d::imvoxelnet/imvoxelnet_8xb4_kitti-3d-car.py'

# What tools/model_converters/publish_model.py wrote. Normalisation and layout are the student's already.
student = 'checkpoints/student_r50.pth'
model = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=student, prefix='backbone.')))
