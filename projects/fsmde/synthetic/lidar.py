"""A spinning LiDAR: beams, range limit, lost returns and range noise."""

import numpy as np

from .materials import Material, evaluate
from .soup import rotated

MAX_RANGE = 200.0
_BEAMS, _STEPS = 64, 900


def beam_directions():
    """Unit directions (beams * steps, 3) in the sensor frame (x forward, y left, z up), denser near the horizon."""
    spread = np.linspace(-1, 1, _BEAMS)
    elevation = np.radians(-2.5 + 5.5 * spread + 12.0 * spread**3)
    azimuth = np.arange(_STEPS) * 2 * np.pi / _STEPS
    rise, turn = np.meshgrid(elevation, azimuth)
    return np.stack([np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)], -1).reshape(-1, 3)


def scan(world, lidar2world, haze, rng):
    """Measure a ray world whose last part is the own car.

    Args:
        world: see ``raycast.RayWorld``.
        lidar2world: (4, 4).
        haze: metres at which the light has fallen to 37 %.
        rng: source of noise and losses.

    Returns:
        (n, 4) float64: x, y, z in metres in the sensor frame, rounded to a millimetre, and intensity in 0..1. Beams
        that meet the own car return nothing.
    """
    rays = beam_directions()
    directions = rotated(rays, lidar2world[:3, :3])
    origin = lidar2world[:3, 3]
    hits = world.cast(origin, directions)
    noise, chance = rng.standard_normal(len(rays)), rng.random(len(rays))
    index = np.flatnonzero((hits.part >= 0) & (hits.part != len(world.parts) - 1) & (hits.reach < MAX_RANGE))
    hits = type(hits)(hits.reach[index], hits.part[index], hits.face[index])
    surface = world.surface(hits, origin + directions[index] * hits.reach[:, None])
    slant = np.abs((surface.flat * directions[index]).sum(1))
    distance = hits.reach.astype(np.float32)
    albedo, gloss, _ = evaluate(surface, distance, 1.0, 0.0)
    # Returned power against the farthest range at which a white wall is seen, after losses in the air.
    power = (0.25 + albedo.mean(1)) * (0.15 + 0.85 * slant) * (1 - 0.8 * gloss) * np.exp(-2 * distance / haze)
    kept = chance[index] < 0.97 * np.clip(power * (120 / np.maximum(distance, 1)) ** 2, 0, 1)
    leaf = (surface.material == Material.LEAF) & (chance[index] > 0.8)
    kept &= ~leaf
    reach = hits.reach + noise[index] * (0.015 + 0.0003 * hits.reach)
    points = rays[index] * reach[:, None]
    intensity = np.clip(albedo.mean(1) * slant, 0, 1)
    return np.round(np.column_stack([points, intensity])[kept], 3).astype(np.float64)
