"""Shared fixtures."""

import logging
import os
from pathlib import Path

import pytest
import torch
from mmengine.logging import MMLogger

from fsmde.mmcv_ops import provide_ops
from toy_dgp import write_toy_dgp

# Tiny tensors: a second thread only waits.
torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    """Skip tests marked ``ops`` where mmcv has no compiled ops, and those marked ``gpu`` without one."""
    reasons = {}
    if not provide_ops():
        reasons['ops'] = "mmcv has no compiled ops here: 'make setup-ops' gets them"
    if not torch.cuda.is_available():
        reasons['gpu'] = 'torch finds no GPU here'
    for item in items:
        for marker, reason in reasons.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope='session')
def sample_data():
    """Folder of real frames; tests that need it skip where FSMDE_SAMPLE_DATA is unset."""
    root = os.environ.get('FSMDE_SAMPLE_DATA')
    if not root:
        pytest.skip('FSMDE_SAMPLE_DATA is not set')
    return Path(root)


@pytest.fixture
def toy_dgp(tmp_path):
    """A DGP data set of one scene: six cameras of 48x64 pixels inside a cylinder of radius 10 m, three samples."""
    return write_toy_dgp(tmp_path / 'toy')


@pytest.fixture(scope='session')
def tiny_world(tmp_path_factory):
    """The built-in world with one training and two test scenes of two frames of 48x80 pixels."""
    pytest.importorskip('embreex')
    from fsmde.synthetic import make_world

    few = dict(train_scenes=1, val_scenes=0, test_scenes=2, frames_per_scene=2, size=(48, 80))
    return make_world(tmp_path_factory.mktemp('tiny') / 'world', **few)


@pytest.fixture
def logged():
    """Messages of mmengine's logger, as they come; its own handler writes to what stderr was when it was made."""
    logger, messages, handler = MMLogger.get_current_instance(), [], logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())
    logger.addHandler(handler)
    yield messages
    logger.removeHandler(handler)


@pytest.fixture(scope='session')
def argoverse2_world(tmp_path_factory):
    """The built-in world as a log of Argoverse 2, see write_argoverse2.py."""
    pytest.importorskip('pyarrow')
    pytest.importorskip('embreex')
    from write_argoverse2 import argoverse2_world

    return argoverse2_world(tmp_path_factory.mktemp('argoverse2') / 'sensor')


@pytest.fixture(scope='session')
def waymo_world(tmp_path_factory):
    """The built-in world as a segment of Waymo, as published and converted, see write_waymo.py."""
    pytest.importorskip('pyarrow')
    pytest.importorskip('embreex')
    from write_waymo import waymo_world

    return waymo_world(tmp_path_factory.mktemp('waymo'))


@pytest.fixture(scope='session')
def kitti360_world(tmp_path_factory):
    """The built-in world as a sequence of KITTI-360, see write_kitti360.py."""
    pytest.importorskip('embreex')
    from write_kitti360 import kitti360_world

    return kitti360_world(tmp_path_factory.mktemp('kitti360') / 'KITTI-360')
