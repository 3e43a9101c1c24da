"""Draws camera images: sunlight with shadows, sky, haze, and the sensor's own faults."""

import numpy as np

from .materials import evaluate
from .noise import texture
from .soup import rotated

MAX_DEPTH = 250.0
_SUBPIXELS = ((-0.33, 0.1), (0.1, -0.33), (0.28, 0.28))
_LUMA = np.float32([0.3, 0.59, 0.11])


class Renderer:
    """Renders a ray world under a look.

    Args:
        world: see ``raycast.RayWorld``; its last part is the own car.
        look: see ``looks.Look``.
    """

    def __init__(self, world, look):
        self.world, self.look = world, look
        self._own = len(world.parts) - 1
        self._sun, self._sun_light, self._sky_light, self._zenith, self._horizon = (
            v.astype(np.float32) for v in (look.sun, look.sun_light, look.sky_light, look.zenith, look.horizon)
        )

    def image(self, camera, cam2world, rng):
        """Photograph the world.

        Args:
            camera: see ``rigs.Camera``.
            cam2world: (4, 4).
            rng: source of the sensor's noise.

        Returns:
            tuple: image (H, W, 3) uint8 RGB, black where the camera sees nothing, and depth (H, W) float64 in metres along
            z, or along the ray (``Camera.measure``), 0 for the sky, beyond 250 m, on the own car and in the black.
        """
        origin, rotation = cam2world[:3, 3], cam2world[:3, :3]
        directions = rotated(camera.rays(), rotation)
        hits = self.world.cast(origin, directions)
        light = self._light(origin, directions, hits)
        rough = np.flatnonzero(self._edges(light.reshape(*camera.size, 3), hits.reach.reshape(camera.size)))
        for shift in _SUBPIXELS:
            extra = rotated(camera.rays(shift)[rough], rotation)
            light[rough] += self._light(origin, extra, self.world.cast(origin, extra))
        light[rough] /= 1 + len(_SUBPIXELS)
        seen = (hits.reach < MAX_DEPTH) & (hits.part != self._own) & camera.sees.ravel()
        depth = np.where(seen, hits.reach, 0).reshape(camera.size)
        blind = ~camera.sees.ravel()
        if blind.any():  # The exposure is that of what is seen.
            light[blind] = light[~blind].mean(0)
        image = self._expose(light.reshape(*camera.size, 3), rng)
        image[~camera.sees] = 0
        return image, depth

    def own_mask(self, camera, cam2world):
        """(H, W) bool, True where the own car is seen, or nothing at all."""
        hits = self.world.cast(cam2world[:3, 3], rotated(camera.rays(), cam2world[:3, :3]))
        return (hits.part == self._own).reshape(camera.size) | ~camera.sees

    def _light(self, origin, directions, hits):
        """Light (n, 3) float32 that arrives along rays."""
        length = np.linalg.norm(directions, axis=1)
        view = (directions / length[:, None]).astype(np.float32)
        light = np.empty((len(view), 3), np.float32)
        missed = hits.part < 0
        light[missed] = self.sky(view[missed])
        index = np.flatnonzero(~missed)
        hits = type(hits)(hits.reach[index], hits.part[index], hits.face[index])
        points = origin + directions[index] * hits.reach[:, None]
        distance = (hits.reach * length[index]).astype(np.float32)
        surface = self._shade(points, view[index], distance, hits)
        clear = np.exp(-distance / self.look.haze)[:, None]
        light[index] = surface * clear + self._horizon * (1 - clear)
        return light

    def _shade(self, points, view, distance, hits):
        look, palette = self.look, self.look.palette
        surface = self.world.surface(hits, points)
        normals, flat = surface.normals, surface.flat
        flat[_dot(flat, view) > 0] *= -1
        normals[_dot(normals, flat) < 0] *= -1
        albedo, gloss, glow = evaluate(surface, distance, palette.scale, look.lights)
        sun = self._sun
        facing = np.maximum(_dot(normals, sun), 0) * (_dot(flat, sun) > -0.2)
        lit = np.flatnonzero(facing > 0)
        facing[lit] *= ~self.world.blocked(points[lit] + 0.015 * flat[lit] + 0.01 * sun, sun)
        up = normals[:, 2:]
        sky = self._sky_light * (0.62 + 0.38 * up) + self._sun_light * (0.06 - 0.06 * up)
        light = albedo * (facing[:, None] * self._sun_light + sky)
        shiny = np.flatnonzero(gloss > 0)
        slant = _dot(view[shiny], normals[shiny])
        mirrored = view[shiny] - 2 * slant[:, None] * normals[shiny]
        grazing = 1 - np.abs(slant)
        amount = gloss[shiny] * (0.12 + 0.88 * grazing**4)
        light[shiny] += self.sky(mirrored) * amount[:, None]
        light += glow[:, None] * np.float32([1.0, 0.75, 0.4])
        return light

    def sky(self, view):
        """Light (n, 3) float32 from the sky along unit directions (n, 3); the ground's colour below the horizon."""
        up = view[:, 2]
        blend = np.sqrt(np.clip(up, 0, 1))[:, None]
        colour = self._horizon * (1 - blend) + self._zenith * blend
        height = 0.12 + np.maximum(up, 0)
        cover = texture(40 * view[:, 0] / height, 40 * view[:, 1] / height, 0.6)
        cloud = np.clip(0.55 * cover + (1.6 * self.look.cloud - 0.7), 0, 0.8) * np.clip(up * 6, 0, 1)
        colour += cloud[:, None] * (0.25 * self._horizon + 0.7 * self._horizon.max() - colour)
        towards = np.maximum(_dot(view, self._sun), 0)
        glow = 0.1 * towards**24 + 1.6 * towards**900
        colour += glow[:, None] * self._sun_light
        ground = np.clip(-up * 8, 0, 1)[:, None]
        return colour + ground * (0.3 * self._horizon - colour)

    @staticmethod
    def _edges(light, reach):
        """(H, W) bool, pixels that differ from a neighbour in brightness or depth."""
        value = np.sqrt(np.maximum(_dot(light, _LUMA), 0))
        inverse = 1 / reach
        edges = np.zeros(value.shape, bool)
        for axis in (0, 1):
            step = (np.abs(np.diff(value, axis=axis)) > 0.06) | (
                np.abs(np.diff(inverse, axis=axis)) > 0.05 * np.delete(inverse, 0, axis) + 1e-5
            )
            ahead = [(0, 1) if a == axis else (0, 0) for a in (0, 1)]
            edges |= np.pad(step, ahead) | np.pad(step, [side[::-1] for side in ahead])
        return edges

    def _expose(self, light, rng):
        """Turn light into 8-bit values: exposure, vignette, shot and read noise, tone curve."""
        look = self.look
        height, width = light.shape[:2]
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
        level = 0.38 * look.exposure / (0.5 * np.mean(_dot(light, _LUMA)) + 0.5 * np.mean(look.horizon) * 0.7)
        value = light * (level * (1 - look.vignette * (x * x + y * y) / 2))[..., None].astype(np.float32)
        grain = rng.standard_normal(value.shape, dtype=np.float32) * look.noise
        value = value + grain * np.sqrt(0.08 + np.maximum(value, 0))
        value = np.maximum(value, 0)
        value = value * (1 + 0.12 * value) / (1 + 0.75 * value)
        value = np.clip(value * 1.25, 0, 1) ** (1 / 2.2)
        value += 0.45 * value * (1 - value) * (2 * value - 0.85)
        return (np.clip(value, 0, 1) * 255 + 0.5).astype(np.uint8)


def _dot(a, b):
    """Inner products (...) of vectors (..., 3)."""
    return np.einsum('...c,...c->...', a, b)
