"""Predictions from files, by themselves and through the command."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from processes import load_tool

from fsmde.evaluation.predictions import prediction_path, read_frame, read_prediction
from fsmde.evaluation.results import read_results

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
    depth = read_prediction(str(tmp_path), '000000/0001', 'CAMERA_01')
    assert depth.dtype == np.float32 and np.isnan(depth[0, 0]) and depth[0, 1] == 2.5
    np.savez(prediction_path(str(tmp_path), '000000/0001', 'B'), depth=np.array([[1.0, 300.0]]))
    np.save(prediction_path(str(tmp_path), '000000/0001', 'C'), np.array([[[1.0, 3.0]]]))
    frame = read_frame(str(tmp_path), '000000/0001', ('B', 'C'))
    assert frame.tolist() == [[[1, 300]], [[1, 3]]]


def test_users_mistakes(tmp_path):
    path = Path(prediction_path(str(tmp_path), 'a', 'C'))
    with pytest.raises(FileNotFoundError, match='one of the suffixes'):
        read_prediction(str(tmp_path), 'a', 'C')
    path.parent.mkdir()
    cv2.imwrite(f'{path}.png', np.zeros((2, 2), np.uint8))
    with pytest.raises(ValueError, match='16-bit grey PNG of metres \\* 256, found mode L'):
        read_prediction(str(tmp_path), 'a', 'C')
    np.savez(tmp_path / 'a/D', disparity=np.ones((2, 2)))
    with pytest.raises(ValueError, match="key 'depth', found \\['disparity'\\]"):
        read_prediction(str(tmp_path), 'a', 'D')
    np.save(tmp_path / 'a/E', np.ones((2, 2), int))
    with pytest.raises(ValueError, match='map of metres, found int64'):
        read_prediction(str(tmp_path), 'a', 'E')
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
