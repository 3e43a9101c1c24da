import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from mmdet3d.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from fsmde.apis import Frame, SurroundDepthInferencer, load_model
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile, write_rig


def predictions_of_the_test_loop(published):
    """What tools/test.py predicts, by frame and camera: its config's data set, preprocessor and model."""
    config = Config.fromfile(published / 'config.py')
    model = load_model(published / 'config.py', published / 'epoch_3.pth', 'cpu')
    dataset, found = DATASETS.build(config.test_dataloader.dataset), {}
    for index in range(len(dataset)):
        batch = model.data_preprocessor(pseudo_collate([dataset[index]]))
        with torch.no_grad():
            sample = model(**batch, mode='predict')[0]
        found[sample.frame_id] = dict(zip(sample.cam_names, sample.pred_depth.numpy()))
    return found


def test_a_published_folder_predicts_what_the_test_loop_does(published, frames):
    expected = predictions_of_the_test_loop(published)
    inferencer = SurroundDepthInferencer(published / 'student', device='cpu')
    results = inferencer(frames)['predictions']
    assert [result.name for result in results] == list(expected) and len(expected) == 3
    for result in results:
        assert result.missing == () and list(result.depth) == list(expected[result.name])
        for camera, depth in result.depth.items():
            np.testing.assert_allclose(depth, expected[result.name][camera], rtol=1e-4)
            assert depth.std() > 0.01
