"""Saving predictions."""

import os.path as osp
import re

import cv2
import numpy as np
from mmdet3d.registry import HOOKS
from mmengine.hooks import Hook

from .checkpoint import AtomicBackend


@HOOKS.register_module()
class DepthWriterHook(Hook):
    """Save each predicted depth map of a test run as ``<out_dir>/<frame_id>/<camera>.png``.

    16-bit grey PNG at the network's input size, metres * 256, at most 255.996 m: what
    ``tools/analysis_tools/eval_predictions.py`` reads.

    Args:
        out_dir: Folder to write to.
    """

    def __init__(self, out_dir: str):
        self.out_dir, self.files = out_dir, AtomicBackend()

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Write the depth maps of a batch."""
        for sample in outputs:
            folder = osp.join(self.out_dir, *[re.sub(r'[^\w.+-]', '_', part) for part in sample.frame_id.split('/')])
            for name, depth in zip(sample.cam_names, sample.pred_depth.cpu().numpy()):
                encoded = np.clip(np.nan_to_num(depth) * 256, 0, 65535).round().astype(np.uint16)
                self.files.put(cv2.imencode('.png', encoded)[1].tobytes(), osp.join(folder, f'{name}.png'))
