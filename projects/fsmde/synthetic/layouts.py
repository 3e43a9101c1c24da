"""Kinds of street, as ranges to draw from."""

from types import SimpleNamespace

import numpy as np

# Metres, metres per second, radians; (low, high) is drawn uniformly, a list is drawn from.
KINDS = {
    'narrow': dict(
        lanes=[1, 2],
        lane_width=(2.7, 3.2),
        parking=(0.0, 2.2),
        pavement=(1.0, 2.2),
        setback=(0.0, 1.5),
        storeys=(2, 5),
        gap=(0.0, 2.5),
        gap_chance=(0.1, 0.4),
        bend=(0.004, 0.011),
        grade=(0.02, 0.06),
        side_slope=(0.0, 0.08),
        parked=(0.5, 0.9),
        trees=(0.0, 0.25),
        fences=(0.1, 0.5),
        people=(4, 14),
        traffic=(14, 45),
        speed=(3, 8),
        yaw=(-0.12, 0.12),
        plots='paving',
        clutter=(0, 0),
    ),
    'suburb': dict(
        lanes=[2],
        lane_width=(2.9, 3.6),
        parking=(0.0, 2.2),
        pavement=(1.2, 2.5),
        setback=(3.0, 9.0),
        storeys=(1, 3),
        gap=(2.0, 12.0),
        gap_chance=(0.5, 1.0),
        bend=(0.003, 0.009),
        grade=(0.03, 0.07),
        side_slope=(0.05, 0.22),
        parked=(0.1, 0.5),
        trees=(0.5, 0.95),
        fences=(0.3, 0.8),
        people=(1, 6),
        traffic=(20, 60),
        speed=(6, 12),
        yaw=(-0.1, 0.1),
        plots='grass',
        clutter=(0, 3),
    ),
    'avenue': dict(
        lanes=[4, 6],
        lane_width=(3.0, 3.5),
        parking=(0.0, 2.4),
        pavement=(3.0, 6.5),
        setback=(0.0, 3.0),
        storeys=(3, 9),
        gap=(0.0, 6.0),
        gap_chance=(0.1, 0.5),
        bend=(0.0008, 0.004),
        grade=(0.01, 0.04),
        side_slope=(0.0, 0.06),
        parked=(0.2, 0.8),
        trees=(0.2, 0.9),
        fences=(0.0, 0.3),
        people=(6, 24),
        traffic=(9, 28),
        speed=(6, 14),
        yaw=(-0.12, 0.12),
        plots='paving',
        clutter=(0, 0),
    ),
    'highway': dict(
        lanes=[4, 6, 8],
        lane_width=(3.5, 3.8),
        parking=(2.5, 3.2),
        pavement=(0.0, 0.0),
        setback=(18.0, 40.0),
        storeys=(1, 8),
        gap=(5.0, 40.0),
        gap_chance=(0.8, 1.0),
        bend=(0.0006, 0.0025),
        grade=(0.015, 0.04),
        side_slope=(-0.3, 0.35),
        parked=(0.0, 0.03),
        trees=(0.1, 0.9),
        fences=(0.3, 1.0),
        people=(0, 1),
        traffic=(14, 40),
        speed=(14, 26),
        yaw=(-0.04, 0.04),
        plots='grass',
        clutter=(0, 0),
    ),
    'square': dict(
        lanes=[4, 8],
        lane_width=(3.5, 5.0),
        parking=(0.0, 2.0),
        pavement=(3.0, 10.0),
        setback=(1.0, 8.0),
        storeys=(2, 7),
        gap=(0.0, 12.0),
        gap_chance=(0.3, 0.8),
        bend=(0.001, 0.006),
        grade=(0.01, 0.04),
        side_slope=(0.0, 0.10),
        parked=(0.3, 0.8),
        trees=(0.2, 0.8),
        fences=(0.0, 0.4),
        people=(10, 30),
        traffic=(25, 70),
        speed=(2, 6),
        yaw=(-0.7, 0.7),
        plots='paving',
        clutter=(14, 45),
    ),
    'country': dict(
        lanes=[2],
        lane_width=(2.8, 3.4),
        parking=(0.0, 0.0),
        pavement=(0.0, 0.0),
        setback=(5.0, 25.0),
        storeys=(1, 2),
        gap=(20.0, 80.0),
        gap_chance=(1.0, 1.0),
        bend=(0.003, 0.010),
        grade=(0.03, 0.075),
        side_slope=(-0.18, 0.4),
        parked=(0.0, 0.05),
        trees=(0.4, 1.0),
        fences=(0.3, 0.9),
        people=(0, 2),
        traffic=(30, 110),
        speed=(9, 18),
        yaw=(-0.08, 0.08),
        plots='grass',
        clutter=(0, 4),
    ),
}


def draw_layout(rng, kind):
    """Draw one street of a kind: a namespace with the keys of ``KINDS[kind]``, plus ``kind`` and ``half_width``.

    ``half_width`` (metres) reaches from the middle of the road to the kerb; ``side_slope``, ``setback`` and
    ``pavement`` hold two values, for the left and the right side.
    """
    two_sided = ('side_slope', 'setback', 'pavement')
    values = {}
    for name, span in KINDS[kind].items():
        if isinstance(span, list):
            values[name] = int(rng.choice(span))
        elif isinstance(span, tuple):
            values[name] = rng.uniform(*span, 2) if name in two_sided else float(rng.uniform(*span))
        else:
            values[name] = span
    layout = SimpleNamespace(kind=kind, **values)
    if layout.parking < 1.6:
        layout.parking = 0.0
    layout.half_width = layout.lanes * layout.lane_width / 2 + layout.parking
    layout.dash = float(rng.choice([6.0, 9.0, 12.0])) if layout.lanes > 1 and kind != 'square' else 0.0
    layout.crossing = float(rng.uniform(45, 90)) if kind in ('narrow', 'avenue', 'suburb') else 0.0
    layout.kerb = float(rng.uniform(0.08, 0.18)) if layout.pavement.max() > 0 else 0.0
    layout.bumps = float(rng.uniform(0.008, 0.026))
    layout.bank = float(rng.uniform(0.0, 0.045))
    layout.plot_grass = layout.plots == 'grass' or rng.random() < 0.25
    return layout


def lane_centres(layout):
    """Offsets (lanes,) in metres to the left of the middle of the road, from right to left."""
    return (np.arange(layout.lanes) - (layout.lanes - 1) / 2) * layout.lane_width
