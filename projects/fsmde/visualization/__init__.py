"""Pictures and point clouds of surround depth, in metres."""

from .birds_eye import draw_birds_eye
from .frames import write_frame
from .panels import draw_panel, ring_order
from .point_cloud import fuse_points, write_ply

__all__ = ['draw_birds_eye', 'draw_panel', 'fuse_points', 'ring_order', 'write_frame', 'write_ply']
