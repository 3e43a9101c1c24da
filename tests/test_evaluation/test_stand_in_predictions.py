import sys

import cv2
import numpy as np
import pytest
from processes import load_tool

from fsmde.evaluation.predictions import read_frame

CAMERAS = ('CAMERA_01', 'CAMERA_08')
CONFIG = """
masks = dict(root='masks', template='{{camera}}.png', valid=255)
dataset = dict(type='DDADDataset', data_root={root!r}, split='val', cameras={cameras!r}, self_occlusion=masks,
               dense_depth='depth/{{camera}}/{{stem}}.png', test_mode=True, pipeline=[])
val_dataloader = test_dataloader = dict(dataset=dataset)
train_dataloader = None
"""


@pytest.fixture
def tool():
    return load_tool('analysis_tools/stand_in_predictions.py')


def test_a_wall_is_too_far_by_what_was_asked_for(tool, toy_dgp, tmp_path, monkeypatch):
    """A wall at 10 m that fills the upper half of each image, the own car in the lowest quarter, sky between."""
    depth, mask = np.zeros((48, 64), np.uint16), np.full((48, 64), 255, np.uint8)
    depth[:24], mask[36:] = 10 * 256, 0
    (toy_dgp / 'masks').mkdir()
    for camera in CAMERAS:
        cv2.imwrite(str(toy_dgp / f'masks/{camera}.png'), mask)
        folder = toy_dgp / f'000000/depth/{camera}'
        folder.mkdir(parents=True)
        for number in range(3):
            cv2.imwrite(str(folder / f'{number}.png'), depth)
    (tmp_path / 'config.py').write_text(CONFIG.format(root=str(toy_dgp), cameras=CAMERAS))
    monkeypatch.setattr(sys, 'argv', ['stand_in_predictions', str(tmp_path / 'config.py'), str(tmp_path / 'maps')])
    tool.main()
    first, second = (read_frame(str(tmp_path / 'maps'), f'000000/000{n}', CAMERAS) for n in range(2))
    assert first.shape == (2, 384, 640)
    for pred, scale in zip(first, (1.05, 1.3)):
        log = np.log(pred[:180] / 10)
        assert log.mean() == pytest.approx(np.log(scale), abs=0.03)
        assert log.std() == pytest.approx(0.12, abs=0.03)
        assert np.median(pred[210:280]) > 150
        assert (pred[288:] == 1.5).all()
    # Noise is drawn anew for each image, and the same again in each run.
    assert np.abs(np.log(first / second))[:, :180].mean() > 0.05
    tool.main()
    np.testing.assert_array_equal(read_frame(str(tmp_path / 'maps'), '000000/0000', CAMERAS), first)
