"""What a graph is given, against what it takes."""

import numpy as np


def check_inputs(path, expected: dict, values) -> list:
    """Arrays in the order of a graph's inputs, if they are what it takes: OpenVINO casts others without a word.

    Args:
        path: The graph, for the error.
        expected: {input: (dtype, shape)}; sides that are no numbers may have any size.
        values: An array for each input.

    Raises:
        ValueError: If there are more or fewer, or one is of another type or shape; names graph and input.
    """
    values = [np.asarray(value) for value in values]
    if len(values) != len(expected):
        raise ValueError(f'{path} takes {" and ".join(expected)}, found {len(values)} of these {len(expected)} arrays')
    for (name, (dtype, shape)), value in zip(expected.items(), values):
        fits = value.ndim == len(shape) and all(
            side == found for side, found in zip(shape, value.shape) if isinstance(side, int)
        )
        if value.dtype != dtype or not fits:
            raise ValueError(
                f'{path}: {name} must be {np.dtype(dtype)} of ({", ".join(map(str, shape))}), found {value.dtype} of '
                f'{value.shape}'
            )
    return values
