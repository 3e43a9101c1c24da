# Stock FCOS3D on the backbone of a distilled student. Needs mmdet3d only: nothing of this project is imported.
_base_ = 'mmdet3d::fcos3d/fcos3d_r101-caffe-dcn_fpn_head-gn_8xb2-1x_nus-mono3d.py'

# What tools/model_converters/publish_model.py wrote.
student = 'checkpoints/student_r50.pth'
model = dict(
    # The student's normalisation and layout (pytorch style) instead of caffe's.
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    backbone=dict(depth=50, style='pytorch', init_cfg=dict(type='Pretrained', checkpoint=student, prefix='backbone.')),
)
