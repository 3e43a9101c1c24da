"""From cameras to metric depth: sources of frames, runtimes, the inferencer, sinks of results."""

from .frame import Frame
from .inferencer import SurroundDepthInferencer
from .load_model import load_model, push_to_hub
from .pseudo_points import export_points
from .published_file import publish_file
from .publishing import publish_folder
from .result import DepthResult, ViewDepth
from .runtimes import OnnxRuntime, OpenVinoRuntime, TorchRuntime
from .writing import write_results

__all__ = [
    'DepthResult',
    'Frame',
    'OnnxRuntime',
    'OpenVinoRuntime',
    'SurroundDepthInferencer',
    'TorchRuntime',
    'ViewDepth',
    'export_points',
    'load_model',
    'publish_file',
    'publish_folder',
    'push_to_hub',
    'write_results',
]
