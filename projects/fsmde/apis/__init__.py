"""From cameras to metric depth: sources of frames, runtimes, the inferencer, sinks of results."""

from .frame import Frame
from .result import DepthResult, ViewDepth
from .runtimes import OnnxRuntime, TorchRuntime

__all__ = ['DepthResult', 'Frame', 'OnnxRuntime', 'TorchRuntime', 'ViewDepth']
