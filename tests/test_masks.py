"""Masks: black and white are read from whatever says them, everything else is refused by name."""

import logging

import cv2
import numpy as np
import pytest
from mmengine.logging import MMLogger
from PIL import Image

from fsmde.masks import all_visible, load_visible, resize_visible

SIZE = (48, 64)
# The car fills the rows from 40.
SEEN = np.arange(48)[:, None] < np.full((1, 64), 40)
WHITE = (SEEN * 255).astype(np.uint8)


def palette(colours):
    image = Image.fromarray(SEEN.astype(np.uint8), 'P')
    image.putpalette([value for colour in colours for value in colour])
    return image


def with_alpha(grey, alpha):
    return Image.merge('LA', [Image.fromarray(grey), Image.fromarray(alpha)])


FULL = np.full(SIZE, 255, np.uint8)
READ = {
    'grey': Image.fromarray(WHITE),
    'one bit': Image.fromarray(WHITE).convert('1'),
    'colour': Image.fromarray(WHITE).convert('RGB'),
    'opaque': with_alpha(WHITE, FULL),
    'palette': palette([(0, 0, 0), (255, 255, 255)]),
    'slightly grey': Image.fromarray(WHITE // 17 * 16 + 8),
}
REFUSED = {
    '0 and 1': (Image.fromarray(SEEN.astype(np.uint8)), r'its values are \[0, 1\]'),
    'only 1': (Image.fromarray(np.ones(SIZE, np.uint8)), r'its values are \[1\]'),
    '254 and 255': (Image.fromarray(WHITE // 255 + 254), r'its values are \[254, 255\]'),
    'grey': (Image.fromarray(WHITE // 2), r'its values are \[0, 127\]'),
    'one grey pixel': (Image.fromarray(np.where(np.arange(64) + SEEN == 0, 128, WHITE).astype(np.uint8)), 'are .*128'),
    'labels': (Image.fromarray(SEEN * np.arange(64, dtype=np.uint8)), 'its values are .* and more'),
    '16 bit': (Image.fromarray(WHITE.astype(np.uint16) * 257), 'the mask holds uint16'),
    '16 bit of 0 and 255': (Image.fromarray(WHITE.astype(np.uint16)), 'the mask holds uint16'),
    'only alpha': (with_alpha(FULL, WHITE), 'the mask is transparent'),
    'transparent palette': (palette([(0, 0, 0), (0, 0, 0)]), 'the mask is transparent'),
    'colours': (palette([(0, 0, 0), (128, 0, 0)]), 'the mask is coloured'),
}


@pytest.mark.parametrize('kind', READ)
def test_what_says_black_and_white_is_read(tmp_path, kind):
    READ[kind].save(tmp_path / 'mask.png')
    np.testing.assert_array_equal(load_visible(str(tmp_path / 'mask.png'), 255, SIZE), SEEN)
    np.testing.assert_array_equal(load_visible(str(tmp_path / 'mask.png'), 0, SIZE), ~SEEN)


def test_masks_as_jpeg(tmp_path):
    Image.fromarray(WHITE).save(tmp_path / 'mask.jpg', quality=95)
    np.testing.assert_array_equal(load_visible(str(tmp_path / 'mask.jpg'), 255, SIZE), SEEN)


@pytest.mark.parametrize('kind', REFUSED)
def test_anything_else_is_refused(tmp_path, kind):
    image, message = REFUSED[kind]
    options = dict(transparency=0) if kind == 'transparent palette' else {}
    image.save(tmp_path / 'mask.png', **options)
    with pytest.raises(ValueError, match=f'mask.png: .*{message}.*8-bit grey values of 0 and 255'):
        load_visible(str(tmp_path / 'mask.png'), 255, SIZE)


@pytest.mark.parametrize('value, valid', [(0, 255), (255, 0)])
def test_a_mask_that_hides_everything_is_said_once(tmp_path, value, valid, monkeypatch):
    path = str(tmp_path / 'mask.png')
    cv2.imwrite(path, np.full(SIZE, value, np.uint8))
    handler, records = logging.Handler(), []
    handler.emit = records.append
    monkeypatch.setattr(MMLogger.get_current_instance(), 'handlers', [handler])
    for _ in range(3):
        assert not load_visible(path, valid, SIZE).any()
    assert [record.getMessage() for record in records] == [
        f'{path} hides all of its image: is self_occlusion valid={valid} right for it?'
    ]


def test_masks_that_are_true_everywhere_take_no_memory():
    mask = resize_visible(all_visible((1216, 1936)), 384, 640)
    assert mask.shape == (384, 640) and mask.dtype == bool and mask.all() and mask.strides == (0, 0)
    half = np.arange(8)[:, None] < np.full((1, 6), 4)
    np.testing.assert_array_equal(resize_visible(half, 4, 3)[:, 0], [True, True, False, False])
    np.testing.assert_array_equal(resize_visible(half[::-1], 4, 3)[:, 0], [False, False, True, True])
