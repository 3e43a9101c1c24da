"""From cameras to metric depth: sources of frames, runtimes, the inferencer, sinks of results."""

from .frame import Frame
from .inferencer import SurroundDepthInferencer
from .load_model import load_model, push_to_hub
from .publishing import publish_folder
from .result import DepthResult, ViewDepth
from .runtimes import OnnxRuntime, OpenVinoRuntime, TorchRuntime

__all__ = [
    'DepthResult',
    'Frame',
    'OnnxRuntime',
    'OpenVinoRuntime',
    'SurroundDepthInferencer',
    'TorchRuntime',
    'ViewDepth',
    'load_model',
    'publish_folder',
    'push_to_hub',
]
