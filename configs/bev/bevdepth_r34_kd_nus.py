# The student of bevdepth_r34_nus.py goes on learning from its foundation teacher while the detector trains.
_base_ = './bevdepth_r34_nus.py'

model = dict(
    student=dict(
        type='DistilledDepthEstimator',
        teacher=dict(
            type='HuggingFaceDepthTeacher', model='depth-anything/Depth-Anything-V2-Small-hf', feature_size=(48, 80)
        ),
        distillers=[
            dict(type='CrossInteractionKD', probabilities='aligned'),
            dict(type='ViewRelationalKD', relation='feature', grid=(12, 20), loss_weight=0.57),
        ],
    )
)
# The teacher sees the views as they are behind the resize.
before_depth = [step['type'] for step in _base_.train_pipeline].index('ResizeViews') + 1
train_pipeline = list(_base_.train_pipeline)
train_pipeline.insert(before_depth, dict(type='KeepTeacherViews'))
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=train_pipeline)))
