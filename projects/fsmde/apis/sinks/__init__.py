"""Where results go: each sink is given :class:`fsmde.apis.DepthResult`, one after the other."""

from .base import Sink

__all__ = ['Sink']
