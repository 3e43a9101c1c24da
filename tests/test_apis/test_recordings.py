"""Recordings in and out; the mcap project's own libraries are the reference for both directions."""

import cv2
import numpy as np
import pytest
from processes import run_tool
from toy_recording import (
    PERIOD,
    START,
    camera_info,
    compressed_image,
    definition,
    header,
    messages_of,
    raw_image,
    transform,
    transforms_of,
    write_mcap,
)

from fsmde.apis import Frame, SurroundDepthInferencer
from fsmde.apis.ros_images import image_of
from fsmde.apis.ros_topics import distinct_tails
from fsmde.apis.sinks import McapRecording
from fsmde.apis.sources import DatasetFrames, Recording, open_source
from fsmde.datasets import DDADDataset
from fsmde.lenses import EquidistantLens, PlumbBobLens, RationalLens
from fsmde.poses import quaternion_to_matrix
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile, read_rig, write_rig
from toy_dgp import camera_quaternion

rosbag2 = pytest.importorskip('rosbags.rosbag2')
pytest.importorskip('mcap_ros2')

INFO, IMAGE, TF = 'sensor_msgs/msg/CameraInfo', 'sensor_msgs/msg/Image', 'tf2_msgs/msg/TFMessage'


@pytest.fixture(scope='module')
def rig():
    cameras = []
    for name, azimuth in dict(FRONT=0, LEFT=60, REAR=180).items():
        pinhole = RigCamera.from_field_of_view(name, (64, 48), 80)
        pose = quaternion_to_matrix([1.0, 0, 1.5], camera_quaternion(azimuth))
        cameras.append(RigCamera(name, (64, 48), pinhole.cam2img, cam2ego=pose))
    return RigFile(cameras)


@pytest.fixture(scope='module')
def images(rig):
    rng = np.random.default_rng(0)
    return [
        Frame(str(number), {name: rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for name in rig.names})
        for number in range(3)
    ]


def same_rig(found, expected):
    assert found.names == expected.names
    for name in found.names:
        np.testing.assert_allclose(found[name].cam2img, expected[name].cam2img, atol=1e-9)
        np.testing.assert_allclose(found[name].cam2ego, expected[name].cam2ego, atol=1e-9)


def test_images_calibration_and_transforms_of_a_recording(rig, images, tmp_path):
    skip = {(1, 'LEFT'), (2, 'REAR')}
    path = write_mcap(tmp_path / 'drive.mcap', messages_of(images, rig, skip))
    source = open_source(path)
    assert isinstance(source, Recording) and source.cameras == rig.names and len(source) == 3
    for number, frame in enumerate(source):
        assert frame.time == START + number * PERIOD and frame.name == str(frame.time)
        assert frame.missing == tuple(name for name in rig.names if (number, name) in skip)
        # The stamps of the cameras, not the times at which they were recorded.
        assert all(time == frame.time + rig.names.index(name) * 1_000_000 for name, time in frame.times.items())
        for name in frame.images:
            np.testing.assert_array_equal(frame.read(name), images[number].read(name))
    same_rig(source.rig(), rig)
    # By hand: LEFT is 1 ms after FRONT, and at half its rate.
    assert [f.missing for f in Recording(path, tolerance=0.0005)] == [('LEFT', 'REAR')] * 3
    assert len(Recording(path, clock='LEFT')) == 2
    with pytest.raises(ValueError, match="no camera 'RIGHT' for a clock"):
        Recording(path, clock='RIGHT')


def test_of_images_of_one_stamp_the_first_is_taken(rig, images, tmp_path, logged):
    """By hand: LEFT has its second image twice, and another one of its stamp between them."""
    messages = messages_of(images, rig)
    (at,) = [
        number
        for number, (topic, _, time, _) in enumerate(messages)
        if topic == '/sensing/LEFT/image_raw' and PERIOD <= time - START < 2 * PERIOD
    ]
    topic, kind, time, message = messages[at]
    black = dict(message, data=bytes(len(message['data'])))
    messages[at + 1 : at + 1] = [(topic, kind, time, black), (topic, kind, time, message)]
    source = Recording(write_mcap(tmp_path / 'twice.mcap', messages))
    (line,) = logged
    assert 'twice.mcap: camera LEFT: 2 of 5 images have the stamp of an earlier one' in line
    assert len(source) == 3
    for number, frame in enumerate(source):
        for name in rig.names:
            np.testing.assert_array_equal(frame.read(name), images[number].read(name))


def test_stamps_that_are_no_time(rig, images, tmp_path):
    """builtin_interfaces/Time: nanoseconds are below a second; and MCAP's times have 64 bits, of which we take 63."""
    for stamp in (dict(sec=-5, nanosec=0), dict(sec=1_700_000_000, nanosec=10**9)):
        messages = messages_of(images, rig)
        messages[-1][3]['header']['stamp'] = stamp
        with pytest.raises(ValueError, match=f'a.mcap: topic /sensing/REAR/image_raw: .* no time: {stamp["sec"]} s'):
            Recording(write_mcap(tmp_path / 'a.mcap', messages))
    messages = messages_of(images, rig)
    messages[-1] = (*messages[-1][:2], 2**64 - 1, messages[-1][3])
    with pytest.raises(ValueError, match='b.mcap .*/sensing/REAR/image_raw was recorded at 18446744073709551615 ns'):
        Recording(write_mcap(tmp_path / 'b.mcap', messages))


@pytest.mark.parametrize('compression', ['NONE', 'MESSAGE', 'FILE'])
def test_sqlite_bags_and_stamps_of_zero(images, tmp_path, compression):
    """A bag in a folder with metadata.yaml; its images have no stamps, so that the times of recording count."""
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_HUMBLE)
    types = store.types
    writer = rosbag2.Writer(tmp_path / 'bag', version=8)
    writer.set_compression(rosbag2.CompressionMode[compression], rosbag2.CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection('/front/image_raw', IMAGE, typestore=store)
        for number, frame in enumerate(images):
            image = frame.read('FRONT')
            stamp = types['builtin_interfaces/msg/Time'](sec=0, nanosec=0)
            message = types[IMAGE](
                header=types['std_msgs/msg/Header'](stamp=stamp, frame_id='front'), height=48, width=64, encoding='bgr8',
                is_bigendian=0, step=192, data=image.ravel(),
            )  # fmt: skip
            writer.write(connection, START + number * PERIOD, store.serialize_cdr(message, IMAGE))
    frames = list(open_source(tmp_path / 'bag'))
    assert [frame.time for frame in frames] == [START + number * PERIOD for number in range(3)]
    np.testing.assert_array_equal(frames[2].read('front'), images[2].read('FRONT'))
    if compression == 'NONE':
        (file,) = (tmp_path / 'bag').glob('*.db3')
        assert len(Recording(file)) == 3
    with pytest.raises(ValueError, match='camera front has no calibration .* /front/camera_info has no CameraInfo'):
        frames[0].rig()


def decoded(path):
    """Messages by topic: (time, message), read by the mcap project's reader, which checks the file's structure."""
    from mcap.reader import make_reader
    from mcap_ros2.decoder import DecoderFactory

    with open(path, 'rb') as file:
        found = {}
        for _, channel, message, content in make_reader(
            file, decoder_factories=[DecoderFactory()]
        ).iter_decoded_messages():
            found.setdefault(channel.topic, []).append((message.log_time, content))
        return found


@pytest.fixture(scope='module')
def world_recording(published, tiny_world):
    """A recording of the built-in world: one camera at half the rate, one image missing; and what it was made of."""
    from mmengine.registry import DefaultScope

    with DefaultScope.overwrite_default_scope('mmdet3d'):
        frames = list(DatasetFrames(DDADDataset(data_root=str(tiny_world), split='test', test_mode=True)))
    rig = frames[0].rig
    skip = {(1, rig.names[1]), (3, rig.names[1]), (2, rig.names[2])}
    path = write_mcap(published / 'world.mcap', messages_of(frames, rig, skip))
    write_rig(published / 'world.yaml', rig)
    return path, frames, rig, skip


def test_round_trip_of_the_built_in_world(published, world_recording, tmp_path):
    path, frames, rig, skip = world_recording
    written = tmp_path / 'sub/depth.mcap'
    options = '--mcap', written, '--format', 'none', '--out', tmp_path / 'out', '--device', 'cpu'
    code, printed = run_tool('infer.py', published / 'student', path, *options, log=tmp_path / 'log')
    assert code == 0, printed
    assert f'{rig.names[1]} was missing in 2 frames' in printed and [f.name for f in written.parent.iterdir()] == [
        written.name
    ]
    topics = decoded(written)
    inferencer = SurroundDepthInferencer(published / 'student', rig=published / 'world.yaml', device='cpu')
    expected = {}
    for number, frame in enumerate(frames):
        present = {name: frame.read(name) for name in rig.names if (number, name) not in skip}
        expected[number] = inferencer(present)['predictions'][0]
    assert len(expected) == 4
    for k, name in enumerate(rig.names):
        times = [START + n * PERIOD + k * 1_000_000 for n in expected if (n, name) not in skip]
        for topic in (f'/{name}/depth/image_rect', f'/{name}/image_rect/compressed', f'/{name}/camera_info'):
            assert [time for time, _ in topics[topic]] == times
            stamps = [message.header.stamp.sec * 10**9 + message.header.stamp.nanosec for _, message in topics[topic]]
            assert stamps == times
            assert {message.header.frame_id for _, message in topics[topic]} == {f'{name}_optical_frame'}
        for time, message in topics[f'/{name}/depth/image_rect']:
            result = expected[(time - START) // PERIOD]
            depth = np.frombuffer(message.data, '<f4').reshape(message.height, message.width)
            assert message.encoding == '32FC1' and message.step == 4 * message.width
            np.testing.assert_allclose(depth, result.depth[name], rtol=1e-5)
        for _, message in topics[f'/{name}/camera_info']:
            view = expected[0].views[name]
            K = np.array(message.k).reshape(3, 3) + [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
            np.testing.assert_allclose(K, view.cam2img, atol=1e-9)
            assert (message.height, message.width) == view.predicted.shape
    ((_, tree),) = topics['/tf_static']
    for entry, camera in zip(tree.transforms, rig.cameras):
        t, q = entry.transform.translation, entry.transform.rotation
        assert (entry.header.frame_id, entry.child_frame_id) == ('base_link', f'{camera.name}_optical_frame')
        pose = quaternion_to_matrix([t.x, t.y, t.z], [q.w, q.x, q.y, q.z])
        np.testing.assert_allclose(pose, camera.cam2ego, atol=1e-9)
    assert len(topics['/points']) == 4
    for (_, cloud), result in zip(topics['/points'], expected.values()):
        found = np.frombuffer(cloud.data, [('xyz', '<f4', 3), ('bgr', 'u1', 4)])
        points, colors = result.points(80.0, stride=2)
        assert cloud.header.frame_id == 'base_link' and [field.name for field in cloud.fields] == [
            'x',
            'y',
            'z',
            'rgb',
        ]
        np.testing.assert_allclose(found['xyz'], points, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(found['bgr'][:, 2::-1], colors)
    # What was written is a recording that can be read: the views, their times and their calibration; depth is no camera.
    again = Recording(written)
    assert again.cameras == rig.names and [frame.time for frame in again] == [START + n * PERIOD for n in range(4)]
    assert [frame.missing for frame in again] == [frame.missing for frame in Recording(path)]
    for number, frame in enumerate(again):
        for name in frame.images:
            # JPEG of quality 90.
            assert np.abs(frame.read(name)[..., ::-1] - expected[number].views[name].image.astype(int)).mean() < 8
    for camera in again.rig().cameras:
        np.testing.assert_allclose(camera.cam2img, expected[0].views[camera.name].cam2img, atol=1e-9)
        np.testing.assert_allclose(camera.cam2ego, rig[camera.name].cam2ego, atol=1e-9)
    # Nothing is overwritten.
    before = written.read_bytes()
    options = '--mcap', written, '--format', 'none', '--out', tmp_path / 'other', '--device', 'cpu'
    code, printed = run_tool('infer.py', published / 'student', path, *options, log=tmp_path / 'log')
    assert code != 0 and 'is there already' in printed and written.read_bytes() == before


def test_topics_are_chosen_and_named(rig, images, tmp_path):
    messages = messages_of(images, rig)
    for number, frame in enumerate(images):
        # Rectified images beside the original ones, and depth, which is no camera's image.
        time = START + number * PERIOD
        messages.append(('/sensing/LEFT/image_rect', IMAGE, time, raw_image(time, 'LEFT_optical', frame.read('LEFT'))))
        metres = np.zeros((4, 4, 1), np.float32).view(np.uint8)
        messages.append(('/sensing/FRONT/depth/image_rect', IMAGE, time, raw_image(time, '', metres, '32FC1')))
    messages.append(('/calibration/left', INFO, START, camera_info(START, 'LEFT_optical', rig['LEFT'])))
    path = write_mcap(tmp_path / 'drive.mcap', messages)
    with pytest.raises(ValueError, match='/sensing/LEFT has images on .*image_r.*image_r.*--topics CAMERA=TOPIC'):
        Recording(path)
    source = Recording(
        path, topics={'left': '/sensing/LEFT/image_rect', 'front': '/sensing/FRONT/image_raw/compressed'}
    )
    assert source.cameras == ('left', 'front') and len(source) == 3 and source.rig()['left'].lens.MODEL == 'none'
    source = Recording(path, topics={'left': ('/sensing/LEFT/image_raw', '/calibration/left')})
    np.testing.assert_allclose(source.rig()['left'].cam2ego, rig['LEFT'].cam2ego, atol=1e-9)
    source = Recording(path, topics={'left': ('/sensing/LEFT/image_raw', '/sensing/REAR/camera_info')})
    with pytest.raises(
        ValueError, match="camera left: .* of the frame 'REAR_optical', and the images of .*'LEFT_optical'"
    ):
        source.rig()
    with pytest.raises(
        ValueError, match=r"topic /sensing/LEFT/image_raww of camera x is not in it \(did you mean '/sens"
    ):
        Recording(path, topics={'x': '/sensing/LEFT/image_raww'})
    with pytest.raises(ValueError, match='topic /sensing/LEFT/camera_info of camera x is sensor_msgs/msg/CameraInfo'):
        Recording(path, topics={'x': '/sensing/LEFT/camera_info'})
    with pytest.raises(ValueError, match='topic /info of camera x is not in it'):
        Recording(path, topics={'x': ('/sensing/LEFT/image_raw', '/info')})
    with pytest.raises(ValueError, match='cameras x and y have one topic, /sensing/LEFT/image_raw'):
        Recording(path, topics=dict.fromkeys('xy', '/sensing/LEFT/image_raw'))
    (tmp_path / 'front').mkdir()
    with pytest.raises(ValueError, match='topics is an option of recordings'):
        open_source(tmp_path, topics={'x': '/y'})
    assert distinct_tails(['/a/left/color', '/a/right/color']) == ['left/color', 'right/color']
    assert distinct_tails(['/a/left', '/b/right', '/c']) == ['left', 'right', 'c']


LENSES = [
    ('plumb_bob', [-0.1, 0.01, 0.001, 0.002, 0.0], PlumbBobLens),
    ('plumb_bob', [0.0] * 5, None),
    ('rational_polynomial', [-0.1, 0.01, 0.001, 0.002, 0, 0.01, 0.02, 0.03], RationalLens),
    # Drivers that call OpenCV's calibration with all its flags write twelve and fourteen.
    ('rational_polynomial', [-0.1, 0.01, 0.001, 0.002, 0, 0.01, 0.02, 0.03, 0, 0, 0, 0], RationalLens),
    ('equidistant', [0.1, 0.01, 0.001, 0.002], EquidistantLens),
]
REFUSED = [
    ('rational_polynomial', [-0.1, 0.01, 0.001, 0.002, 0, 0.01, 0.02, 0.03, 0.1, 0, 0, 0], 'thin prism'),
    ('plumb_bob', [0.1, 0.2, 0.3], 'takes'),
    ('mei', [0.1, 0.2, 0.3, 0.4], "distortion_model 'mei' is unknown"),
]


def recording_of_lens(rig, images, model, coefficients, path, **changed):
    camera, image = rig['FRONT'], images[0].read('FRONT')
    info = dict(camera_info(START, 'F', camera, coefficients, model), **changed)
    messages = [('/F/camera_info', INFO, START, info), ('/F/image_raw', IMAGE, START, raw_image(START, 'F', image))]
    return Recording(write_mcap(path, messages))


@pytest.mark.parametrize('model, coefficients, lens', LENSES)
def test_lenses(rig, images, tmp_path, model, coefficients, lens):
    (camera,) = recording_of_lens(rig, images, model, coefficients, tmp_path / 'a.mcap').rig().cameras
    assert camera.cam2ego is None and (lens is None and camera.lens.MODEL == 'none' or type(camera.lens) is lens)
    np.testing.assert_array_equal(camera.lens.coefficients[:4], coefficients[: len(camera.lens.coefficients)][:4])


@pytest.mark.parametrize('model, coefficients, message', REFUSED)
def test_lenses_that_are_refused(rig, images, tmp_path, model, coefficients, message):
    with pytest.raises(ValueError, match=f'a.mcap: /F/camera_info: .*{message}'):
        recording_of_lens(rig, images, model, coefficients, tmp_path / 'a.mcap').rig()


def test_calibrations_that_are_of_another_image(rig, images, tmp_path):
    roi = dict(x_offset=0, y_offset=0, height=48, width=64, do_rectify=False)
    assert recording_of_lens(rig, images, 'plumb_bob', [], tmp_path / '0.mcap', roi=roi).rig()['F'].size == (64, 48)
    for number, changed in enumerate((dict(binning_x=2), dict(roi=dict(roi, x_offset=8, width=32)))):
        with pytest.raises(ValueError, match=r'/F/camera_info: .*(binned|region)'):
            recording_of_lens(rig, images, 'plumb_bob', [], tmp_path / f'a{number}.mcap', **changed).rig()
    for value in (0.0, np.nan):
        with pytest.raises(ValueError, match='/F/camera_info: camera F: intrinsics'):
            recording_of_lens(rig, images, 'plumb_bob', [], tmp_path / f'b{value}.mcap', k=[value] * 9).rig()
    changing = messages_of(images, rig)
    # Between others that are as the first.
    other = camera_info(START, 'LEFT_optical', rig['LEFT'], [0.1] * 5)
    changing.append(('/sensing/LEFT/camera_info', INFO, START + PERIOD + PERIOD // 2, other))
    with pytest.raises(ValueError, match='camera LEFT .* /sensing/LEFT/camera_info changes within the recording'):
        Recording(write_mcap(tmp_path / 'c.mcap', changing)).rig()


def test_missing_links_are_named(rig, images, tmp_path):
    def source(name, transforms, **options):
        messages = [m for m in messages_of(images, rig) if m[1] != TF]
        return Recording(
            write_mcap(tmp_path / name, [('/tf_static', TF, START, dict(transforms=transforms)), *messages]), **options
        )

    whole = transforms_of(rig)['transforms']
    with pytest.raises(
        ValueError, match="camera LEFT: .* from 'base_link' to its frame 'LEFT_optical'; it is in no transform"
    ):
        source('a.mcap', [entry for entry in whole if entry['child_frame_id'] != 'LEFT_optical']).rig()
    apart = [*whole[:1], *(dict(entry, header=header(START, 'mast')) for entry in whole[1:])]
    with pytest.raises(ValueError, match="camera FRONT: .*; it hangs on 'mast', to which the link is missing"):
        source('b.mcap', apart).rig()
    with pytest.raises(ValueError, match="c.mcap: tf_static: no frame is connected with 'car'; .*'base_link'"):
        source('c.mcap', whole, ego_frame='car').rig()
    assert not source('d.mcap', apart, ego_frame='').rig().has_poses
    # A camera that hangs on another one, above the ego frame, and twice the same message.
    twice = [*whole, transform('map', 'base_link', np.eye(4)), *whole]
    same_rig(source('e.mcap', twice).rig(), rig)
    moved = transform('roof', 'LEFT_optical', np.eye(4))
    with pytest.raises(ValueError, match='frame LEFT_optical is there twice'):
        source('f.mcap', [*whole, moved]).rig()
    wrong = transform('roof', 'LEFT_optical', np.eye(4))
    wrong['transform']['rotation']['w'] = 3.0
    # Of a frame that no camera needs: a rig file goes before it, or no poses do.
    gps = dict(wrong, child_frame_id='gps')
    with pytest.raises(ValueError, match='g.mcap: tf_static: frame gps in roof: not a rotation'):
        source('g.mcap', [*whole, gps]).rig()
    assert not source('h.mcap', [*whole, gps], ego_frame='').rig().has_poses
    # An ego frame that was asked for is not left out in silence.
    assert not source('i.mcap', []).rig().has_poses
    with pytest.raises(ValueError, match="j.mcap has no static transforms .* no poses in 'base_link'"):
        source('j.mcap', [], ego_frame='base_link').rig()
    one_place = [transform('base_link', f'{name}_optical', rig['FRONT'].cam2ego) for name in rig.names]
    with pytest.raises(ValueError, match='k.mcap: /sensing/LEFT/camera_info: cameras FRONT and LEFT have one pose'):
        source('k.mcap', one_place).rig()


class Message:
    def __init__(self, **fields):
        self.__dict__.update(fields)
        self.data = np.frombuffer(fields['data'], np.uint8)


def test_encodings():
    image = np.zeros((4, 6, 3), np.uint8)
    image[:, :3], image[:, 3:] = (255, 0, 0), (0, 0, 255)  # BGR: blue, red
    for encoding, pixels in (
        ('bgr8', image),
        ('rgb8', image[..., ::-1]),
        ('bgra8', np.dstack([image, image[..., :1]])),
        ('rgba8', np.dstack([image[..., ::-1], image[..., :1]])),
    ):
        message = Message(**raw_image(START, '', np.ascontiguousarray(pixels), encoding, padding=3))
        np.testing.assert_array_equal(image_of(message, ''), image)
    grey = np.arange(24, dtype=np.uint8).reshape(4, 6, 1)
    np.testing.assert_array_equal(image_of(Message(**raw_image(START, '', grey, 'mono8')), ''), grey.repeat(3, 2))
    # A red world behind the filters: the pixels behind red ones are bright. The name gives the first four, row by row.
    for pattern in ('rggb', 'bggr', 'gbrg', 'grbg'):
        cell = np.array([255 * (letter == 'r') for letter in pattern], np.uint8).reshape(2, 2, 1)
        found = image_of(Message(**raw_image(START, '', np.tile(cell, (8, 8, 1)), f'bayer_{pattern}8')), '')
        np.testing.assert_array_equal(found[4:12, 4:12], np.broadcast_to([0, 0, 255], (8, 8, 3)))
        # image_transport compresses the mosaic, and names an encoding behind the codec only where it made one.
        mosaic, message = np.tile(cell, (8, 8, 1)), compressed_image(START, '', np.tile(cell, (8, 8, 1)))
        for codec, expected in (('png', found), ('png compressed mono8', mosaic.repeat(3, 2))):
            stated = f'bayer_{pattern}8; {codec}' + (' compressed ' if codec == 'png' else '')
            np.testing.assert_array_equal(image_of(Message(**dict(message, format=stated)), ''), expected)
        # A driver that demosaics and states the sensor's encoding.
        message = dict(compressed_image(START, '', found), format=f'bayer_{pattern}8; png compressed ')
        np.testing.assert_array_equal(image_of(Message(**message), ''), found)
    # BT.601: Y 81, U 90, V 240 is red.
    for encoding, four in (('uyvy', [90, 81, 240, 81]), ('yuv422_yuy2', [81, 90, 81, 240])):
        pixels = np.tile(np.array(four, np.uint8).reshape(1, 2, 2), (4, 3, 1))
        found = image_of(Message(**raw_image(START, '', pixels, encoding)), '')
        np.testing.assert_allclose(found, np.broadcast_to([0, 0, 255], (4, 6, 3)), atol=2)


def test_images_that_are_refused(images):
    image = images[0].read('FRONT')
    message = raw_image(START, '', image)
    for changed, expected in (
        (dict(encoding='nv21'), "encoding 'nv21' is not supported; there are"),
        (dict(height=47), '9216 bytes for 64x47 bgr8 in rows of 192 bytes'),
        (dict(step=100, height=92), 'rows of 100 bytes, expected 92 rows of at least 192'),
        (dict(data=message['data'][:-1]), '9215 bytes'),
        (dict(height=0, data=b''), '0 bytes'),
        (dict(encoding='uyvy', width=65, step=192), '65x48 uyvy .* an even width'),
    ):
        with pytest.raises(ValueError, match=expected):
            image_of(Message(**dict(message, **changed)), 'somewhere')
    message = compressed_image(START, '', image, '.jpg')
    found = image_of(Message(**message), 'somewhere')
    np.testing.assert_array_equal(found, cv2.imdecode(np.frombuffer(message['data'], np.uint8), cv2.IMREAD_COLOR))
    grey = compressed_image(START, '', image[..., 0], '.jpg')
    for changed, expected in (
        (dict(data=message['data'][:-80]), 'somewhere is cut'),
        (dict(data=b''), 'somewhere is no image: 0 bytes'),
        (dict(format='16UC1; compressedDepth png'), 'is depth'),
        (dict(format='32FC1; png compressed'), 'is depth'),
        (dict(grey, format='bayer_rggb16; jpeg compressed '), "encoding 'bayer_rggb16' is not supported; there are"),
    ):
        with pytest.raises(ValueError, match=expected):
            image_of(Message(**dict(message, **changed)), 'somewhere')


def test_broken_recordings(rig, images, tmp_path):
    whole = write_mcap(tmp_path / 'whole.mcap', messages_of(images, rig)).read_bytes()
    for length in (0, 5, 40, len(whole) // 2, len(whole) - 1):
        (tmp_path / 'cut.mcap').write_bytes(whole[:length])
        with pytest.raises(ValueError, match='cut.mcap is no recording that can be read .* `mcap recover`'):
            Recording(tmp_path / 'cut.mcap')
    # A byte changed anywhere in the chunks.
    broken = bytearray(whole)
    broken[len(whole) // 2] ^= 255
    (tmp_path / 'changed.mcap').write_bytes(broken)
    with pytest.raises(ValueError, match='changed.mcap'):
        [frame.read(name) for frame in Recording(tmp_path / 'changed.mcap') for name in frame.images]
    # A type that is defined otherwise, and none of a known type.
    other = definition(IMAGE).replace('uint32 height', 'uint32 rows').replace('uint32 width', 'uint32 columns')
    messages = [
        (topic, kind, time, dict(message, rows=1, columns=1))
        for topic, kind, time, message in messages_of(images, rig)
    ]
    with pytest.raises(ValueError, match='topic /sensing/LEFT/image_raw: sensor_msgs/msg/Image has the fields .*rows'):
        Recording(write_mcap(tmp_path / 'other.mcap', messages, {IMAGE: other}))
    with pytest.raises(ValueError, match="has no images of a camera; its topics: {'/sensing/FRONT/camera_info'"):
        infos = [message for message in messages_of(images, rig) if message[1] == INFO]
        Recording(write_mcap(tmp_path / 'infos.mcap', infos))
    # An image that is shorter than it states is an error when it is read, with its topic.
    messages = messages_of(images, rig)
    wrong = raw_image(START + 5 * PERIOD, 'LEFT_optical', images[0].read('LEFT'))
    messages.append(('/sensing/LEFT/image_raw', IMAGE, START + 5 * PERIOD, dict(wrong, height=50)))
    source = Recording(write_mcap(tmp_path / 'short.mcap', messages), clock='LEFT')
    with pytest.raises(
        ValueError, match='short.mcap: topic /sensing/LEFT/image_raw: the image of .*: 9216 bytes for 64x50'
    ):
        [frame.read(name) for frame in source for name in frame.images]
    (tmp_path / 'WHOLE.MCAP').write_bytes(whole)
    with pytest.raises(ValueError, match=r'WHOLE.MCAP: .* rename it to \*.mcap'):
        open_source(tmp_path / 'WHOLE.MCAP')
    with pytest.raises(FileNotFoundError, match='no recording at'):
        open_source(tmp_path / 'nothing.mcap')
    (tmp_path / 'old.bag').write_bytes(b'#ROSBAG V2.0')
    with pytest.raises(ValueError, match='is a bag of ROS 1: rosbags-convert'):
        open_source(tmp_path / 'old.bag')
    (tmp_path / 'bag').mkdir()
    (tmp_path / 'bag/metadata.yaml').write_text('rosbag2_bagfile_information: {version: 8}')
    with pytest.raises(ValueError, match='bag is no recording that can be read .*relative_file_paths'):
        open_source(tmp_path / 'bag')


def test_schemas_and_channels_that_are_missing(tmp_path):
    from mcap.writer import Writer

    for encoding, message in (
        ('protobuf', 'no recording that can be read'),
        ('ros2msg', 'is serialized as .json., exp'),
    ):
        path = tmp_path / f'{encoding}.mcap'
        writer = Writer(str(path))
        writer.start(profile='ros2')
        schema = writer.register_schema(IMAGE, encoding, definition(IMAGE).encode())
        writer.add_message(writer.register_channel('/F/image_raw', 'json', schema), 0, b'{}', 0)
        writer.finish()
        with pytest.raises(ValueError, match=message):
            Recording(path)
    path = tmp_path / 'schemaless.mcap'
    writer = Writer(str(path))
    writer.start(profile='ros2')
    writer.add_message(writer.register_channel('/F/image_raw', 'cdr', 0), 0, b'\0\1\0\0', 0)
    writer.finish()
    with pytest.raises(ValueError, match="has no images of a camera; its topics: {'/F/image_raw': '__schemaless__'}"):
        Recording(path)


def test_a_recording_that_is_not_finished_leaves_nothing(published, world_recording, tmp_path):
    path, _, rig, _ = world_recording
    inferencer = SurroundDepthInferencer(published / 'student', rig=published / 'world.yaml', device='cpu')
    result = next(inferencer.stream(str(path)))
    sink = McapRecording(tmp_path / 'a.mcap')
    sink.write(result)
    assert not (tmp_path / 'a.mcap').exists() and not sink.has(result.name, rig.names)
    del sink
    assert not list(tmp_path.iterdir())
    McapRecording(tmp_path / 'a.mcap').close()
    assert not list(tmp_path.iterdir())
    # One image in two frames is written once; without poses there are neither transforms nor points.
    sink = McapRecording(tmp_path / 'a.mcap')
    for frame in (result, result):
        sink.write(frame)
    sink.close()
    found = decoded(tmp_path / 'a.mcap')
    assert len(found[f'/{rig.names[0]}/depth/image_rect']) == 1 and len(found['/points']) == 2
    with pytest.raises(FileExistsError, match='a.mcap is there already'):
        McapRecording(tmp_path / 'a.mcap')


def test_the_ego_frame_has_the_name_that_it_is_given(published, world_recording, tmp_path):
    inferencer = SurroundDepthInferencer(published / 'student', rig=published / 'world.yaml', device='cpu')
    sink = McapRecording(tmp_path / 'a.mcap', ego_frame='rear_axle')
    sink.write(next(inferencer.stream(str(world_recording[0]))))
    sink.close()
    found = decoded(tmp_path / 'a.mcap')
    assert {entry.header.frame_id for entry in found['/tf_static'][0][1].transforms} == {'rear_axle'}
    assert found['/points'][0][1].header.frame_id == 'rear_axle'


def test_images_without_times_and_poses_and_names_that_ros_forbids(published, tmp_path):
    inferencer = SurroundDepthInferencer(published / 'student', hfov=80, device='cpu')
    image = np.zeros((48, 64, 3), np.uint8)
    sink = McapRecording(tmp_path / 'a.mcap', fps=4)
    for result in inferencer.stream([{'front cam': image, 'front-cam': image, '1': image}] * 3):
        sink.write(result)
    sink.close()
    found = decoded(tmp_path / 'a.mcap')
    assert sorted(found) == sorted(
        f'/{name}/{kind}'
        for name in ('front_cam', 'front_cam_2', 'camera_1')
        for kind in ('camera_info', 'depth/image_rect', 'image_rect/compressed')
    )
    # By hand: four frames a second.
    assert [time for time, _ in found['/camera_1/camera_info']] == [0, 250_000_000, 500_000_000]


def test_the_users_rig_goes_before_the_recordings(published, world_recording):
    """Such as one that calibrate_scale.py wrote a factor into."""
    path, _, rig, _ = world_recording
    content = read_rig(published / 'world.yaml')
    doubled = RigFile(
        [RigCamera(c.name, c.size, c.cam2img, cam2ego=c.cam2ego, depth_scale=2) for c in content.cameras]
    )
    own = next(SurroundDepthInferencer(published / 'student', device='cpu').stream(str(path)))
    users = next(SurroundDepthInferencer(published / 'student', rig=doubled, device='cpu').stream(str(path)))
    for name in rig.names:
        np.testing.assert_allclose(users.depth[name], 2 * own.depth[name], rtol=1e-6)
