"""Triangle soup: geometry together with what is needed to shade it."""

from dataclasses import dataclass, fields

import numpy as np


@dataclass
class Soup:
    """n triangles, counter-clockwise seen from outside.

    Args:
        corners: (n, 3, 3) float64, corner positions in metres.
        uv: (n, 3, 2) float64, texture coordinates of the corners, in metres on the surface.
        normals: (n, 3, 3) float64, unit normals of the corners.
        colour, accent: (n, 3) float64, first and second albedo in 0..1.
        params: (n, 4) float64, numbers whose meaning depends on the material.
        material: (n,) int64, one of ``materials.Material``.
    """

    corners: np.ndarray
    uv: np.ndarray
    normals: np.ndarray
    colour: np.ndarray
    accent: np.ndarray
    params: np.ndarray
    material: np.ndarray

    def __len__(self):
        return len(self.corners)

    def placed(self, pose):
        """Return a copy moved by ``pose``, a (4, 4) rigid transform."""
        moved = {f.name: getattr(self, f.name) for f in fields(self)}
        moved['corners'] = rotated(self.corners, pose[:3, :3]) + pose[:3, 3]
        moved['normals'] = rotated(self.normals, pose[:3, :3])
        return Soup(**moved)


def rotated(vectors, rotation):
    """Vectors (..., 3) turned by a rotation (3, 3).

    Not by ``@``: BLAS would start threads for it, in every process, and rounds differently on other machines.
    """
    return np.einsum('...c,dc->...d', vectors, rotation)


def make_soup(corners, material, colour, uv=None, normals=None, accent=(0, 0, 0), params=(0, 0, 0, 0)):
    """Build a soup from corners (n, 3, 3); what is not given is flat: face normals, zero uv.

    ``material``, ``colour``, ``accent`` and ``params`` are one value for all triangles or one per triangle.
    """
    corners = np.asarray(corners, np.float64)
    n = len(corners)
    if normals is None:
        normals = np.repeat(face_normals(corners)[:, None], 3, 1)
    if uv is None:
        uv = np.zeros((n, 3, 2))
    return Soup(
        corners,
        np.asarray(uv, np.float64),
        normals,
        _rows(colour, n, 3),
        _rows(accent, n, 3),
        _rows(params, n, 4),
        np.broadcast_to(np.asarray(material, np.int64), n),
    )


def _rows(value, n, width):
    return np.broadcast_to(np.asarray(value, np.float64), (n, width))


def face_normals(corners):
    """Unit normals (n, 3) of triangles (n, 3, 3); zero where a triangle has no area."""
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def merge(soups):
    """Concatenate soups, in order."""
    return Soup(**{f.name: np.concatenate([getattr(s, f.name) for s in soups]) for f in fields(Soup)})


def quads(corners, uv=None, **look):
    """Soup of quadrilaterals (m, 4, 3) given around their rim; uv (m, 4, 2) defaults to metres along the edges."""
    corners = np.asarray(corners, np.float64)
    if uv is None:
        width = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1)
        height = np.linalg.norm(corners[:, 3] - corners[:, 0], axis=1)
        zero = np.zeros_like(width)
        uv = np.stack([zero, zero, width, zero, width, height, zero, height], 1).reshape(-1, 4, 2)
    split = [0, 1, 2, 0, 2, 3]
    return make_soup(corners[:, split].reshape(-1, 3, 3), uv=np.asarray(uv)[:, split].reshape(-1, 3, 2), **look)


def pose_of(x, y, z, yaw=0.0):
    """Rigid transform (4, 4) to a position in metres with a heading in radians about the vertical."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0, x], [s, c, 0, y], [0, 0, 1, z], [0, 0, 0, 1]], np.float64)
