import struct

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


def test_a_camera_with_a_clock_of_its_own_is_named(logged):
    # By hand: B began to count 5 s before A did.
    frames = match_times(dict(A=[0, 10**8], B=[-5 * 10**9, 10**8 - 5 * 10**9]), 5 * 10**7)
    assert frames == [{'A': 0}, {'A': 1}]
    (line,) = logged
    assert line.startswith('camera B is in none of the 2 frames') and '4.900 s off' in line and '0.050 s' in line


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
        # As in DDAD: 100 ns.
        ('15616458249936530', 1_561_645_824_993_653_000),
        ('170000000\N{SUPERSCRIPT TWO}', None),
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


def write_video(path, count, fps, codec='MJPG'):
    """Pictures whose grey is 20 times their number."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, (32, 16))
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


def test_pictures_are_at_their_own_times(tmp_path, logged):
    """A phone that drops pictures, and a header that counts more than there are."""
    write_video(tmp_path / 'PHONE.mkv', 8, 10)
    write_video(tmp_path / 'STEADY.avi', 11, 10)
    path, late = tmp_path / 'PHONE.mkv', [0, 100, 200, 300, 700, 800, 900, 1000]
    content = path.read_bytes()
    for number in reversed(range(8)):
        # A block of Matroska: the track, 1, and milliseconds.
        was, now = (b'\x81' + struct.pack('>h', time) for time in (100 * number, late[number]))
        assert content.count(was) == 1
        content = content.replace(was, now)
    path.write_bytes(content)
    content, at = bytearray((tmp_path / 'STEADY.avi').read_bytes()), 8 + 32
    at += content.index(b'strh')
    content[at : at + 4] = struct.pack('<I', 20)
    (tmp_path / 'STEADY.avi').write_bytes(content)
    frames = list(open_source(tmp_path, clock='STEADY'))
    assert logged == [f'{tmp_path}/STEADY.avi states 20 pictures, 11 can be decoded']
    assert [frame.time // 1_000_000 for frame in frames] == [100 * number for number in range(11)]
    for frame in frames:
        number = frame.time // 100_000_000
        assert abs(int(frame.read('STEADY').mean()) - 20 * number) <= 2
        assert ('PHONE' in frame.images) == (100 * number in late)
        if 'PHONE' in frame.images:
            assert abs(int(frame.read('PHONE').mean()) - 20 * late.index(100 * number)) <= 2


def test_one_frame_in_a_folder_and_one_image(tmp_path):
    write_images(tmp_path, {'at_noon': ['FRONT', 'LEFT']})
    (frame,) = open_source(tmp_path / 'at_noon')
    assert frame.name == 'at_noon' and list(frame.images) == ['FRONT', 'LEFT']
    (frame,) = open_source(tmp_path / 'at_noon/LEFT.png')
    assert list(frame.images) == ['LEFT'] and frame.read('LEFT')[0, 0, 0] == 1


def test_hidden_files_are_no_images(tmp_path):
    """macOS leaves ._<name> beside what it copies; and names may have digits that are no decimals."""
    write_images(tmp_path, {'FRONT': ['1', '2\N{SUPERSCRIPT TWO}'], '.thumbnails': ['1', '9']})
    (tmp_path / 'FRONT/._1.png').write_bytes(b'')
    source = open_source(tmp_path)
    assert source.cameras == ('FRONT',) and [frame.name for frame in source] == ['1', '2\N{SUPERSCRIPT TWO}']
    (tmp_path / 'FRONT/._1.mp4').write_bytes(b'')
    assert list(open_source(tmp_path / 'FRONT'))[0].images.keys() == {'1', '2\N{SUPERSCRIPT TWO}'}


def test_a_folder_of_one_cameras_recording_is_no_frame(tmp_path):
    write_images(tmp_path, {'32': map(str, range(32)), '33': map(str, range(33))}, size=(2, 2))
    assert len(open_source(tmp_path / '32').cameras) == 32
    with pytest.raises(ValueError, match='33 holds 33 images, .* into .*/33/<camera>/'):
        open_source(tmp_path / '33')


@pytest.mark.parametrize('tolerance', [-1.0, float('nan'), float('inf')])
def test_a_tolerance_that_is_no_time(tmp_path, tolerance):
    with pytest.raises(ValueError, match='tolerance must be seconds, not negative, found'):
        open_source(write_images(tmp_path, dict(FRONT=['1', '2'])), tolerance=tolerance)


def test_images_beside_folders_of_cameras_are_no_frame(tmp_path):
    root = write_images(tmp_path, dict(FRONT=['1'], LEFT=['1']))
    (root / 'preview.png').write_bytes((root / 'FRONT/1.png').read_bytes())
    with pytest.raises(ValueError, match='images, such as preview.png, and folders with images, such as FRONT'):
        open_source(root)
    (root / 'preview.png').unlink()
    write_video(root / 'preview.avi', 2, 10)
    with pytest.raises(ValueError, match='folders with images, such as FRONT, and videos, such as preview.avi'):
        open_source(root)


def test_two_files_of_one_camera_are_refused(tmp_path):
    write_images(tmp_path, dict(noon=['FRONT', 'LEFT']))
    (tmp_path / 'noon/LEFT.jpg').write_bytes(b'')
    with pytest.raises(ValueError, match='noon: camera LEFT has two files, LEFT.jpg and LEFT.png: keep one'):
        open_source(tmp_path / 'noon')
    (tmp_path / 'drive').mkdir()
    for name in ('FRONT.avi', 'FRONT.mkv'):
        write_video(tmp_path / 'drive' / name, 2, 10)
    with pytest.raises(ValueError, match='drive: camera FRONT has two files, FRONT.avi and FRONT.mkv'):
        open_source(tmp_path / 'drive')


@pytest.mark.parametrize('turned, cosine, sine', [(180, -1, 0), (90, 0, 1)])
def test_a_video_that_states_a_turn_is_refused(tmp_path, turned, cosine, sine):
    """As a phone writes it that is held upside down: pixels as they come, and in the track's header the matrix."""
    path, one = tmp_path / 'FRONT.mp4', 1 << 16
    write_video(path, 2, 10, 'mp4v')
    content = bytearray(path.read_bytes())
    assert len(open_source(tmp_path)) == 2
    # ISO 14496-12, tkhd version 0: 40 bytes and the box's name are before the matrix.
    at = content.index(b'tkhd') + 4 + 40
    assert struct.unpack_from('>5i', content, at) == (one, 0, 0, 0, one)
    struct.pack_into('>5i', content, at, cosine * one, sine * one, 0, -sine * one, cosine * one)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f'FRONT.mp4 states .* turned by {turned} degrees'):
        open_source(tmp_path)


def test_options_that_an_input_does_not_take_are_refused(tmp_path):
    root = write_images(tmp_path, {'FRONT': ['1', '2'], 'LEFT': ['1', '2']})
    image = root / 'FRONT/1.png'
    inputs = (tmp_path / 'config.py', image, root / 'FRONT', {'FRONT': image}, FrameList({'FRONT': image}))
    for what in inputs:
        for option, value in (('tolerance', 0.1), ('clock', 'FRONT'), ('topics', {}), ('ego_frame', '')):
            with pytest.raises(ValueError, match=f'{option} is an option of (folders|recordings)'):
                open_source(what, **{option: value})
    for what in (root, *inputs[1:]):
        with pytest.raises(ValueError, match='data_root is an option of configs'):
            open_source(what, data_root='data')
    with pytest.raises(ValueError, match="images go by name, not by the clock 'LEFT': give a tolerance"):
        open_source(root, clock='LEFT')


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
