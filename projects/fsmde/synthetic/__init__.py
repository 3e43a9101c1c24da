"""The built-in world: procedural street scenes, ray-cast to images, LiDAR and dense depth, written in DGP format."""

from .trivial import trivial_abs_rel
from .world import make_world

__all__ = ['make_world', 'trivial_abs_rel']
