"""What the blocks of a document find when they run: names that they use and do not define, and files.

One function a document, named after it; each is given the working directory and returns names. ``tools``, ``configs``
and ``docs`` of the repository are linked into that directory.
"""

import copy
import shutil

import cv2
import numpy as np
import pytest
import torch
from code_blocks import ROOT, blocks_of, file_name, write_file
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from toy_run import STUDENT, toy_config

from fsmde.apis import publish_folder
from fsmde.poses import quaternion_to_matrix
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile, write_rig
from toy_dgp import camera_quaternion, write_toy_dgp

# The rig of data.md: sizes of its images (height, width).
OWN_RIG = dict(FRONT=(960, 1280), LEFT=(768, 1024), RIGHT=(800, 1120))
RADIUS = 10.0


def own_rig_files(folder, frames=2, points=3000):
    """The recording of data.md: random pictures, and a LiDAR in the middle of a cylinder of 10 m radius."""
    rng = np.random.default_rng(0)
    scene = folder / 'data/my_rig/000000'
    for number in range(frames):
        for camera, (height, width) in OWN_RIG.items():
            (scene / camera).mkdir(parents=True, exist_ok=True)
            picture = cv2.resize(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8), (width, height))
            cv2.imwrite(str(scene / camera / f'{number}.jpg'), picture)
        (scene / 'LIDAR').mkdir(exist_ok=True)
        angle, z = rng.uniform(-np.pi, np.pi, points), rng.uniform(-4, 4, points)
        cloud = np.stack([RADIUS * np.cos(angle), RADIUS * np.sin(angle), z, np.ones(points)], 1)
        np.savez(scene / 'LIDAR' / f'{number}.npz', data=cloud)
    shutil.copytree(scene, folder / 'data/bent_rig/000000')


def bev(folder):
    """A project that has this repository at path/to, and a config whose base names no modules to import."""
    (folder / 'path').mkdir()
    (folder / 'path/to').symlink_to(ROOT)
    return dict(_base_=Config())


def benchmark(folder):
    """Three frames to share labels among."""
    write_toy_dgp(folder / 'data/toy')
    return {}


def data(folder):
    own_rig_files(folder)
    return {}


def deployment(folder):
    from fsmde.deployment import DeployableEstimator, export_onnx

    init_default_scope('mmdet3d')
    estimator = MODELS.build(STUDENT).eval()
    export_onnx(DeployableEstimator(estimator), 'student.onnx', (48, 64))
    images, fx = np.zeros((1, 2, 48, 64, 3), np.uint8), np.full((1, 2), 40, np.float32)
    return dict(estimator=estimator, images=images, fx=fx, torch=torch, device='cpu')


def evaluation(folder):
    from fsmde.datasets import DDADDataset
    from fsmde.evaluation import SurroundDepthMetric

    dataset = DDADDataset(data_root=str(write_toy_dgp(folder / 'toy')), split='val')
    return dict(SurroundDepthMetric=SurroundDepthMetric, dataset=dataset)


def performance(folder):
    """A finished, empty cache of the teacher that stands in for a download."""
    from fsmde.models import HuggingFaceDepthTeacher
    from fsmde.teacher_cache import TeacherCache

    # As in the shipped configs.
    teacher = HuggingFaceDepthTeacher('random-tiny', feature_size=(48, 80))
    cache = TeacherCache(folder / 'DDAD/teacher')
    cache.begin(dict(identity=teacher.identity(), space=teacher.space, feature_channels=teacher.feature_channels))
    cache.finish()
    return {}


def extending(folder):
    """The config of data.md, which the last one of extending.md inherits."""
    for block in blocks_of(ROOT / 'docs/data.md'):
        if file_name(block) == 'my_rig.py':
            write_file(block, folder)
    return {}


def get_started(folder):
    """The world and the checkpoint that its commands make, both smaller."""
    from fsmde.synthetic import make_world

    make_world('data/quick', train_scenes=1, val_scenes=0, test_scenes=1, frames_per_scene=1, size=(48, 80), jobs=1)
    model = Config.fromfile('configs/demo/demo_sup.py').model
    init_default_scope('mmdet3d')
    (folder / 'work_dirs/quick').mkdir(parents=True)
    torch.save(dict(state_dict=MODELS.build(model).state_dict()), 'work_dirs/quick/epoch_2.pth')
    return {}


def teachers(folder):
    """A finished, empty cache in metres."""
    from fsmde.models import EstimatorTeacher
    from fsmde.teacher_cache import TeacherCache

    cache = TeacherCache(folder / 'metres')
    cache.begin(dict(identity={}, space='depth_metric', feature_channels=64))
    cache.finish()
    return dict(EstimatorTeacher=EstimatorTeacher)


def inference(folder):
    """A published student, three images of a rig, and the rig file of rig_file.md with a third camera."""
    rng = np.random.default_rng(0)
    names = dict(FRONT=0, LEFT=60, RIGHT=-60)
    cameras = []
    for name, azimuth in names.items():
        picture = cv2.resize(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8), (320, 240))
        cv2.imwrite(f'{name.lower()}.jpg', picture)
        camera = RigCamera.from_field_of_view(name, (320, 240), 90)
        pose = quaternion_to_matrix([1.0, 0, 1.5], camera_quaternion(azimuth))
        cameras.append(RigCamera(name, (320, 240), camera.cam2img, cam2ego=pose))
    write_rig('rig.yaml', RigFile(cameras))
    published_models(folder)
    return {}


README = rig_file = scale_calibration = inference


def published_models(folder):
    """``student``, the published model of ``config.py`` and ``epoch_2.pth``."""
    config = toy_config(folder / 'toy', STUDENT)
    config.dump('config.py')
    init_default_scope('mmdet3d')
    state = MODELS.build(copy.deepcopy(STUDENT)).state_dict()
    torch.save(dict(state_dict=state, meta=dict(cfg=config.pretty_text)), 'epoch_2.pth')
    publish_folder('epoch_2.pth', 'student')
    return {}


def recordings(folder):
    """``drive.mcap``, two frames of a rig of two cameras, and the student."""
    pytest.importorskip('rosbags')
    pytest.importorskip('mcap_ros2')
    from toy_recording import messages_of, write_mcap

    from fsmde.apis import Frame

    cameras = []
    for name, azimuth in dict(FRONT=0, LEFT=60).items():
        pose = quaternion_to_matrix([1.0, 0, 1.5], camera_quaternion(azimuth))
        matrix = RigCamera.from_field_of_view(name, (64, 48), 90).cam2img
        cameras.append(RigCamera(name, (64, 48), matrix, cam2ego=pose))
    pictures = {camera.name: np.full((48, 64, 3), 128, np.uint8) for camera in cameras}
    write_mcap('drive.mcap', messages_of([Frame(str(number), pictures) for number in range(2)], RigFile(cameras)))
    published_models(folder)
    return {}
