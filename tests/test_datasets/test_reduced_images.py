"""Loading less than all of an image, on ramps whose every value one can say."""

import cv2
import numpy as np
import pytest

from fsmde.datasets import KeepLidarPixels, LoadSurroundImages
from fsmde.datasets.transforms.formatting import stack_images
from fsmde.datasets.transforms.geometric import resize_image


def ramp(height, width):
    """(height, width, 3): x in blue, y in green."""
    v, u = np.mgrid[:height, :width]
    return np.stack([u, v, np.full_like(u, 7)], -1).astype(np.uint8)


def frame(tmp_path, suffix, size=(160, 240)):
    path = str(tmp_path / f'image{suffix}')
    cv2.imwrite(path, ramp(*size), [cv2.IMWRITE_JPEG_QUALITY, 100])
    cam2img = np.array([[[100.0, 0, size[1] / 2], [0, 100, size[0] / 2], [0, 0, 1]]])
    return dict(frame_id='0', cam_names=['FRONT'], img_path=[path], cam2img=cam2img)


def test_jpeg_is_decoded_at_a_fraction_and_the_calibration_follows(tmp_path):
    results = LoadSurroundImages(reduce_to=(40, 50))(frame(tmp_path, '.jpg'))
    assert results['img'][0].shape == (40, 60, 3) and results['visible'][0].shape == (40, 60)
    np.testing.assert_array_equal(results['ori_shape'], [[160, 240]])
    np.testing.assert_allclose(results['cam2img'][0], [[25, 0, 30], [0, 25, 20], [0, 0, 1]])
    np.testing.assert_allclose(results['ori_cam2img'][0, 0], [100, 0, 120])
    # The pixel at (x, y) shows the mean of the original's columns 4 x ... 4 x + 3.
    np.testing.assert_allclose(results['img'][0][20, 5:55, 0], 4 * np.arange(5, 55) + 1.5, atol=4)


@pytest.mark.parametrize('suffix, least', [('.png', (40, 50)), ('.jpg', (100, 50))])
def test_others_are_decoded_in_full(tmp_path, suffix, least):
    results = LoadSurroundImages(reduce_to=least)(frame(tmp_path, suffix))
    assert results['img'][0].shape == (160, 240, 3)
    np.testing.assert_allclose(results['cam2img'][0, 0], [100, 0, 120])


def test_lidar_pixels_need_the_original_size(tmp_path):
    results = LoadSurroundImages(reduce_to=(40, 50))(frame(tmp_path, '.jpg'))
    results.update(lidar_points=np.array([[0, 0, 5.0]]), lidar2cam=np.eye(4)[None], rounding='floor')
    with pytest.raises(ValueError, match='without reduce_to'):
        KeepLidarPixels()(results)


@pytest.mark.parametrize('size, factor', [((24, 30), 4), ((32, 40), 3), ((96, 120), 1), ((192, 240), 0.5)])
def test_resizing_keeps_pixel_centres(size, factor):
    resized = resize_image(ramp(96, 120), *size)
    assert resized.shape == (*size, 3)
    inner = np.arange(2, size[1] - 2)
    np.testing.assert_allclose(resized[size[0] // 2, inner, 0], (inner + 0.5) * factor - 0.5, atol=1)


def test_resizing_does_not_alias():
    stripes = np.zeros((90, 120, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(resize_image(stripes, 30, 40).astype(int) - 127).max() <= 1


def test_stacking_transposes():
    images = [ramp(4, 6), 2 * ramp(4, 6)]
    np.testing.assert_array_equal(stack_images(images).numpy(), np.stack(images).transpose(0, 3, 1, 2))
