"""Ways to damage bytes, trees (json, infos), clouds and masks: each function takes a generator and what it damages.

Left out on purpose is what no reader can tell from a good file: small changes of a number, zeros in raw float32, flipped
bits in a pickle, a frame less in a list.
"""

import copy
import io
import os

import numpy as np
import pytest
from PIL import Image

#: Where seeds begin: FSMDE_ATTACK_SEED=1000 makes other cases of the same kinds.
FIRST_SEED = int(os.environ.get('FSMDE_ATTACK_SEED', 0))


def seeded(mutations, count):
    """Parameters (mutation, seed) of tests, with readable names."""
    seeds = range(FIRST_SEED, FIRST_SEED + count)
    return [pytest.param(mutate, seed, id=f'{mutate.__name__}-{seed}') for mutate in mutations for seed in seeds]


# --- bytes of any file


def flip_bit(rng, content):
    content = bytearray(content)
    content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    return bytes(content)


def flip_bits(rng, content):
    for _ in range(20):
        content = flip_bit(rng, content)
    return content


def flip_header_bit(rng, content):
    return flip_bit(rng, content[:40]) + content[40:]


def cut(rng, content):
    return content[: rng.integers(1, len(content))]


def cut_end(rng, content):
    return content[: -rng.integers(1, 12)]


def empty(rng, content):
    return b''


def pad(rng, content):
    return content + bytes(int(rng.integers(1, 100)))


def zero_range(rng, content):
    start = rng.integers(len(content))
    count = min(len(content) - start, rng.integers(1, 600))
    return content[:start] + bytes(int(count)) + content[start + count :]


def zero_end(rng, content):
    return content[: len(content) // 2] + bytes(len(content) - len(content) // 2)


def zero_all(rng, content):
    return bytes(len(content))


def repeat_range(rng, content):
    start, stop = sorted(rng.integers(0, len(content), 2))
    return content[:stop] + content[start:]


def text_instead(rng, content):
    return b'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 12345\n'


BYTES = [cut, cut_end, empty, zero_all, text_instead]
CHECKED = [*BYTES, flip_bit, flip_bits, flip_header_bit, zero_range, zero_end, repeat_range, pad]


# --- trees of dicts and lists


def places(tree, wanted, path=()):
    """Paths of all values in a tree for which ``wanted(path, value)``."""
    found = [path] if path and wanted(path, tree) else []
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        found += places(value, wanted, (*path, key))
    return found


def parent(tree, path):
    for key in path[:-1]:
        tree = tree[key]
    return tree


def is_number(path, value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_anything(path, value):
    return True


def in_dict(path, value):
    return isinstance(path[-1], str)


def in_list(path, value):
    return isinstance(path[-1], int)


def replacing(name, wanted, change):
    """A mutation of a tree that changes one value, none whose path ``skip`` is true of; returns the new tree."""

    def mutate(rng, tree, skip):
        tree = copy.deepcopy(tree)
        found = [path for path in places(tree, wanted) if not skip(path)]
        if not found:
            return tree
        path = found[rng.integers(len(found))]
        owner = parent(tree, path)
        change(owner, path[-1])
        return tree

    mutate.__name__ = name
    return mutate


def setting(value):
    def change(owner, key):
        owner[key] = copy.deepcopy(value)

    return change


def multiply(factor):
    def change(owner, key):
        owner[key] = owner[key] * factor

    return change


def remove(owner, key):
    del owner[key]


def rename(owner, key):
    owner[f'{key}_'] = owner.pop(key)


def duplicate(owner, key):
    owner.insert(key, copy.deepcopy(owner[key]))


NUMBERS = [
    replacing('nan', is_number, setting(float('nan'))),
    replacing('infinite', is_number, setting(float('inf'))),
    replacing('a_word', is_number, setting('abc')),
    replacing('null', is_number, setting(None)),
    replacing('a_list', is_number, setting([1.0, 2.0])),
    replacing('times_1000', is_number, multiply(1000)),
    replacing('times_1e30', is_number, multiply(1e30)),
]
STRUCTURE = [
    replacing('dropped', in_dict, remove),
    replacing('renamed', in_dict, rename),
    replacing('dropped_item', in_list, remove),
    replacing('duplicated_item', in_list, duplicate),
    replacing('null_anywhere', is_anything, setting(None)),
    replacing('empty_dict', is_anything, setting({})),
    replacing('empty_list', is_anything, setting([])),
    replacing('a_word_anywhere', is_anything, setting('abc')),
    replacing('a_number_anywhere', is_anything, setting(1e7)),
    replacing('true_anywhere', is_anything, setting(True)),
]


# --- clouds: (P, D) float, x, y, z first


def with_nan_share(points):
    points = points.copy()
    points[::3] = np.nan
    return points


CLOUDS = {
    'transposed': lambda points: points.T,
    'flat': lambda points: points.ravel(),
    'batched': lambda points: points[None],
    'two columns': lambda points: points[:, :2],
    'no point': lambda points: points[:0],
    'all NaN': lambda points: points * np.nan,
    'all infinite': lambda points: points + np.inf,
    'all zero': lambda points: points * 0,
    'millimetres': lambda points: points * 1000,
    'huge': lambda points: points * 1e18,
    'complex': lambda points: points.astype(complex),
    'words': lambda points: points.astype(str),
    'objects': lambda points: points.astype(object),
    'bool': lambda points: points > 0,
}
RAW_CLOUDS = {
    **{name: CLOUDS[name] for name in ('no point', 'all NaN', 'all infinite', 'millimetres', 'huge')},
    'transposed': lambda points: points.T,
    'float64': lambda points: points.astype(np.float64),
    'float16': lambda points: points.astype(np.float16),
    'int32': lambda points: points.astype(np.int32),
    '3 columns': lambda points: points[:, :3],
    '4 columns': lambda points: points[:, :4],
    '6 columns': lambda points: np.concatenate([points, points[:, :1]], 1),
}


# --- masks: (H, W) uint8 of 0 and 255


def png(image, **options):
    file = io.BytesIO()
    image.save(file, 'png', **options)
    return file.getvalue()


def mask_palette(mask):
    image = Image.fromarray((mask > 0).astype(np.uint8), 'P')
    image.putpalette([0, 0, 0, 128, 0, 0])
    return png(image)


MASKS = {
    '0 and 1': lambda mask: png(Image.fromarray(mask // 255)),
    '0 and 128': lambda mask: png(Image.fromarray(mask // 255 * 128)),
    '16 bit': lambda mask: png(Image.fromarray(mask.astype(np.uint16) * 257)),
    'only alpha': lambda mask: png(Image.merge('LA', [Image.fromarray(mask * 0 + 255), Image.fromarray(mask)])),
    'coloured palette': mask_palette,
    'blurred': lambda mask: png(Image.fromarray(mask).resize((16, 12)).resize(mask.shape[::-1])),
    'half size': lambda mask: png(Image.fromarray(mask[::2, ::2])),
    'turned': lambda mask: png(Image.fromarray(mask.T)),
    'one bit': lambda mask: png(Image.fromarray(mask).convert('1')),
    'three channels': lambda mask: png(Image.fromarray(mask).convert('RGB')),
    'all black': lambda mask: png(Image.fromarray(mask * 0)),
}
