"""Evaluation that can be compared: named protocols, exact sums, published and better ways of averaging."""

from .depth_maps import DepthMapFrames, on_maps
from .folders import evaluate_folder
from .ground_truth import ground_truth_depth
from .metric import SurroundDepthMetric
from .mixed_evaluator import MixedEvaluator
from .protocols import PROTOCOLS, Protocol, get_protocol
from .result_files import describe_run

__all__ = [
    'PROTOCOLS',
    'DepthMapFrames',
    'MixedEvaluator',
    'Protocol',
    'SurroundDepthMetric',
    'describe_run',
    'evaluate_folder',
    'get_protocol',
    'ground_truth_depth',
    'on_maps',
]
