"""What a scene looks like: palette, sun, sky, air and sensor. Presets draw from disjoint ranges."""

import colorsys
from dataclasses import dataclass

import numpy as np

# Hues in turns. Each palette draws walls, roofs and leaves from its own bands, which do not meet the other's.
_STUDENT = dict(
    wall=[(0.00, 0.045), (0.09, 0.125)],
    wall_saturation=(0.10, 0.55),
    wall_value=(0.22, 0.62),
    roof=(0.01, 0.05),
    leaf=(0.20, 0.27),
    grass=(0.205, 0.245),
    road=(0.085, 0.17),
    scale=(0.85, 1.2),
    marks=(0.75, 0.5, 0.1),
    slab=((0.55, 0.8), (0.55, 0.8)),
)
_TEACHER = dict(
    wall=[(0.055, 0.08), (0.15, 0.20), (0.52, 0.64)],
    wall_saturation=(0.02, 0.40),
    wall_value=(0.35, 0.85),
    roof=(0.55, 0.68),
    leaf=(0.285, 0.36),
    grass=(0.25, 0.29),
    road=(0.19, 0.30),
    scale=(1.6, 2.4),
    marks=(0.72, 0.72, 0.7),
    slab=((0.25, 0.4), (0.9, 1.3)),
)
_ELSEWHERE = dict(
    wall=[(0.125, 0.145), (0.66, 0.78)],
    wall_saturation=(0.05, 0.45),
    wall_value=(0.18, 0.7),
    roof=(0.10, 0.16),
    leaf=(0.13, 0.195),
    grass=(0.16, 0.20),
    road=(0.045, 0.08),
    scale=(1.25, 1.55),
    marks=(0.7, 0.7, 0.68),
    slab=((0.4, 0.55), (0.4, 0.9)),
)

# Elevation and azimuth of the sun in degrees (azimuth to the left of the road's direction), strengths of sun and sky,
# haze: metres at which a surface has lost 63 % of its contrast.
_STUDENT_WEATHER = {
    'day': dict(
        elevation=(34, 52),
        azimuth=(-170, -10),
        sun=2.7,
        sky=0.62,
        haze=(900, 1600),
        tint=(1.0, 0.95, 0.87),
        zenith=(0.16, 0.32, 0.66),
        horizon=(0.62, 0.74, 0.88),
        cloud=(0.0, 0.7),
        lights=0.0,
    ),
    'overcast': dict(
        elevation=(70, 80),
        azimuth=(-170, -10),
        sun=0.55,
        sky=1.25,
        haze=(350, 700),
        tint=(1, 1, 1),
        zenith=(0.60, 0.63, 0.67),
        horizon=(0.78, 0.80, 0.82),
        cloud=(0.3, 0.6),
        lights=0.06,
    ),
    'dusk': dict(
        elevation=(9, 16),
        azimuth=(-170, -10),
        sun=1.7,
        sky=0.42,
        haze=(500, 700),
        tint=(1.0, 0.66, 0.36),
        zenith=(0.20, 0.22, 0.42),
        horizon=(0.95, 0.62, 0.42),
        cloud=(0.1, 0.8),
        lights=0.3,
    ),
    'haze': dict(
        elevation=(22, 30),
        azimuth=(-170, -10),
        sun=1.2,
        sky=0.95,
        haze=(110, 220),
        tint=(1.0, 0.92, 0.8),
        zenith=(0.62, 0.66, 0.70),
        horizon=(0.80, 0.80, 0.78),
        cloud=(0.0, 0.2),
        lights=0.1,
    ),
}
_TEACHER_WEATHER = {
    'noon': dict(
        elevation=(56, 68),
        azimuth=(10, 170),
        sun=3.0,
        sky=0.6,
        haze=(1800, 4000),
        tint=(1.0, 0.98, 0.94),
        zenith=(0.08, 0.22, 0.60),
        horizon=(0.50, 0.68, 0.92),
        cloud=(0.0, 0.9),
        lights=0.0,
    ),
    'morning': dict(
        elevation=(17, 21),
        azimuth=(10, 170),
        sun=2.1,
        sky=0.6,
        haze=(720, 880),
        tint=(1.0, 0.84, 0.66),
        zenith=(0.26, 0.40, 0.66),
        horizon=(0.86, 0.78, 0.70),
        cloud=(0.1, 0.6),
        lights=0.03,
    ),
    'rain': dict(
        elevation=(81, 88),
        azimuth=(10, 170),
        sun=0.4,
        sky=0.9,
        haze=(230, 340),
        tint=(0.95, 1.0, 1.05),
        zenith=(0.40, 0.44, 0.50),
        horizon=(0.56, 0.60, 0.66),
        cloud=(0.4, 0.8),
        lights=0.18,
    ),
    'fog': dict(
        elevation=(31, 33),
        azimuth=(10, 170),
        sun=0.5,
        sky=1.2,
        haze=(60, 105),
        tint=(1.0, 1.0, 0.98),
        zenith=(0.70, 0.71, 0.72),
        horizon=(0.80, 0.80, 0.80),
        cloud=(0.0, 0.1),
        lights=0.12,
    ),
}
# Cameras expose for what they see, so that a night is grainy rather than dark; its sun is the moon.
_ELSEWHERE_WEATHER = {
    'night': dict(
        elevation=(24, 50),
        azimuth=(-10, 10),
        sun=0.25,
        sky=0.35,
        haze=(260, 480),
        tint=(0.75, 0.85, 1.1),
        zenith=(0.02, 0.025, 0.05),
        horizon=(0.10, 0.09, 0.09),
        cloud=(0.0, 0.4),
        lights=0.7,
        noise=4.0,
    ),
    'drizzle': dict(
        elevation=(82, 89),
        azimuth=(170, 190),
        sun=0.25,
        sky=0.8,
        haze=(170, 225),
        tint=(0.9, 1.0, 1.08),
        zenith=(0.30, 0.33, 0.38),
        horizon=(0.46, 0.50, 0.54),
        cloud=(0.5, 0.9),
        lights=0.35,
        noise=1.6,
    ),
    'mist': dict(
        elevation=(10, 20),
        azimuth=(170, 190),
        sun=0.4,
        sky=1.1,
        haze=(45, 58),
        tint=(1.0, 0.97, 0.92),
        zenith=(0.58, 0.58, 0.60),
        horizon=(0.70, 0.69, 0.68),
        cloud=(0.0, 0.1),
        lights=0.2,
        noise=1.3,
    ),
}
WEATHER = {'student': _STUDENT_WEATHER, 'teacher': _TEACHER_WEATHER, 'elsewhere': _ELSEWHERE_WEATHER}
_BANDS = {'student': _STUDENT, 'teacher': _TEACHER, 'elsewhere': _ELSEWHERE}


def _hsv(h, s, v):
    return np.array(colorsys.hsv_to_rgb(h % 1, s, v))


class Palette:
    """Colours of one scene, linear RGB in 0..1."""

    def __init__(self, rng, preset):
        self._bands = bands = _BANDS[preset]
        grey = rng.uniform(*bands['road'])
        self.road = grey * np.array([1.0, rng.uniform(0.96, 1.02), rng.uniform(0.92, 1.06)])
        self.marks = np.array(bands['marks']) if rng.random() < 0.5 else np.array([0.72, 0.72, 0.7])
        self.kerb = np.full(3, rng.uniform(0.3, 0.5))
        self.paving = _hsv(rng.uniform(0.03, 0.12), rng.uniform(0.02, 0.2), rng.uniform(0.24, 0.45))
        self.plot = self.paving * rng.uniform(0.7, 1.1)
        self.slab = np.array([*(rng.uniform(*span) for span in bands['slab']), 0, 0])
        self.grass = _hsv(rng.uniform(*bands['grass']), rng.uniform(0.5, 0.75), rng.uniform(0.14, 0.26))
        self.soil = _hsv(rng.uniform(0.09, 0.17), rng.uniform(0.35, 0.6), rng.uniform(0.16, 0.3))
        self.scale = float(rng.uniform(*bands['scale']))

    def wall(self, rng):
        """Colour of a building's wall."""
        band = self._bands['wall'][rng.integers(len(self._bands['wall']))]
        return _hsv(
            rng.uniform(*band), rng.uniform(*self._bands['wall_saturation']), rng.uniform(*self._bands['wall_value'])
        )

    def trim(self, rng):
        """Colour of window frames, ledges and balconies."""
        return np.full(3, rng.choice([rng.uniform(0.5, 0.75), rng.uniform(0.12, 0.3)]))

    def roof(self, rng):
        """Colour of a pitched roof."""
        return _hsv(rng.uniform(*self._bands['roof']), rng.uniform(0.1, 0.6), rng.uniform(0.12, 0.35))

    def leaf(self, rng):
        """Colour of foliage."""
        return _hsv(rng.uniform(*self._bands['leaf']), rng.uniform(0.5, 0.8), rng.uniform(0.10, 0.26))

    def paint(self, rng):
        """Colour of a vehicle."""
        if rng.random() < 0.7:
            return np.full(3, rng.choice([0.02, 0.06, 0.16, 0.35, 0.6, 0.75])) * rng.uniform(0.9, 1.1, 3)
        return _hsv(rng.choice([0.0, 0.02, 0.1, 0.35, 0.6, 0.63]), rng.uniform(0.6, 0.95), rng.uniform(0.12, 0.5))

    def sign(self, rng):
        """Colour of a sign, an awning or a door."""
        return _hsv(rng.choice([0.0, 0.12, 0.38, 0.6]), rng.uniform(0.6, 0.95), rng.uniform(0.25, 0.6))

    def cloth(self, rng):
        """Colour of clothes."""
        return _hsv(rng.random(), rng.uniform(0.0, 0.7), rng.uniform(0.04, 0.6))


@dataclass
class Look:
    """Light, air and sensor of one scene.

    Args:
        name: the weather's name.
        palette: colours of things.
        sun: (3,) unit vector towards the sun, in the world.
        sun_light, sky_light: (3,) strengths.
        zenith, horizon: (3,) colours of the sky.
        haze: metres at which a surface has lost 63 % of its contrast.
        cloud, lights: cover of clouds and share of lit windows, 0..1.
        exposure, noise, vignette: of the cameras.
    """

    name: str
    palette: Palette
    sun: np.ndarray
    sun_light: np.ndarray
    sky_light: np.ndarray
    zenith: np.ndarray
    horizon: np.ndarray
    haze: float
    cloud: float
    lights: float
    exposure: float
    noise: float
    vignette: float


def draw_look(rng, preset, name):
    """Draw the look of a scene of a preset in a weather of ``WEATHER[preset]``."""
    w = WEATHER[preset][name]
    elevation, azimuth = np.radians(rng.uniform(*w['elevation'])), np.radians(rng.uniform(*w['azimuth']))
    sun = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    zenith, horizon = (np.array(w[k]) * rng.uniform(0.92, 1.08) for k in ('zenith', 'horizon'))
    strength = rng.uniform(0.85, 1.15)
    return Look(
        name,
        Palette(rng, preset),
        sun,
        w['sun'] * strength * np.array(w['tint']),
        w['sky'] * (0.5 * zenith + 0.5 * horizon) / np.mean(horizon),
        zenith,
        horizon,
        float(rng.uniform(*w['haze'])),
        float(rng.uniform(*w['cloud'])),
        w['lights'],
        float(rng.uniform(0.85, 1.2)),
        float(rng.uniform(0.006, 0.016)) * w.get('noise', 1.0),
        float(rng.uniform(0.1, 0.3)),
    )
