"""A small student, published, and a rig that it can be tried on."""

import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.registry import DefaultScope
from toy_run import STUDENT, toy_config

from fsmde.apis import publish_folder
from fsmde.apis.sources import DatasetFrames
from fsmde.datasets import DDADDataset


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        yield


def save_checkpoint(folder, data_root):
    """A checkpoint of an untrained student, with its config's text as mmengine leaves it, and the config file."""
    torch.manual_seed(0)
    student = MODELS.build(STUDENT)
    # Random weights predict one depth nearly everywhere.
    torch.nn.init.normal_(student.head.classifier.weight, std=0.5)
    config = toy_config(data_root, STUDENT)
    config.dump(folder / 'config.py')
    meta = dict(
        cfg=config.pretty_text, epoch=3, dataset_meta=dict(dataset='ddad', cam_names=['CAMERA_01', 'CAMERA_05'])
    )
    torch.save(dict(state_dict=student.state_dict(), meta=meta), folder / 'epoch_3.pth')
    return folder / 'epoch_3.pth'


@pytest.fixture(scope='session')
def published(tmp_path_factory):
    """A folder with ``student``, a published model, ``epoch_3.pth`` and ``config.py``, and ``toy``, a data set."""
    from toy_dgp import write_toy_dgp

    folder = tmp_path_factory.mktemp('published')
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        checkpoint = save_checkpoint(folder, write_toy_dgp(folder / 'toy'))
        publish_folder(checkpoint, folder / 'student')
    return folder


@pytest.fixture
def frames(published):
    """The frames of the data set with their calibration."""
    return list(DatasetFrames(DDADDataset(data_root=str(published / 'toy'), split='val', test_mode=True)))


@pytest.fixture
def arrays():
    """Three cameras' images of two sizes."""
    rng = np.random.default_rng(0)
    sizes = dict(FRONT=(96, 128), LEFT=(96, 128), REAR=(60, 100))
    return {name: rng.integers(0, 256, (*size, 3), dtype=np.uint8) for name, size in sizes.items()}
