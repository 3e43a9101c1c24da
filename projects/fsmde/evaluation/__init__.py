"""Evaluation that can be compared: named protocols, exact sums, published and better ways of averaging."""

from .ground_truth import ground_truth_depth
from .metric import SurroundDepthMetric
from .mixed_evaluator import MixedEvaluator
from .protocols import PROTOCOLS, Protocol, get_protocol
from .results import describe_run

__all__ = [
    'PROTOCOLS',
    'MixedEvaluator',
    'Protocol',
    'SurroundDepthMetric',
    'describe_run',
    'get_protocol',
    'ground_truth_depth',
]
