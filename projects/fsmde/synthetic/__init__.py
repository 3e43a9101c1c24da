"""The built-in world: procedural street scenes, ray-cast to images, LiDAR and dense depth, written in DGP format."""

from .layouts import KINDS
from .rigs import LENS_RIGS
from .trivial import trivial_abs_rel
from .world import make_world

__all__ = ['KINDS', 'LENS_RIGS', 'make_world', 'trivial_abs_rel']
