"""Image files: the decoders agree, damage is named, nothing is turned, nothing huge is allocated."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from fsmde import image_files
from fsmde.image_files import image_size, load_image, load_reduced_image


@pytest.fixture(params=['opencv', 'kornia-rs'])
def decoder(request, monkeypatch):
    if request.param == 'opencv':
        monkeypatch.setattr(image_files, 'decode_png', None)
    elif image_files.decode_png is None:
        pytest.skip('kornia-rs is not installed')


def picture(height=120, width=160, seed=0):
    """(height, width, 3) uint8 with detail in every block, as photographs have."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.integers(0, 256, (6, 8, 3)).astype(np.float32), (width, height))
    return (coarse + rng.normal(0, 12, coarse.shape)).clip(0, 255).astype(np.uint8)


def encoded(image, suffix, **options):
    """Bytes of an image file, written by Pillow."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image[..., ::-1])).save(file, suffix, **options)
    return file.getvalue()


@pytest.mark.parametrize('kind', ['colour', 'grey', 'transparent'])
def test_pngs_of_every_kind(tmp_path, decoder, kind):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    written = image
    if kind == 'grey':
        written = image[..., 0]
        image = np.repeat(image[..., :1], 3, 2)
    elif kind == 'transparent':
        written = np.dstack([image, image[..., 0]])
    path = str(tmp_path / 'image.png')
    cv2.imwrite(path, written)
    loaded = load_image(path)
    np.testing.assert_array_equal(loaded, image)
    assert loaded.flags.c_contiguous and loaded.dtype == np.uint8
    assert image_size(path) == (20, 30)


@pytest.mark.parametrize('suffix', ['png', 'tiff'])
def test_images_of_more_than_8_bits_are_refused(tmp_path, decoder, suffix):
    """A sensor's 12 bits in 16 would be nearly black; depth, which is read unchanged, has them."""
    path, image = str(tmp_path / f'image.{suffix}'), np.full((20, 30, 3), 4095, np.uint16)
    for written in (image, image[..., 0]):
        cv2.imwrite(path, written)
        for read in (load_image, lambda path: load_reduced_image(path, (10, 15))):
            with pytest.raises(
                ValueError, match=f'image.{suffix} has uint16 values, expected 8 bits a channel: convert'
            ):
                read(path)
        np.testing.assert_array_equal(load_image(path, cv2.IMREAD_UNCHANGED), written)


@pytest.mark.parametrize('size', [(120, 160), (121, 163)])
@pytest.mark.parametrize('options', [dict(subsampling=0), dict(subsampling=2), dict(progressive=True)])
def test_jpegs_are_those_of_opencv_at_every_size(tmp_path, size, options):
    path = tmp_path / 'image.jpg'
    path.write_bytes(encoded(picture(*size), 'jpeg', quality=90, **options))
    np.testing.assert_array_equal(load_image(str(path)), cv2.imread(str(path)))
    for factor in (2, 4, 8):
        image, found, full = load_reduced_image(str(path), (size[0] // factor, size[1] // factor))
        assert (found, full) == (factor, size)
        np.testing.assert_array_equal(image, cv2.imread(str(path), getattr(cv2, f'IMREAD_REDUCED_COLOR_{factor}')))


def test_grey_jpegs_and_other_formats(tmp_path):
    image = picture()
    for suffix in ('jpg', 'bmp', 'tiff', 'webp'):
        path = str(tmp_path / f'image.{suffix}')
        cv2.imwrite(path, image[..., 0])
        np.testing.assert_array_equal(load_image(path), cv2.imread(path))
        assert image_size(path) == (120, 160)


def test_real_frames_are_the_same_by_all_decoders(sample_data, tmp_path, decoder):
    path = str(next(sample_data.glob('ddad_sample/*/rgb/CAMERA_01/*')))
    image = load_image(path)
    np.testing.assert_array_equal(image, cv2.imread(path))
    cv2.imwrite(str(tmp_path / 'image.png'), image)
    np.testing.assert_array_equal(load_image(str(tmp_path / 'image.png')), image)


@pytest.mark.parametrize('least', [(120, 160), (30, 40)])
def test_jpegs_may_be_padded_and_must_not_be_damaged(tmp_path, least):
    """As of a disk or a camera: zeros behind the end, before it, in the middle; half a file."""
    path, whole = tmp_path / 'image.jpg', encoded(picture(), 'jpeg', quality=90)
    path.write_bytes(whole)
    expected = load_reduced_image(str(path), least)[0]
    middle = len(whole) // 2
    for padded in (whole + bytes(63), whole + bytes(5000), whole + b'\xff' * 9, whole[:-2] + bytes(5) + whole[-2:]):
        path.write_bytes(padded)
        np.testing.assert_array_equal(load_reduced_image(str(path), least)[0], expected)
    for damaged in (
        whole[:middle],
        whole[:-2],
        whole[:middle] + bytes(len(whole) - middle),
        whole[:-2] + bytes(2),
        whole[:-2] + b'pixels' + whole[-2:],
        whole[:middle] + bytes(2048) + whole[middle + 2048 :],
    ):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match='image.jpg is cut, damaged .*(Premature end|Corrupt JPEG data)'):
            load_reduced_image(str(path), least)


def test_two_zeroed_kilobytes_in_a_real_jpeg(sample_data, tmp_path):
    content = next(sample_data.glob('ddad_sample/*/rgb/CAMERA_01/*')).read_bytes()
    for share in np.linspace(0.05, 0.95, 10):
        at = int(share * len(content))
        (tmp_path / 'image.jpg').write_bytes(content[:at] + bytes(2048) + content[at + 2048 :])
        with pytest.raises(ValueError, match='image.jpg is cut, damaged'):
            load_image(str(tmp_path / 'image.jpg'))


def test_every_bit_of_a_png_is_looked_at(tmp_path, decoder):
    """Checksums cover all but the lengths of its chunks, and those lead to where no chunk is."""
    path, whole = tmp_path / 'image.png', encoded(picture(8, 10), 'png')
    for byte in range(8, len(whole)):
        damaged = bytearray(whole)
        damaged[byte] ^= 1 << byte % 8
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match='image.png is (cut or )?damaged'):
            load_image(str(path))
    for length in (0, 4, 20, 40, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match='image.png is '):
            load_image(str(path))
    path.write_bytes(whole + bytes(100))
    np.testing.assert_array_equal(load_image(str(path)), picture(8, 10))


def png_of_size(content, width, height):
    """The same PNG with another size in its header, checksum and all."""
    header = content[12:16] + struct.pack('>II', width, height) + content[24:29]
    return content[:12] + header + struct.pack('>I', zlib.crc32(header)) + content[33:]


@pytest.mark.parametrize('width, height', [(2**31 - 1, 48), (64, 2**24), (8001, 8000)])
def test_what_claims_too_many_pixels_is_not_decoded(tmp_path, decoder, width, height):
    path = tmp_path / 'image.png'
    path.write_bytes(png_of_size(encoded(picture(), 'png'), width, height))
    for read in (load_image, image_size):
        with pytest.raises(ValueError, match=f'image.png claims {height} x {width} pixels, at most 64000000'):
            read(str(path))


@pytest.mark.parametrize('width, height', [(161, 120), (159, 120), (0, 120), (160, 121)])
def test_a_png_of_another_size_than_its_header(tmp_path, decoder, width, height):
    path = tmp_path / 'image.png'
    path.write_bytes(png_of_size(encoded(picture(), 'png'), width, height))
    with pytest.raises(ValueError, match='image.png is no image that'):
        load_image(str(path))


def test_a_jpeg_that_claims_too_many_pixels(tmp_path):
    content = encoded(picture(), 'jpeg')
    at = content.index(b'\xff\xc0') + 5
    (tmp_path / 'image.jpg').write_bytes(content[:at] + struct.pack('>HH', 9000, 9000) + content[at + 4 :])
    with pytest.raises(ValueError, match='image.jpg claims 9000 x 9000 pixels'):
        load_image(str(tmp_path / 'image.jpg'))


def test_a_panic_of_the_png_decoder_is_an_error_with_the_file(tmp_path, monkeypatch):
    PanicException = type('PanicException', (BaseException,), {})

    def panic(*_):
        raise PanicException('PyObject pointer is null')

    path = tmp_path / 'image.png'
    path.write_bytes(encoded(picture(), 'png'))
    monkeypatch.setattr(image_files, 'decode_png', panic)
    with pytest.raises(ValueError, match='image.png is no image that kornia-rs can decode: PyObject pointer is null'):
        load_image(str(path))

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(image_files, 'decode_png', interrupt)
    with pytest.raises(KeyboardInterrupt):
        load_image(str(path))


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags.tobytes()


@pytest.mark.parametrize('suffix', ['jpeg', 'png', 'webp', 'tiff'])
def test_images_that_exif_turns_are_refused_everywhere(tmp_path, decoder, suffix):
    """OpenCV would turn them, Pillow and libjpeg not: the calibration belongs to one of the two."""
    path, options = tmp_path / f'image.{suffix}', dict(lossless=True) if suffix == 'webp' else {}
    for orientation in range(1, 9):
        path.write_bytes(encoded(picture(), suffix, exif=exif(orientation), **options))
        for read in (load_image, image_size, lambda path: load_reduced_image(path, (30, 40))):
            if orientation == 1:
                assert read(str(path)) is not None
            else:
                with pytest.raises(ValueError, match=f'image.{suffix}: EXIF orientation is {orientation}'):
                    read(str(path))


def test_exif_behind_the_pixels_of_a_png(tmp_path):
    content = encoded(picture(), 'png')
    end, chunk = content[-12:], b'eXIf' + exif(6).removeprefix(b'Exif\0\0')
    chunk = struct.pack('>I', len(chunk) - 4) + chunk + struct.pack('>I', zlib.crc32(chunk))
    path = tmp_path / 'image.png'
    path.write_bytes(content[:-12] + chunk + end)
    with pytest.raises(ValueError, match='EXIF orientation is 6'):
        load_image(str(path))
