"""Casts rays into triangle soups with embree."""

from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from .soup import face_normals


@dataclass
class Hits:
    """Where n rays arrive.

    Args:
        reach: (n,) float64, in lengths of the ray's direction; inf where nothing is hit.
        part: (n,) int, which soup was hit; -1 where nothing is.
        face: (n,) int, triangle of that soup.
    """

    reach: np.ndarray
    part: np.ndarray
    face: np.ndarray


class RayPart:
    """One soup with its embree tree."""

    def __init__(self, soup):
        self.size = len(soup)
        self._normals = face_normals(soup.corners)
        self._first = soup.corners[:, 0]
        self._table = _table(soup, self._normals)
        self._tree = EmbreeScene()
        TriangleMesh(
            self._tree,
            np.ascontiguousarray(soup.corners, np.float32).reshape(-1, 3),
            np.arange(3 * len(soup), dtype=np.int32).reshape(-1, 3),
        )

    def first(self, origins, directions):
        """Face (n,) hit first, -1 for none, by rays (n, 3) float32."""
        return self._tree.run(origins, directions)

    def blocked(self, origins, directions):
        """Whether (n,) anything lies on the rays (n, 3) float32."""
        return self._tree.run(origins, directions, query='OCCLUDED') >= 0

    def reach(self, face, origins, directions):
        """Lengths (n,) of the rays to the planes of their faces.

        Embree's own distances are float32 and differ between processors in the last bits.
        """
        normal = self._normals[face]
        slant = np.einsum('nc,nc->n', directions, normal)
        slant = np.where(np.abs(slant) < 1e-12, 1e-12, slant)
        return np.einsum('nc,nc->n', self._first[face] - origins, normal) / slant

    def rows(self, face, points):
        """Rows (n, 19) float32 of ``RayWorld.surface`` at points (n, 3) of faces (n,)."""
        table = self._table[face]
        rows = table[:, :_WIDTH]
        inside = (points - self._first[face]).astype(np.float32)
        for gradient, step in ((19, 25), (22, 30)):
            weight = np.einsum('nc,nc->n', inside, table[:, gradient : gradient + 3])
            rows[:, :5] += np.clip(weight, 0, 1)[:, None] * table[:, step : step + 5]
        rows[:, 2:5] /= np.maximum(np.sqrt(np.einsum('nc,nc->n', rows[:, 2:5], rows[:, 2:5])), 1e-6)[:, None]
        return rows


class RayWorld:
    """Several soups cast together: the street (built once), the traffic, the own car."""

    def __init__(self, parts):
        self.parts = parts

    def cast(self, origin, directions):
        """First hits of rays from one origin (3,) along directions (n, 3), metres, world frame."""
        n = len(directions)
        hits = Hits(np.full(n, np.inf), np.full(n, -1), np.zeros(n, np.int64))
        origins32 = np.repeat(np.asarray(origin, np.float32)[None], n, 0)
        directions32 = np.ascontiguousarray(directions, np.float32)
        for number, part in enumerate(self.parts):
            face = part.first(origins32, directions32)
            index = np.flatnonzero(face >= 0)
            reach = part.reach(face[index], origin, directions[index])
            nearer = reach < hits.reach[index]
            index, reach = index[nearer], reach[nearer]
            hits.reach[index], hits.part[index], hits.face[index] = reach, number, face[index]
        return hits

    def blocked(self, origins, direction):
        """Whether (n,) rays from origins (n, 3) in one direction (3,) meet anything."""
        origins = np.ascontiguousarray(origins, np.float32)
        directions = np.repeat(np.asarray(direction, np.float32)[None], len(origins), 0)
        blocked = np.zeros(len(origins), bool)
        for part in self.parts:
            free = np.flatnonzero(~blocked)
            blocked[free] = part.blocked(origins[free], directions[free])
        return blocked

    def surface(self, hits, points):
        """Attributes of the surfaces at hit points (n, 3), each ray having hit something.

        Returns:
            Surface: see there.
        """
        rows = np.empty((len(points), _WIDTH), np.float32)
        for number, part in enumerate(self.parts):
            index = np.flatnonzero(hits.part == number)
            rows[index] = part.rows(hits.face[index], points[index])
        return Surface(
            rows[:, 0:2],
            rows[:, 2:5],
            rows[:, 5:8],
            rows[:, 8:11],
            rows[:, 11:14],
            rows[:, 14:18],
            rows[:, 18].astype(np.int8),
        )


@dataclass
class Surface:
    """n surface points, float32.

    Args:
        uv: (n, 2) metres on the surface.
        normals, flat: (n, 3) unit normals to shade with, and of the triangles.
        colour, accent, params, material: (n, 3), (n, 3), (n, 4), (n,), those of the soup.
    """

    uv: np.ndarray
    normals: np.ndarray
    flat: np.ndarray
    colour: np.ndarray
    accent: np.ndarray
    params: np.ndarray
    material: np.ndarray


_WIDTH = 19


def _table(soup, normals):
    """What ``RayPart.rows`` gathers per face, float32.

    Columns: uv and normal at the first corner, then the values that do not vary over a face, then two gradients (3)
    whose products with (point - first corner) are the weights of the second and the third corner, then the steps of
    uv and normal towards these two corners.
    """
    a, b = soup.corners[:, 1] - soup.corners[:, 0], soup.corners[:, 2] - soup.corners[:, 0]
    aa, ab, bb = ((x * y).sum(1, keepdims=True) for x, y in ((a, a), (a, b), (b, b)))
    scale = 1 / np.maximum(aa * bb - ab * ab, 1e-12)
    varying = np.concatenate([soup.uv, soup.normals], 2)
    return np.concatenate(
        [
            varying[:, 0],
            normals,
            soup.colour,
            soup.accent,
            soup.params,
            soup.material[:, None],
            (bb * a - ab * b) * scale,
            (aa * b - ab * a) * scale,
            varying[:, 1] - varying[:, 0],
            varying[:, 2] - varying[:, 0],
        ],
        1,
    ).astype(np.float32)
