"""What numpy arrays and torch tensors have in common, so that a formula stands once."""

import numpy as np
import torch


def namespace(array):
    """The module whose functions take the array: torch or numpy."""
    return torch if isinstance(array, torch.Tensor) else np


def floats(array):
    """A torch tensor of floating point as it is, anything else as float64."""
    if isinstance(array, torch.Tensor):
        return array if array.is_floating_point() else array.double()
    return np.asarray(array, dtype=np.float64)


def horner(coefficients, x):
    """Value of a polynomial, whose coefficients are numbers and begin with the constant."""
    value = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = value * x + coefficient
    return value


def look_up(table, place):
    """Linear interpolation in a table at places in [0, len(table) - 1], of which those outside are moved to its ends."""
    xp = namespace(place)
    first = xp.clip(xp.floor(xp.where(xp.isnan(place), 0.0, place)), 0, len(table) - 2)
    share = xp.clip(place - first, 0, 1)
    if xp is torch:
        table, first = torch.as_tensor(table, dtype=place.dtype, device=place.device), first.long()
    else:
        first = first.astype(int)
    return table[first] * (1 - share) + table[first + 1] * share
