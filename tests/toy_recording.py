"""Recordings of a rig's images, written by the mcap project's own libraries: a reference for our reader, which is rosbags."""

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

START = 1_700_000_000_000_000_000
PERIOD = 100_000_000


def header(time, frame_id):
    return dict(stamp=dict(sec=time // 10**9, nanosec=time % 10**9), frame_id=frame_id)


def raw_image(time, frame_id, image, encoding='bgr8', padding=0):
    """A sensor_msgs/Image of an (H, W, C) uint8 array, whose rows may be longer than their pixels."""
    height, width = image.shape[:2]
    rows = np.pad(image.reshape(height, -1), ((0, 0), (0, padding)))
    return dict(
        header=header(time, frame_id), height=height, width=width, encoding=encoding, is_bigendian=0, step=rows.shape[1],
        data=rows.tobytes(),
    )  # fmt: skip


def compressed_image(time, frame_id, image, ending='.png'):
    kind = dict(zip(('.png', '.jpg'), ('png', 'jpeg')))[ending]
    data = cv2.imencode(ending, image)[1].tobytes()
    return dict(header=header(time, frame_id), format=f'bgr8; {kind} compressed bgr8', data=data)


def camera_info(time, frame_id, camera, d=(), model='plumb_bob'):
    """Of a RigCamera: in ROS the first pixel's centre is at 0."""
    K = camera.cam2img - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
    region = dict(x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    return dict(
        header=header(time, frame_id), height=camera.size[1], width=camera.size[0], distortion_model=model,
        d=list(d), k=K.ravel().tolist(), r=np.eye(3).ravel().tolist(), p=np.c_[K, np.zeros(3)].ravel().tolist(),
        binning_x=0, binning_y=0, roi=region,
    )  # fmt: skip


def transform(parent, child, pose):
    x, y, z, w = Rotation.from_matrix(pose[:3, :3]).as_quat().tolist()
    return dict(
        header=header(START, parent), child_frame_id=child,
        transform=dict(translation=dict(zip('xyz', pose[:3, 3].tolist())), rotation=dict(x=x, y=y, z=z, w=w)),
    )  # fmt: skip


def transforms_of(rig):
    """base_link to a link of all cameras, half a metre up, to each camera's optical frame."""
    up = np.eye(4)
    up[2, 3] = 0.5
    cameras = [transform('roof', f'{c.name}_optical', np.linalg.inv(up) @ c.cam2ego) for c in rig.cameras]
    return dict(transforms=[transform('base_link', 'roof', up), *cameras])


def definition(kind):
    """ROS's text of a message's definition."""
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS2_HUMBLE).generate_msgdef(kind, ros_version=2)[0]


def write_mcap(path, messages, definitions=None):
    """Write (topic, type, time, message as a dict), in this order."""
    from mcap_ros2.writer import Writer

    writer, schemas = Writer(str(path)), {}
    for topic, kind, time, message in messages:
        if kind not in schemas:
            schemas[kind] = writer.register_msgdef(kind, (definitions or {}).get(kind) or definition(kind))
        writer.write_message(topic, schemas[kind], message, time, time)
    writer.finish()
    return path


def messages_of(frames, rig, skip=(), latency=3_000_000):
    """A recording of frames: raw images, but JPEG of the first camera; recorded ``latency`` ns after they were taken.

    Args:
        skip: (frame, camera) without an image.
    """
    messages = [('/tf_static', 'tf2_msgs/msg/TFMessage', START, transforms_of(rig))]
    for number, frame in enumerate(frames):
        for k, camera in enumerate(rig.cameras):
            if (number, camera.name) in skip:
                continue
            # Cameras are not triggered together.
            time, image = START + number * PERIOD + k * 1_000_000, frame.read(camera.name)
            frame_id, root = f'{camera.name}_optical', f'/sensing/{camera.name}'
            info = camera_info(time, frame_id, camera)
            messages.append((f'{root}/camera_info', 'sensor_msgs/msg/CameraInfo', time + latency, info))
            if k:
                message = raw_image(time, frame_id, image, padding=5)
                messages.append((f'{root}/image_raw', 'sensor_msgs/msg/Image', time + latency, message))
            else:
                kind, message = 'sensor_msgs/msg/CompressedImage', compressed_image(time, frame_id, image)
                messages.append((f'{root}/image_raw/compressed', kind, time + latency, message))
    return messages
