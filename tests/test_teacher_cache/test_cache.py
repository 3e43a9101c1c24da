"""What a cache holds, and what it refuses to hand out."""

import numpy as np
import pytest

from fsmde.array_files import read_npz
from fsmde.teacher_cache import TeacherCache


@pytest.fixture
def one_answer(tmp_path):
    views = [np.full((20, 32, 3), 50 * n, np.uint8) for n in range(2)]
    cam2img = np.tile(np.diag([30.0, 30, 1]), (2, 1, 1))
    depth = np.array([[[1.0, np.nan]], [[3.0, 4.0]]], np.float32)
    cache = TeacherCache(tmp_path)
    cache.write('scene/7', views, cam2img, depth)
    return cache, views, cam2img, depth


def test_round_trip(one_answer):
    cache, views, cam2img, depth = one_answer
    found, features = cache.read('scene/7', views, cam2img)
    np.testing.assert_array_equal(found, depth.astype(np.float16))
    assert features is None


@pytest.mark.parametrize(
    'change, message',
    [
        (lambda views, cam2img: ([v[:, :16] for v in views], cam2img), r'shown \[\[20, 32\], \[20, 32\]\] pixels'),
        (lambda views, cam2img: (views[::-1], cam2img), 'the images differ'),
        (lambda views, cam2img: (views, cam2img * 1.1), 'the intrinsics differ'),
    ],
)
def test_what_the_teacher_did_not_see_is_stale(one_answer, change, message):
    cache, views, cam2img, _ = one_answer
    with pytest.raises(ValueError, match=message):
        cache.read('scene/7', *change(views, cam2img))


def test_broken_and_absent_files_are_named(one_answer):
    cache, views, cam2img, _ = one_answer
    with pytest.raises(FileNotFoundError, match='scene/8 is not in the teacher cache'):
        cache.read('scene/8', views, cam2img)
    cache.path('scene/7').rename(cache.path('scene/8'))
    with pytest.raises(ValueError, match='it is of frame scene/7'):
        cache.read('scene/8', views, cam2img)
    content = cache.path('scene/8').read_bytes()
    cache.path('scene/8').write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match='cannot be read as .npz.*remove it and run'):
        cache.read('scene/8', views, cam2img)
    with pytest.raises(ValueError, match='float16 ends at 65504'):
        cache.write('scene/9', views, cam2img, np.full((2, 1, 1), 1e5, np.float32))


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(depth=None), r"expected depth of shape \(2, '\*', '\*'\), found none"),
        (dict(depth=np.ones((3, 1, 2), np.float16)), r'expected depth .*found float16 \(3, 1, 2\)'),
        (dict(depth=np.ones((2, 1, 2), np.uint8)), r'expected depth .*found uint8'),
        (dict(features=np.ones((2, 1, 2), np.float16)), r'expected features .*found float16 \(2, 1, 2\)'),
        (dict(thumbnails=np.zeros((2, 16, 10, 3), np.uint8)), r'expected thumbnails of shape \(2, 10, 16, 3\)'),
        (dict(cam2img=np.eye(3)), r'expected cam2img of shape \(2, 3, 3\), found float64 \(3, 3\)'),
    ],
)
def test_answers_of_another_layout_are_named(one_answer, change, message):
    cache, views, cam2img, _ = one_answer
    path = cache.path('scene/7')
    content = {**read_npz(path), **change}
    np.savez(path, **{name: array for name, array in content.items() if array is not None})
    with pytest.raises(ValueError, match=f'7.npz: {message}.*remove it and run'):
        cache.read('scene/7', views, cam2img)
