import hashlib
import json
import shutil

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from processes import load_tool, run_tool

from fsmde.apis import SurroundDepthInferencer
from fsmde.rig_file import write_rig


@pytest.fixture(scope='module')
def recording(published):
    """A folder of images for each camera, one of them without its second image, and the rig file."""
    from fsmde.apis.sources import DatasetFrames
    from fsmde.datasets import DDADDataset

    with DefaultScope.overwrite_default_scope('mmdet3d'):
        frames = list(DatasetFrames(DDADDataset(data_root=str(published / 'toy'), split='val', test_mode=True)))
    folder = published / 'recording'
    for number, frame in enumerate(frames):
        for camera in frame.images:
            (folder / camera).mkdir(parents=True, exist_ok=True)
            if (number, camera) != (1, 'CAMERA_05'):
                cv2.imwrite(str(folder / camera / f'{number}.png'), frame.read(camera))
    write_rig(published / 'rig.yaml', frames[0].rig)
    return folder


def read_png(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED) / 256


def infer(published, recording, out, *options, log):
    return run_tool(
        'infer.py', published / 'student', recording, '--rig', published / 'rig.yaml', '--out', out, '--device', 'cpu',
        *options, log=log,
    )  # fmt: skip


@pytest.mark.parametrize(
    'option, value',
    [('fps', 'nan'), ('max-depth', '-1'), ('min-confidence', '5'), ('tolerance', '-1'), ('threads', '0')],
)
def test_options_out_of_their_range(monkeypatch, capsys, option, value):
    monkeypatch.setattr('sys.argv', ['infer.py', 'student', 'images', '--out', 'out', f'--{option}', value])
    with pytest.raises(SystemExit, match='2'):
        load_tool('infer.py').parse_args()
    assert f'--{option} must lie in [' in capsys.readouterr().err


def test_a_runtime_of_graphs_is_for_graphs(monkeypatch, capsys):
    arguments = ['infer.py', 'student', 'images', '--out', 'out', '--runtime', 'openvino']
    monkeypatch.setattr('sys.argv', arguments)
    with pytest.raises(SystemExit, match='2'):
        load_tool('infer.py').parse_args()
    assert '--runtime openvino is for an ONNX graph, found student' in capsys.readouterr().err
    monkeypatch.setattr('sys.argv', ['infer.py', 'student.onnx', *arguments[2:]])
    assert load_tool('infer.py').parse_args().runtime == 'openvino'


def test_a_cut_record_of_a_run(monkeypatch, tmp_path):
    (tmp_path / 'run.json').write_text('{"model": "stu')
    monkeypatch.setattr('sys.argv', ['infer.py', 'student', 'images', '--out', str(tmp_path), '--resume'])
    tool = load_tool('infer.py')
    with pytest.raises(SystemExit, match=f'{tmp_path}/run.json is no record of a run .*run.json is cut'):
        tool.check_out(tool.parse_args())


@pytest.fixture
def begun(monkeypatch, published, tmp_path):
    """What the tool writes to, of a call with options; the model and the rig file are in ``tmp_path``, the output too."""
    shutil.copytree(published / 'student', tmp_path / 'student')
    (tmp_path / 'rig.yaml').write_text('a rig')

    def begin(*options, source='images'):
        argv = tmp_path / 'student', source, '--rig', tmp_path / 'rig.yaml', '--out', tmp_path / 'out', *options
        monkeypatch.setattr('sys.argv', ['infer.py', *map(str, argv)])
        tool = load_tool('infer.py')
        args = tool.parse_args()
        sinks = tool.make_sinks(args)
        tool.check_out(args)
        return sinks

    return begin


def test_a_run_goes_on_with_the_files_that_it_began_with(begun, tmp_path):
    """Not with others of the same names."""
    begun()
    begun('--resume')
    for name, key in (
        ('rig.yaml', 'rig'),
        ('student/model.safetensors', 'model'),
        ('student/config.json', 'model_config'),
    ):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content + b' ')
        with pytest.raises(
            SystemExit, match=f'other options .{key}_sha256: {hash_of(content)} before, [0-9a-f]+ now.:'
        ):
            begun('--resume')
        (tmp_path / name).write_bytes(content)
    begun('--resume')


def hash_of(content):
    return hashlib.sha256(content).hexdigest()


def test_what_overwrite_began_over_other_files_is_not_gone_on_with(begun, tmp_path):
    """Stopped half-way, it would take the other run's files as its own. One that wrote nothing has left no files."""
    begun()
    (tmp_path / 'rig.yaml').write_text('mended')
    begun()
    begun('--overwrite')
    begun('--resume')
    (tmp_path / 'out/depth').mkdir()
    begun('--overwrite')
    with pytest.raises(SystemExit, match=f'--overwrite began over {tmp_path}/out: .* nobody can tell'):
        begun('--resume')
    shutil.rmtree(tmp_path / 'out')
    recording = tmp_path / 'a.mcap'
    recording.write_bytes(b'of another run')
    begun('--mcap', recording, '--overwrite')
    with pytest.raises(SystemExit, match=f'--overwrite began over {recording}: '):
        begun('--mcap', recording, '--resume')


def test_a_recording_of_another_run_is_not_taken_as_finished(begun, tmp_path):
    pytest.importorskip('rosbags')
    recording = tmp_path / 'a.mcap'
    recording.write_bytes(b'of another run')
    with pytest.raises(SystemExit, match='a.mcap is there already'):
        begun('--mcap', recording, '--resume')
    recording.unlink()
    assert [sink.ego_frame for sink in begun('--mcap', recording, '--ego-frame', '')[1:]] == ['base_link']
    (tmp_path / 'out/run.json').unlink()
    assert [sink.ego_frame for sink in begun('--mcap', recording, '--ego-frame', 'car')[1:]] == ['car']
    recording.write_bytes(b'of this run')
    assert len(begun('--mcap', recording, '--ego-frame', 'car', '--resume')) == 1


def test_a_recording_is_not_written_over_its_input(begun, tmp_path):
    (tmp_path / 'bag').mkdir()
    for source, name in ((tmp_path / 'drive.mcap', 'drive.mcap'), (tmp_path / 'bag', 'bag/bag_0.mcap')):
        (tmp_path / name).write_bytes(b'')
        (tmp_path / 'link.mcap').symlink_to(tmp_path / name)
        for path in (name, 'link.mcap', 'out/../' + name):
            (tmp_path / 'out').mkdir(exist_ok=True)
            for option in ('--overwrite', '--resume'):
                with pytest.raises(SystemExit, match=f'{path} is of the input {source}: name another file'):
                    begun('--mcap', tmp_path / path, option, source=source)
        (tmp_path / 'link.mcap').unlink()


def test_images_become_depth_panels_clouds_and_a_film(published, recording, tmp_path):
    out, log = tmp_path / 'out', tmp_path / 'log'
    everything = ('--panels', '--birds-eye', '--ply', '--video')
    code, printed = infer(published, recording, out, *everything, log=log)
    assert code == 0, printed
    assert 'frame 1 has no image of CAMERA_05' in printed and 'CAMERA_05 was missing in 1 frames' in printed
    assert '3/3 frames' in printed and 'a second' in printed
    names = sorted(str(path.relative_to(out)) for path in out.rglob('*') if path.is_file())
    cameras = sorted(folder.name for folder in recording.iterdir())
    expected = [f'depth/{n}/{camera}.png' for n in range(3) for camera in cameras if (n, camera) != (1, 'CAMERA_05')]
    expected += [
        f'{kind}/{n}{end}'
        for kind, end in (('panels', '.jpg'), ('birds_eye', '.jpg'), ('points', '.ply'))
        for n in range(3)
    ]
    assert names == sorted([*expected, 'panels.mp4', 'run.json'])
    inferencer = SurroundDepthInferencer(published / 'student', rig=published / 'rig.yaml', device='cpu')
    for result in inferencer(str(recording))['predictions']:
        for camera, depth in result.depth.items():
            found = read_png(out / 'depth' / result.name / f'{camera}.png')
            np.testing.assert_allclose(found, depth, atol=1 / 256)
    film = cv2.VideoCapture(str(out / 'panels.mp4'))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    panel = cv2.imread(str(out / 'panels/0.jpg'))
    assert np.abs(film.read()[1].astype(int) - panel[: int(film.get(4)), : int(film.get(3))]).mean() < 10
    # Nothing is overwritten, a stopped run goes on, and only with the options it began with.
    before = {path: path.stat().st_mtime_ns for path in out.rglob('*.ply')}
    code, printed = infer(published, recording, out, *everything, log=log)
    assert code != 0 and 'is not empty: --resume' in printed
    (out / 'depth/1/CAMERA_01.png').unlink()
    code, printed = infer(published, recording, out, *everything, '--resume', log=log)
    assert code == 0 and '2 frames were there already' in printed and (out / 'depth/1/CAMERA_01.png').is_file()
    after = {path: path.stat().st_mtime_ns for path in out.rglob('*.ply')}
    assert [path.name for path in before if before[path] != after[path]] == ['1.ply']
    assert cv2.VideoCapture(str(out / 'panels.mp4')).get(cv2.CAP_PROP_FRAME_COUNT) == 3
    code, printed = infer(published, recording, out, '--resume', log=log)
    assert code != 0 and 'panels: True before, False now' in printed
    code, printed = infer(published, recording, out, '--overwrite', log=log)
    assert code == 0 and json.loads((out / 'run.json').read_text())['panels'] == 'False'


def test_npz_in_original_pixels_without_calibration_files(published, recording, tmp_path):
    argv = published / 'student', recording / 'CAMERA_01', '--out', tmp_path / 'out', '--device', 'cpu'
    code, printed = run_tool('infer.py', *argv, log=tmp_path / 'log')
    assert code != 0 and 'has no calibration' in printed and '--hfov DEGREES' in printed and 'Traceback' not in printed
    options = '--hfov', 77, '--format', 'npz', '--original-size', '--overwrite'
    code, printed = run_tool('infer.py', *argv, *options, log=tmp_path / 'log')
    assert code == 0, printed
    with np.load(tmp_path / 'out/depth/CAMERA_01/0.npz') as found:
        assert found['depth'].shape == (48, 64) and found['depth'].dtype == np.float32


def test_the_test_set_of_a_config_as_tools_test_predicts_it(published, recording, tmp_path):
    argv = published / 'student', published / 'config.py', '--out', tmp_path / 'out', '--device', 'cpu'
    code, printed = run_tool('infer.py', *argv, log=tmp_path / 'log')
    assert code == 0, printed
    argv = published / 'config.py', published / 'epoch_3.pth', '--out', tmp_path / 'expected', '--work-dir', tmp_path
    code, printed = run_tool('test.py', *argv, log=tmp_path / 'log')
    assert code == 0, printed
    names = sorted(path.relative_to(tmp_path / 'expected') for path in (tmp_path / 'expected').rglob('*.png'))
    assert len(names) == 18
    for name in names:
        found, expected = (read_png(folder / name) for folder in (tmp_path / 'out/depth', tmp_path / 'expected'))
        # PNGs are rounded to 1/256 m.
        np.testing.assert_allclose(found, expected, atol=1.01 / 256)


def test_the_tool_says_what_it_cannot_write(published, recording, tmp_path):
    code, printed = infer(published, recording, tmp_path / 'out', '--format', 'none', log=tmp_path / 'log')
    assert code != 0 and 'nothing to write' in printed and not (tmp_path / 'out').exists()
