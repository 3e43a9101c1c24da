import cv2
import numpy as np
import pytest

from fsmde.apis.matching import match_times
from fsmde.apis.sources import FrameList, ImageFolders, Videos, open_source
from fsmde.apis.sources.image_folders import time_of


def write_images(root, names, size=(16, 24)):
    """Images whose blue value is their number, by camera."""
    for camera, stems in names.items():
        (root / camera).mkdir(parents=True)
        for number, stem in enumerate(stems):
            cv2.imwrite(str(root / camera / f'{stem}.png'), np.full((*size, 3), [number, 0, 0], np.uint8))
    return root


def numbers_of(source):
    return [{camera: int(frame.read(camera)[0, 0, 0]) for camera in frame.images} for frame in source]


def test_nearest_in_time_within_a_tolerance():
    # By hand: 5 Hz beside 10 Hz; 100 is as far from 80 as from 120, and the earlier is taken.
    times = dict(A=[0, 100, 200, 300], B=[80, 120, 290])
    assert match_times(times, 20) == [{'A': 0}, {'A': 1, 'B': 0}, {'A': 2}, {'A': 3, 'B': 2}]
    assert match_times(times, 90)[0] == {'A': 0, 'B': 0}
    assert match_times(times, 20, clock='B') == [{'A': 1, 'B': 0}, {'A': 1, 'B': 1}, {'A': 3, 'B': 2}]
    # In any order, and at times whose nanoseconds no float64 tells apart.
    now = 1_700_000_000_000_000_000
    assert match_times(dict(A=[now + 3, now], B=[now + 1]), 1) == [{'A': 1, 'B': 0}, {'A': 0}]
    with pytest.raises(ValueError, match='camera A: two images have the time 5'):
        match_times(dict(A=[5, 5]), 1)
    with pytest.raises(ValueError, match='no camera'):
        match_times(dict(A=[], B=[]), 1)


def test_folders_by_name(tmp_path):
    source = ImageFolders(write_images(tmp_path, dict(LEFT=['2', '10', '1'], FRONT=['1', '2', '10', '11'])))
    # Natural order; the images were numbered as they were written.
    assert [frame.name for frame in source] == ['1', '2', '10', '11'] and len(source) == 4
    assert numbers_of(source) == [
        {'FRONT': 0, 'LEFT': 2},
        {'FRONT': 1, 'LEFT': 0},
        {'FRONT': 2, 'LEFT': 1},
        {'FRONT': 3},
    ]
    assert [frame.missing for frame in source] == [(), (), (), ('LEFT',)]


def test_folders_by_time(tmp_path):
    # Seconds with a fraction beside nanoseconds; LEFT at half the rate, and 7 ms late.
    front = [f'1700000000.{i}00' for i in range(4)]
    left = [str(1_700_000_000_007_000_000 + i * 200_000_000) for i in range(2)]
    root = write_images(tmp_path, dict(FRONT=front, LEFT=left))
    source = open_source(root, tolerance=0.02)
    assert numbers_of(source) == [{'FRONT': 0, 'LEFT': 0}, {'FRONT': 1}, {'FRONT': 2, 'LEFT': 1}, {'FRONT': 3}]
    frames = list(source)
    assert frames[1].missing == ('LEFT',) and frames[1].time == 1_700_000_000_100_000_000
    assert frames[2].times == dict(FRONT=1_700_000_000_200_000_000, LEFT=1_700_000_000_207_000_000)
    with pytest.raises(ValueError, match='no two cameras .* give a tolerance'):
        open_source(root)
    with pytest.raises(ValueError, match="no images of the clock 'REAR'"):
        open_source(root, tolerance=0.02, clock='REAR')


@pytest.mark.parametrize(
    'name, nanoseconds',
    [
        ('1700000000', 1_700_000_000_000_000_000),
        ('1700000000.123456789', 1_700_000_000_123_456_789),
        ('1700000000123', 1_700_000_000_123_000_000),
        ('1700000000123456', 1_700_000_000_123_456_000),
        ('315966265259836000', None),
        ('1700000000123456789', 1_700_000_000_123_456_789),
        ('frame_12', None),
        ('12', None),
        ('1700000000.x', None),
    ],
)
def test_times_in_names(tmp_path, name, nanoseconds):
    if nanoseconds is None:
        with pytest.raises(ValueError, match='named after no time'):
            time_of(tmp_path / f'{name}.png')
    else:
        assert time_of(tmp_path / f'{name}.png') == nanoseconds


def write_video(path, count, fps):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), fps, (32, 16))
    for number in range(count):
        writer.write(np.full((16, 32, 3), 20 * number, np.uint8))
    writer.release()


def test_videos_of_two_rates(tmp_path):
    write_video(tmp_path / 'FRONT.avi', 8, 10)
    write_video(tmp_path / 'LEFT.avi', 4, 5)
    source = open_source(tmp_path)
    assert isinstance(source, Videos) and len(source) == 8 and source.cameras == ('FRONT', 'LEFT')
    for number, frame in enumerate(source):
        # Within half a period of the faster one: every second frame has no picture of the slower one.
        assert frame.missing == (() if number % 2 == 0 else ('LEFT',)) and frame.time == number * 100_000_000
        assert abs(int(frame.read('FRONT').mean()) - 20 * number) <= 2
        if number % 2 == 0:
            assert abs(int(frame.read('LEFT').mean()) - 10 * number) <= 2
    assert {frame.missing for frame in open_source(tmp_path, tolerance=0.1)} == {()}
    (tmp_path / 'REAR.mp4').write_bytes(b'no video')
    with pytest.raises(ValueError, match='REAR.mp4 is no video'):
        open_source(tmp_path)


def test_one_frame_in_a_folder_and_one_image(tmp_path):
    write_images(tmp_path, {'at_noon': ['FRONT', 'LEFT']})
    (frame,) = open_source(tmp_path / 'at_noon')
    assert frame.name == 'at_noon' and list(frame.images) == ['FRONT', 'LEFT']
    (frame,) = open_source(tmp_path / 'at_noon/LEFT.png')
    assert list(frame.images) == ['LEFT'] and frame.read('LEFT')[0, 0, 0] == 1


def test_what_is_no_source_is_said(tmp_path):
    with pytest.raises(ValueError, match='holds no folder with images'):
        open_source(tmp_path)
    with pytest.raises(FileNotFoundError, match='neither an image nor a recording nor a folder'):
        open_source(tmp_path / 'nothing')
    with pytest.raises(ValueError, match='the list of frames is empty'):
        FrameList([])
    with pytest.raises(ValueError, match='frame 000000 has no image'):
        FrameList([{}])
    root = write_images(tmp_path / 'twice', dict(FRONT=['1']))
    (root / 'FRONT/1.jpg').write_bytes(b'')
    with pytest.raises(ValueError, match='FRONT has two images of one name'):
        open_source(root)
