import pytest
import torch
from mmdet3d.registry import HOOKS
from mmengine.structures import BaseDataElement

from fsmde.engine import visualization_hook
from fsmde.engine.visualization_hook import SurroundVisualizationHook


def test_every_second_frame_is_drawn_in_rgb(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        visualization_hook,
        'write_frame',
        lambda show_dir, sample, images, **options: drawn.append((sample, images, options)),
    )
    hook = HOOKS.build(dict(type='SurroundVisualizationHook', show_dir=str(tmp_path), interval=2, max_depth=80.0))
    blue = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
    blue[:, 0] = 255
    samples = [BaseDataElement(metainfo=dict(sample_idx=i)) for i in (3, 4)]
    hook.after_test_iter(None, 0, dict(inputs=dict(img=[blue, blue])), samples)
    ((sample, images, options),) = drawn
    assert sample.sample_idx == 4 and options == dict(max_depth=80.0)
    assert images[0, :, 0, 0].tolist() == [0, 0, 255]


def test_an_interval_below_one_is_refused():
    with pytest.raises(ValueError, match='interval'):
        SurroundVisualizationHook('x', interval=0)
