"""A wheel holds all that the package needs: built, installed into a folder of its own and used there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
RIG = """
fsmde_rig: 1
cameras:
  FRONT: {size: [160, 96], intrinsics: {fx: 100.0, fy: 100.0, cx: 79.5, cy: 47.5}}
  REAR: {size: [200, 120], intrinsics: {fx: 90.0, fy: 90.0, cx: 99.5, cy: 59.5}}
"""
# What someone does who has the wheel alone: depth with the shipped model, and a config that inherits from the shipped ones.
USE = """
import runpy, sys
from pathlib import Path

import fsmde
from mmengine import Config

package = Path(fsmde.__file__).parent
Path('own.py').write_text('''
from mmengine.config import read_base
with read_base():
    from fsmde.configs.demo.demo_kd import *
''')
teacher = Config.fromfile('own.py').model.teacher
assert (package / '.mim' / teacher.config / 'model.safetensors').is_file()
model = str(package / '.mim/models/student')
sys.argv = ['infer.py', model, 'images', '--rig', 'rig.yaml', '--out', 'out', '--device', 'cpu']
runpy.run_path(str(package / '.mim/tools/infer.py'), run_name='__main__')
print(package)
"""


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
    """The folder where the wheel of this code was installed, built where things had been run and edited."""
    folder = tmp_path_factory.mktemp('packaging')
    source, target = folder / 'source', folder / 'target'
    source.mkdir()
    for name in ('setup.py', 'MANIFEST.in', 'README.md', 'LICENSE', 'model-index.yml'):
        shutil.copy(ROOT / name, source)
    left_out = shutil.ignore_patterns('__pycache__', '.mim', '*.egg-info')
    for name in ('projects', 'configs', 'tools', 'models'):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=left_out)
    (source / 'tools/__pycache__').mkdir()
    for left in ('tools/__pycache__/train.cpython-311.pyc', 'configs/.own.py.swp', 'models/mini_teacher/x.pth'):
        (source / left).touch()
    pip = [sys.executable, '-m', 'pip', '-q', '--disable-pip-version-check']
    run([*pip, 'wheel', '--no-deps', '--no-build-isolation', '--no-index', '-w', folder, source])
    (wheel,) = folder.glob('*.whl')
    run([*pip, 'install', '--no-deps', '--no-index', '--no-compile', '--target', target, wheel])
    return target


def run(command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files_in(folder):
    """Paths below a folder, whatever lies beside the code left out."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob('*')
        if path.is_file() and not {'.mim', 'configs', '__pycache__'} & set(path.relative_to(folder).parts)
    }


def test_it_holds_every_file_and_no_litter(installed):
    for source, place in (('projects/fsmde', ''), ('tools', '.mim/tools'), ('models', '.mim/models')):
        assert files_in(installed / 'fsmde' / place) == files_in(ROOT / source)
    configs = files_in(ROOT / 'configs')
    assert files_in(installed / 'fsmde/.mim/configs') == configs
    assert files_in(installed / 'fsmde/configs') == {name for name in configs if name.endswith('.py')}


def test_depth_and_an_inherited_config_from_it(installed, tmp_path):
    (tmp_path / 'images').mkdir()
    (tmp_path / 'rig.yaml').write_text(RIG)
    sizes = dict(FRONT=(96, 160), REAR=(120, 200))
    for name, size in sizes.items():
        image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f'images/{name}.png'), image)
    printed = run([sys.executable, '-c', USE], cwd=tmp_path, env=dict(os.environ, PYTHONPATH=str(installed)))
    assert printed.splitlines()[-1] == str(installed / 'fsmde')
    (frame,) = (tmp_path / 'out/depth').iterdir()
    for name in sizes:
        depth = cv2.imread(str(frame / f'{name}.png'), cv2.IMREAD_UNCHANGED)
        assert depth.shape == (192, 320) and depth.min() > 0, name


def test_mim_reads_its_model_index(installed):
    """By the package that defines the format, which mim reads with; configs are where mim and mmengine look."""
    load = pytest.importorskip('modelindex.load_model_index', reason='model-index is not installed').load
    index = load(str(installed / 'fsmde/.mim/model-index.yml'))
    # OpenMMLab counts paths from the root, the format from the file that states them.
    assert [error for error in index.check(silent=True) if 'README' not in error] == []
    assert [collection.name for collection in index.collections] == ['fsmde']
    names = [model.name for model in index.models]
    assert {'demo_kd', 'fsmde_kd_ddad', 'fsmde_rt_resnet18_half_ddad'} <= set(names)
    assert all((installed / 'fsmde/.mim' / model.config).is_file() for model in index.models)
