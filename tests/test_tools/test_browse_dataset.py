import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from processes import load_tool

ROOT = Path(__file__).parents[2]
SAMPLES = os.environ.get('FSMDE_SAMPLE_DATA')


def browse(data_root, out):
    command = [sys.executable, 'tools/analysis_tools/browse_dataset.py', 'configs/fsmde_sup_ddad.py', '--split', 'val']
    command += ['--data-root', str(data_root), '--out', str(out), '--frames', '3']
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.skipif(not SAMPLES, reason='FSMDE_SAMPLE_DATA does not name the folder of the real samples')
def test_faults_of_real_frames_are_reported(tmp_path):
    """One run over three frames: the first is whole, the image of the second is cut, the LiDAR of the third turned."""
    data_root = tmp_path / 'ddad'
    shutil.copytree(Path(SAMPLES) / 'ddad_sample', data_root, copy_function=shutil.copyfile)
    for path in data_root.rglob('*'):
        path.chmod(0o755)
    image = sorted((data_root / 'scene_02/rgb/CAMERA_05').iterdir())[1]
    image.write_bytes(image.read_bytes()[:1000])
    turn_lidar(sorted((data_root / 'scene_02/point_cloud/LIDAR').glob('*.npz'))[2], degrees=2)
    done = browse(data_root, tmp_path / 'out')
    assert done.returncode == 1, done.stderr
    table, sentences = done.stdout.split('things to look at:')
    assert table.count('CAMERA_01') == 2
    unread, *turned = sentences.strip().splitlines()
    assert 'frame scene_02/0001 cannot be read' in unread and image.name in unread
    assert len(turned) >= 3 and all('frame scene_02/0002' in s and 'depth edges lie' in s for s in turned)
    assert len(list((tmp_path / 'out').rglob('*.jpg'))) == 2


@pytest.mark.parametrize('frames', ['0', '-1'])
def test_no_frames_are_not_nothing_wrong(frames, monkeypatch, capsys):
    monkeypatch.setattr('sys.argv', ['browse_dataset.py', 'config.py', '--frames', frames])
    with pytest.raises(SystemExit):
        load_tool('analysis_tools/browse_dataset.py').main()
    assert f'--frames must be 1 or more, found {frames}' in capsys.readouterr().err


def turn_lidar(path, degrees):
    import numpy as np

    points = np.load(path)['data'].copy()
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    points[:, :2] = points[:, :2] @ np.array([[c, s], [-s, c]])
    np.savez(path, data=points)
