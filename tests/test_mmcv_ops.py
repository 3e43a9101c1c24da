"""With and without mmcv's compiled ops: what imports, what trains, and what an op that is missing says."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CENTERPOINT = 'configs/bev/centerpoint_pillar02_pseudo-points_nus.py'


def python(code, *hidden):
    """Run Python from the root of the clone, as if the ``hidden`` modules were not installed."""
    hide = f'import sys; sys.modules.update(dict.fromkeys({hidden!r}))\n'
    done = subprocess.run([sys.executable, '-c', hide + code], capture_output=True, text=True, cwd=ROOT)
    return done.stdout + done.stderr


def test_without_any_mmcv_the_import_says_what_to_install():
    assert 'ImportError: fsmde needs mmcv, and there is none: pip install mmcv-lite==2.1.0' in python(
        'import fsmde', 'mmcv'
    )


def test_a_detector_without_ops_names_the_op_who_needs_it_and_the_command():
    """The voxel layer of a BEV config, on points: its first op."""
    said = python(
        f"""
import torch
import fsmde
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
init_default_scope('mmdet3d')
preprocessor = MODELS.build(Config.fromfile({CENTERPOINT!r}).model.data_preprocessor)
preprocessor.voxel_layer(torch.zeros(3, 5))
""",
        'mmcv._ext',
    )
    assert 'MissingOpError: hard_voxelize_forward is a compiled op of mmcv' in said
    assert 'BEV detectors do' in said and '`make setup-ops`' in said


def test_the_stand_in_is_no_op_to_mmengine_and_mmcv():
    said = python(
        """
import fsmde
from mmcv.utils import collect_env
from mmengine.utils.dl_utils import mmcv_full_available
print(collect_env()['MMCV Compiler'], mmcv_full_available(), fsmde.mmcv_ops.provide_ops())
""",
        'mmcv._ext',
    )
    assert 'not compiled False False' in said


@pytest.mark.ops
def test_compiled_ops_are_used_as_they_are():
    assert '_ext.cpython' in python('import fsmde, mmcv._ext; print(mmcv._ext.__file__)')
