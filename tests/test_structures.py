"""What travels between dataset and model."""

import numpy as np
import torch
from torch.utils.data._utils.pin_memory import pin_memory

from fsmde.structures import SurroundDepthSample


def test_a_loader_pins_the_tensors_of_a_sample(monkeypatch):
    """By torch's own function; what is pinned is told by its values, since there may be no GPU to pin for."""
    monkeypatch.setattr(torch.Tensor, 'pin_memory', lambda self, *device: self + 100)
    sample = SurroundDepthSample(metainfo=dict(frame_id='a', cam2img=np.eye(3)[None]))
    sample.gt_depth = torch.arange(3.0)
    batch = pin_memory(dict(inputs=dict(img=[torch.zeros(2)]), data_samples=[sample]))
    pinned = batch['data_samples'][0]
    assert batch['inputs']['img'][0].tolist() == [100, 100]
    assert pinned.gt_depth.tolist() == [100, 101, 102] and sample.gt_depth.tolist() == [0, 1, 2]
    assert (
        pinned.frame_id == 'a'
        and np.array_equal(pinned.cam2img, sample.cam2img)
        and isinstance(pinned, SurroundDepthSample)
    )
