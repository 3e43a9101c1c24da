from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from toy_run import TEST_PIPELINE

from fsmde.deployment import frames, graph_errors


class Constant:
    """In the place of a session: a graph that says as many metres everywhere as its file is called."""

    def __init__(self, path):
        self.metres = float(path.stem)

    def __call__(self, images, fx):
        return [np.full(images.shape[:4], self.metres, np.float32)]


def test_errors_of_graphs_by_hand(toy_dgp, monkeypatch):
    """In a cylinder of 10 m straight ahead is 10 m, less in z-depth towards the image's edges, never more."""
    init_default_scope('mmdet3d')
    monkeypatch.setattr(frames, 'OnnxSession', Constant)
    dataset = Config(dict(d=dict(type='DDADDataset', data_root=str(toy_dgp), split='val', pipeline=TEST_PIPELINE))).d
    paths = [Path('10.onnx'), Path('12.onnx'), Path('5.onnx')]
    count, found = graph_errors(paths, dataset, dataset.pipeline, 2, max_depth=40.0)
    assert count == 2 and list(found) == paths
    (error, same), (farther, fifth), (nearer, half) = found.values()
    assert same == 0 and fifth == pytest.approx(0.2) and half == pytest.approx(0.5)
    # |10 - z| / z and |12 - z| / z of all z <= 10: they differ by 2 / z, at least 0.2.
    assert 0 < error < 0.3 and 0.2 < farther - error < 0.3 and nearer < 0.5
