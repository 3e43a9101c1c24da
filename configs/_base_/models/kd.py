"""What distillation adds to a student: a frozen teacher and two distillers."""

from fsmde.models import CrossInteractionKD, DistilledDepthEstimator, HuggingFaceDepthTeacher, ViewRelationalKD

distillation = dict(
    type=DistilledDepthEstimator,
    # A hub name, a local directory, an official Depth-Anything-V2 .pth, or 'random-tiny' to try things out.
    # Small is Apache-2.0; base and large are CC-BY-NC-4.0. See docs/teachers.md.
    # Features are read on a coarse grid, and would be large at their own size.
    teacher=dict(
        type=HuggingFaceDepthTeacher, model='depth-anything/Depth-Anything-V2-Small-hf', feature_size=(48, 80)
    ),
    # As they did best in docs/benchmark.md on validation scenes, the weight for students that start from ImageNet.
    distillers=[
        dict(type=CrossInteractionKD, probabilities='aligned'),
        dict(type=ViewRelationalKD, relation='feature', grid=(12, 20), loss_weight=0.57),
    ],
)
