"""PNGs by either decoder, and masks that take no memory."""

import cv2
import numpy as np
import pytest

from fsmde.datasets.transforms import image_files
from fsmde.datasets.transforms.image_files import all_visible, load_image, resize_visible


@pytest.fixture(params=['opencv', 'kornia-rs'])
def decoder(request, monkeypatch):
    if request.param == 'opencv':
        monkeypatch.setattr(image_files, 'decode_png', None)
    elif image_files.decode_png is None:
        pytest.skip('kornia-rs is not installed')


@pytest.mark.parametrize('kind', ['colour', 'grey', '16 bit', 'transparent'])
def test_pngs_of_every_kind(tmp_path, decoder, kind):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    written = image
    if kind == 'grey':
        written = image[..., 0]
        image = np.repeat(image[..., :1], 3, 2)
    elif kind == '16 bit':
        written = image.astype(np.uint16) * 257
    elif kind == 'transparent':
        written = np.dstack([image, image[..., 0]])
    path = str(tmp_path / 'image.png')
    cv2.imwrite(path, written)
    loaded = load_image(path)
    np.testing.assert_array_equal(loaded, image)
    assert loaded.flags.c_contiguous and loaded.dtype == np.uint8


def test_a_png_that_is_damaged_is_named(tmp_path, monkeypatch):
    if image_files.decode_png is None:
        pytest.skip('kornia-rs is not installed')
    path = tmp_path / 'image.png'
    cv2.imwrite(str(path), np.zeros((20, 30, 3), np.uint8))
    content = bytearray(path.read_bytes())
    content[50] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match='image.png is no image that kornia-rs can decode'):
        load_image(str(path))


def test_real_frames_are_the_same_by_both_decoders(sample_data, tmp_path, monkeypatch):
    if image_files.decode_png is None:
        pytest.skip('kornia-rs is not installed')
    image = load_image(str(next(sample_data.glob('ddad_sample/*/rgb/CAMERA_01/*'))))
    cv2.imwrite(str(tmp_path / 'image.png'), image)
    np.testing.assert_array_equal(load_image(str(tmp_path / 'image.png')), image)


def test_masks_that_are_true_everywhere_take_no_memory():
    mask = resize_visible(all_visible((1216, 1936)), 384, 640)
    assert mask.shape == (384, 640) and mask.dtype == bool and mask.all() and mask.strides == (0, 0)
    half = np.arange(8)[:, None] < np.full((1, 6), 4)
    np.testing.assert_array_equal(resize_visible(half, 4, 3)[:, 0], [True, True, False, False])
    np.testing.assert_array_equal(resize_visible(half[::-1], 4, 3)[:, 0], [False, False, True, True])
