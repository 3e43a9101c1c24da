"""What distillation adds to a student: a frozen teacher and two distillers."""

from fsmde.models import CrossInteractionKD, DistilledDepthEstimator, HuggingFaceDepthTeacher, ViewRelationalKD

distillation = dict(
    type=DistilledDepthEstimator,
    # A hub name, a local directory, an official Depth-Anything-V2 .pth, or 'random-tiny' to try things out.
    # Small is Apache-2.0; base and large are CC-BY-NC-4.0. See docs/teachers.md.
    teacher=dict(type=HuggingFaceDepthTeacher, model='depth-anything/Depth-Anything-V2-Small-hf'),
    # Readings, pairs and weights as they did best in docs/benchmark.md.
    distillers=[
        dict(type=CrossInteractionKD, probabilities='aligned'),
        dict(type=ViewRelationalKD, relation='geometric', pairs='wedge', loss_weight=0.065),
    ],
)
