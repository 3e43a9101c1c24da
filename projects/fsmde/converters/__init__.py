"""From data sets that cannot be read frame by frame to ones that can."""

from .waymo import convert_waymo

__all__ = ['convert_waymo']
