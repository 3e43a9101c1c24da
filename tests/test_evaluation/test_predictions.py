"""Predictions from files, by themselves and through the command."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from processes import load_tool

from fsmde.evaluation import DepthMapFrames, SurroundDepthMetric, evaluate_folder, on_maps
from fsmde.evaluation.predictions import (
    SUFFIXES,
    encode_depth,
    prediction_path,
    read_depth,
    read_frame,
    read_prediction,
)
from fsmde.evaluation.result_files import read_results

CONFIG = """
pipeline = [dict(type=t) for t in ('LoadSurroundImages', 'LoadSurroundLidar', 'KeepLidarPixels')]
pipeline += [dict(type='ResizeViews', size=(24, 32)), dict(type='ProjectLidarDepth'), dict(type='PackSurroundInputs')]
dataset = dict(type='DDADDataset', data_root={root!r}, split='val', test_mode=True, pipeline=pipeline)
val_dataloader = test_dataloader = dict(dataset=dataset)
train_dataloader = None
"""


def write_png(path, depth):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(f'{path}.png', np.round(np.asarray(depth) * 256).astype(np.uint16))


def test_formats_and_holes(tmp_path):
    path = prediction_path(str(tmp_path), '000000/0001', 'CAMERA_01')
    assert path == str(tmp_path / '000000/0001/CAMERA_01')
    assert prediction_path('p', 'a b/0001', 'C') == 'p/a%20b/0001/C'
    write_png(path, [[0, 2.5]])
    depth = read_prediction(prediction_path(str(tmp_path), '000000/0001', 'CAMERA_01'))
    assert depth.dtype == np.float32 and np.isnan(depth[0, 0]) and depth[0, 1] == 2.5
    np.savez(prediction_path(str(tmp_path), '000000/0001', 'B'), depth=np.array([[1.0, 300.0]]))
    np.save(prediction_path(str(tmp_path), '000000/0001', 'C'), np.array([[[1.0, 3.0]]]))
    frame = read_frame(str(tmp_path), '000000/0001', ('B', 'C'))
    assert frame.tolist() == [[[1, 300]], [[1, 3]]]


def test_files_that_are_cut(tmp_path):
    (tmp_path / 'a').mkdir()
    depth = np.arange(1.0, 65).reshape(8, 8)
    write_png(tmp_path / 'a/P', depth)
    np.savez(tmp_path / 'a/Z', depth=depth)
    np.save(tmp_path / 'a/Y', depth)
    for file in ('P.png', 'Z.npz', 'Y.npy'):
        content = (tmp_path / 'a' / file).read_bytes()
        for length in (0, 20, len(content) - 9):
            (tmp_path / 'a' / file).write_bytes(content[:length])
            with pytest.raises(ValueError, match=f'a/{file} (is|cannot be read)'):
                read_prediction(prediction_path(str(tmp_path), 'a', file[0]))


def test_users_mistakes(tmp_path):
    path = Path(prediction_path(str(tmp_path), 'a', 'C'))
    with pytest.raises(FileNotFoundError, match='one of the suffixes'):
        read_prediction(prediction_path(str(tmp_path), 'a', 'C'))
    path.parent.mkdir()
    cv2.imwrite(f'{path}.png', np.zeros((2, 2), np.uint8))
    with pytest.raises(ValueError, match='16-bit grey PNG of metres \\* 256, found uint8'):
        read_prediction(prediction_path(str(tmp_path), 'a', 'C'))
    np.savez(tmp_path / 'a/D', disparity=np.ones((2, 2)))
    with pytest.raises(ValueError, match="has no \\['depth'\\], but \\['disparity'\\]"):
        read_prediction(prediction_path(str(tmp_path), 'a', 'D'))
    np.save(tmp_path / 'a/E', np.ones((2, 2), int))
    with pytest.raises(ValueError, match='map of metres, found int64'):
        read_prediction(prediction_path(str(tmp_path), 'a', 'E'))
    np.save(tmp_path / 'a/H', np.ones((0, 3)))
    with pytest.raises(
        ValueError, match=r'a/H.npy: expected one \(height, width\) map of metres, found float64 \(0, 3\)'
    ):
        read_prediction(prediction_path(str(tmp_path), 'a', 'H'))
    np.savez(tmp_path / 'a/H', depth=np.ones((2, 2)))
    with pytest.raises(ValueError, match='a/H.npz and .*a/H.npy are maps of one camera: remove one'):
        read_prediction(prediction_path(str(tmp_path), 'a', 'H'))
    np.save(tmp_path / 'a/F', np.ones((2, 2)))
    np.save(tmp_path / 'a/G', np.ones((2, 3)))
    with pytest.raises(ValueError, match='differ in size'):
        read_frame(str(tmp_path), 'a', ('F', 'G'))


def test_command(toy_dgp, tmp_path, monkeypatch):
    from fsmde.datasets import DDADDataset

    dataset = DDADDataset(data_root=str(toy_dgp), split='val', test_mode=True)
    for index in range(len(dataset)):
        frame_id = dataset.get_data_info(index)['frame_id']
        for camera in dataset.cameras:
            write_png(prediction_path(str(tmp_path / 'maps'), frame_id, camera), np.full((12, 16), 10.0))
    (tmp_path / 'config.py').write_text(CONFIG.format(root=str(toy_dgp)))
    tool = load_tool('analysis_tools/eval_predictions.py')
    arguments = [str(tmp_path / 'config.py'), str(tmp_path / 'maps'), '--out', str(tmp_path / 'out')]
    monkeypatch.setattr(sys, 'argv', ['eval_predictions', *arguments])
    tool.main()
    results = read_results(str(tmp_path / 'out/results.json'))
    figures = results['protocols']['surrounddepth']['modes']['metric']['overall']['all']
    # A cylinder of 10 m: straight ahead 10 m, less in z-depth towards the image's edges, never more.
    assert figures['pixels'] > 100 and 0 < figures['abs_rel'] < 0.3
    assert results['protocols']['fsmde']['frames'] == 3
    # Three frames of one scene: without its ends one is left, too few for a group of four.
    assert results['protocols']['vfdepth']['frames'] == 0


CUT = [
    b'',
    b'\x89PNG\r\n\x1a\n',
    b'PK\x03\x04',
    b'\x93NUMPY',
    b'<html>',
    b'version https://git-lfs.github.com/spec/v1\n',
]


@pytest.mark.parametrize('suffix', SUFFIXES)
def test_files_that_are_cut_are_named(tmp_path, suffix):
    rng = np.random.default_rng(0)
    path = tmp_path / f'map{suffix}'
    depth = rng.uniform(1, 80, (40, 60))
    if suffix == '.png':
        path.write_bytes(encode_depth(depth))
    elif suffix == '.npz':
        np.savez_compressed(path, depth=depth)
    else:
        np.save(path, depth)
    content = path.read_bytes()
    np.testing.assert_allclose(read_depth(str(path)), depth, atol=1 / 512)
    for broken in (*CUT, *(content[: int(rng.integers(len(content)))] for _ in range(60)), content[:-1]):
        path.write_bytes(broken)
        if suffix == '.png' and broken.startswith(content[: content.index(b'IEND') - 4]):
            continue  # All pixels are there.
        with pytest.raises(ValueError, match=path.name):
            read_depth(str(path))


def test_a_pickle_is_not_opened(tmp_path):
    np.save(tmp_path / 'map.npy', np.array([dict()], dtype=object))
    with pytest.raises(ValueError, match='map.npy'):
        read_depth(str(tmp_path / 'map.npy'))


def evaluate_maps(tmp_path, protocols=('fsmde',)):
    dataset = DepthMapFrames(tmp_path / 'truth', 80)
    metric = SurroundDepthMetric([on_maps(name) for name in protocols], consistency=(), out_dir=str(tmp_path / 'out'))
    figures = evaluate_folder(str(tmp_path / 'pred'), dataset, metric)
    return figures, read_results(str(tmp_path / 'out/results.json'))


def test_depth_maps_as_ground_truth(tmp_path):
    for frame in ('a b/0', 'a b/1', 'c/0'):
        for camera, metres in (('left', 10.0), ('right', 20.0)):
            truth = np.full((8, 12), metres)
            truth[:4] = 0  # Not measured.
            truth[7] = 100  # Beyond the range.
            write_png(tmp_path / 'truth' / frame / camera, truth)
            write_png(tmp_path / 'pred' / frame / camera, np.full((4, 6), metres * 1.1))
    (tmp_path / 'truth/c/0/left.png').unlink()
    np.save(tmp_path / 'truth/c/0/left.npy', np.full((16, 24), np.nan) * 10)
    figures, results = evaluate_maps(tmp_path, ('fsmde', 'vfdepth'))
    assert figures['depth/abs_rel'] == pytest.approx(0.1, abs=1e-3)
    entry = results['protocols']['fsmde']
    assert entry['settings']['max_depth'] == 80 and entry['settings']['ground_truth'] == 'maps'
    cameras = entry['modes']['metric']['cameras']
    assert cameras['left']['all']['abs_rel'] == pytest.approx(0.1, abs=1e-3)
    assert [cameras[c]['all']['pixels'] for c in ('left', 'right')] == [2 * 3 * 12, 3 * 3 * 12]
    assert [cameras[c]['all']['images'] for c in ('left', 'right')] == [2, 3]
    assert 'depth-map ground truth at full size' in (tmp_path / 'out/results.md').read_text()


def test_depth_maps_that_do_not_make_frames(tmp_path):
    (tmp_path / 'truth').mkdir()
    (tmp_path / 'pred').mkdir()
    with pytest.raises(FileNotFoundError, match='holds no depth map'):
        evaluate_maps(tmp_path)
    write_png(tmp_path / 'truth/a/left', np.ones((2, 2)))
    write_png(tmp_path / 'truth/b/right', np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"truth/a has no depth map of \['right'\]"):
        evaluate_maps(tmp_path)
    write_png(tmp_path / 'truth/a/right', np.ones((2, 2)))
    np.save(tmp_path / 'truth/a/right.npy', np.ones((2, 2)))
    with pytest.raises(ValueError, match='are maps of one camera'):
        evaluate_maps(tmp_path)
    with pytest.raises(FileNotFoundError, match='elsewhere is no folder with predictions'):
        evaluate_folder(str(tmp_path / 'elsewhere'), None, None)


def test_the_command_wants_to_know_how_far_maps_are_evaluated(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['eval_predictions', str(tmp_path), '--truth', str(tmp_path)])
    with pytest.raises(SystemExit):
        load_tool('analysis_tools/eval_predictions.py').main()
    assert '--truth needs --max-depth' in capsys.readouterr().err
    monkeypatch.setattr(sys, 'argv', ['eval_predictions', str(tmp_path), '--truth', str(tmp_path), '--max-depth', '0'])
    with pytest.raises(SystemExit):
        load_tool('analysis_tools/eval_predictions.py').main()
    assert '--max-depth must be positive metres, found 0.0' in capsys.readouterr().err
