"""The student outside of training: folded, reduced, exported and measured.

Nothing here is imported by the package itself: export needs onnx, onnxscript and onnxruntime.
"""

from .deployable import DeployableEstimator, build_student
from .frames import deployment_frames, graph_errors, lidar_error
from .onnx_export import export_onnx
from .onnx_session import OnnxSession, check_parity

__all__ = [
    'DeployableEstimator',
    'OnnxSession',
    'build_student',
    'check_parity',
    'deployment_frames',
    'export_onnx',
    'graph_errors',
    'lidar_error',
]
