"""Procedural materials: albedo, gloss and glow of surface points."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from .noise import cell_hash, texture


class Material(IntEnum):
    """Kinds of surface."""

    PLAIN = 0
    ROAD = 1
    PAVING = 2
    GRASS = 3
    FACADE = 4
    ROOF = 5
    LEAF = 6
    GLASS = 7
    PAINT = 8
    SIGN = 9


@dataclass
class Points:
    """n surface points, float32.

    Args:
        uv: (n, 2) metres on the surface.
        colour, accent: (n, 3) albedo.
        params: (n, 4).
        distance: (n,) metres from the eye.
        scale: factor on the size of all texture.
        lights: share of lit windows, 0..1.
    """

    uv: np.ndarray
    colour: np.ndarray
    accent: np.ndarray
    params: np.ndarray
    distance: np.ndarray
    scale: float
    lights: float

    def noise(self, metres):
        """Noise (n,) of a texel size in metres, faded where a pixel covers many texels."""
        fade = np.clip(metres * 900 / np.maximum(self.distance, 0.1), 0, 1)
        return texture(self.uv[:, 0], self.uv[:, 1], metres * self.scale) * fade


def _plain(p):
    return p.colour * (1 + 0.06 * p.noise(0.05))[:, None], 0.0, 0.0


def _road(p):
    """params: half width of the driven lanes, lane width, dash period (0: no marks), crossing period (0: none)."""
    along, across = p.uv.T
    half, lane, dash, crossing = p.params.T
    grain = 0.16 * p.noise(0.012) + 0.12 * p.noise(0.25)
    patch = np.where(texture(along, across, 0.9) > 1.1, -0.18, 0.0)
    crack = np.where(np.abs(texture(along + 40, across, 0.04)) < 0.035, -0.22, 0.0) * (p.distance < 30)
    tracks = -0.07 * np.cos(2 * np.pi * across / np.maximum(lane, 1))
    albedo = p.colour * np.maximum(0.3, 1 + grain + patch + crack + tracks)[:, None]
    offset = np.abs(across)
    edge = np.abs(offset - half + 0.2) < 0.07
    middle = np.abs(offset - 0.12) < 0.06
    count = (across + half) / np.maximum(lane, 1)
    line = np.abs(count - np.round(count)) * lane < 0.07
    dashes = line & (offset < half - 0.5) & (offset > 0.5) & (np.mod(along, np.maximum(dash, 1)) < 0.4 * dash)
    step = np.mod(along, np.maximum(crossing, 1))
    zebra = (crossing > 0) & (step < 3.2) & (np.mod(across, 1.0) < 0.5)
    stop = (crossing > 0) & (np.abs(step - 4.6) < 0.2) & (across > 0) & (across < half)
    marked = (dash > 0) & (edge | middle | dashes)
    marked = (marked & ~((crossing > 0) & (step < 4.8))) | zebra | stop
    wear = np.clip(0.85 + 0.25 * texture(along, across, 0.03), 0.25, 1) * marked
    paint = np.where((middle & ~zebra & ~stop)[:, None], p.accent, 0.72)
    return albedo * (1 - wear[:, None]) + paint * wear[:, None], 0.04, 0.0


def _paving(p):
    """params: slab length in metres, slab width, -, -."""
    slab = p.uv / np.maximum(p.params[:, :2], 0.1)
    joint = ((slab - np.floor(slab)) * p.params[:, :2]).min(1) < 0.035
    tone = cell_hash(np.floor(slab[:, 0]), np.floor(slab[:, 1]), 3) - 0.5
    fade = np.clip(25 / np.maximum(p.distance, 1), 0, 1)
    shade = 1 + (0.16 * tone - 0.3 * joint) * fade + 0.1 * p.noise(0.015) + 0.12 * p.noise(0.3)
    return p.colour * np.maximum(shade, 0.3)[:, None], 0.02, 0.0


def _grass(p):
    blend = np.clip(0.5 + 0.5 * texture(p.uv[:, 0], p.uv[:, 1], 0.35 * p.scale), 0, 1)[:, None]
    shade = 1 + 0.28 * p.noise(0.02) + 0.12 * p.noise(0.1)
    return (p.colour * blend + p.accent * (1 - blend)) * np.maximum(shade, 0.25)[:, None], 0.0, 0.0


def _facade(p):
    """params: window pitch and storey height in metres, share of the cell that is window, style number."""
    pitch, storey, share, style = p.params.T
    column, row = p.uv[:, 0] / pitch, p.uv[:, 1] / storey
    i, j = np.floor(column), np.floor(row)
    x, y = column - i, row - j
    ground = (j == 0) & (np.mod(style, 3) < 1)
    half_x = np.where(ground, 0.43, share / 2)
    half_y = np.where(ground, 0.36, np.minimum(0.34, share * 0.55))
    dx, dy = np.abs(x - 0.5), np.abs(y - 0.52)
    window = (dx < half_x) & (dy < half_y)
    frame = window & ((dx > half_x - 0.07 / pitch) | (dy > half_y - 0.07 / storey) | ((dx < 0.02) & ~ground))
    sill = (dx < half_x + 0.06) & (np.abs(y - 0.52 + half_y + 0.03) < 0.025)
    band = y > 1 - 0.14 / storey
    brick = np.mod(style, 2) < 1
    course = p.uv[:, 1] / 0.16
    joint = (np.mod(course, 1) < 0.18) | (np.mod(p.uv[:, 0] / 0.42 + 0.5 * np.floor(course), 1) < 0.06)
    fade = np.clip(14 / np.maximum(p.distance, 1), 0, 1)
    shade = 1 + 0.10 * p.noise(0.03) + 0.09 * p.noise(0.5) + (0.18 * brick * fade) * (0.3 - joint)
    dirt = 1 - 0.22 * np.exp(-np.maximum(p.uv[:, 1], 0) / 0.7)
    wall = p.colour * (shade * dirt)[:, None]
    wall = np.where((sill | band)[:, None], p.accent, wall)
    chance = cell_hash(i, j, style)
    curtain = np.where(chance < 0.3, 0.32 * (y > 0.45), 0.0)
    pane = 0.03 + 0.10 * chance[:, None] + curtain[:, None] * np.float32([1.0, 0.95, 0.85])
    albedo = np.where(frame[:, None], p.accent * 0.9, np.where(window[:, None], pane, wall))
    glass = window & ~frame
    return albedo, 0.55 * glass, 1.4 * (glass & (chance > 1 - p.lights))


def _roof(p):
    row = np.mod(p.uv[:, 1] / 0.3, 1)
    fade = np.clip(20 / np.maximum(p.distance, 1), 0, 1)
    shade = 1 + 0.1 * p.noise(0.05) + 0.12 * p.noise(0.4) - 0.25 * (row < 0.2) * fade
    return p.colour * np.maximum(shade, 0.3)[:, None], 0.0, 0.0


def _leaf(p):
    blend = np.clip(0.5 + 0.45 * texture(p.uv[:, 0], p.uv[:, 1], 0.02 * p.scale), 0, 1)[:, None]
    return p.colour * blend + p.accent * (1 - blend), 0.0, 0.0


def _glass(p):
    return p.colour, 0.6, 0.0


def _paint(p):
    return p.colour * (1 + 0.03 * p.noise(0.03))[:, None], 0.28, 0.0


def _sign(p):
    """params: width and height in metres, style number, -."""
    width, height, style = p.params[:, :3].T
    x, y = p.uv[:, 0] / np.maximum(width, 0.01), p.uv[:, 1] / np.maximum(height, 0.01)
    rim = (np.minimum(x, 1 - x) * width < 0.05) | (np.minimum(y, 1 - y) * height < 0.05)
    stroke = cell_hash(np.floor(x * 9), np.floor(y * 5), style) > 0.5
    text = stroke & (np.abs(y - 0.5) < 0.3) & (np.abs(x - 0.5) < 0.4)
    return np.where((rim | text)[:, None], p.accent, p.colour), 0.05, 0.0


_SHADERS = {
    Material.PLAIN: _plain,
    Material.ROAD: _road,
    Material.PAVING: _paving,
    Material.GRASS: _grass,
    Material.FACADE: _facade,
    Material.ROOF: _roof,
    Material.LEAF: _leaf,
    Material.GLASS: _glass,
    Material.PAINT: _paint,
    Material.SIGN: _sign,
}


def evaluate(surface, distance, scale, lights):
    """Albedo (n, 3), gloss (n,) and glow (n,), float32, of surface points.

    Args:
        surface: see ``raycast.Surface``.
        distance: (n,) metres from the eye.
        scale: factor on the size of all texture.
        lights: share of lit windows, 0..1.
    """
    n = len(distance)
    albedo = np.zeros((n, 3), np.float32)
    gloss, glow = np.zeros(n, np.float32), np.zeros(n, np.float32)
    for kind, shader in _SHADERS.items():
        index = np.flatnonzero(surface.material == kind)
        if len(index):
            varying = (surface.uv, surface.colour, surface.accent, surface.params, distance)
            points = Points(*(values[index] for values in varying), scale, lights)
            albedo[index], gloss[index], glow[index] = shader(points)
    return np.clip(albedo, 0.005, 1), gloss, glow
