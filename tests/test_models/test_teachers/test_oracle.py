import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement

from fsmde.datasets import OracleTeacherAnswers
from fsmde.models import OracleTeacher
from fsmde.models.distillers import align_to_lidar
from fsmde.structures import DepthTarget

N, H, W = 2, 6, 8


def frame(frame_id='000000/0001'):
    """Dense depth of 2 to 49 m at twice the size; the first row is sky, the last row of the first view the car."""
    depth = np.linspace(2, 49, N * H * W, dtype=np.float32).reshape(N, H, W)
    depth[:, 0] = 0
    visible = np.ones((N, H, W), dtype=bool)
    visible[0, -1] = False
    depth[0, -1] = 0
    half = np.diag([0.5, 0.5, 1.0])
    return dict(
        frame_id=frame_id,
        img=[np.zeros((H, W, 3), np.uint8)] * N,
        visible=list(visible),
        cam2img=np.stack([np.eye(3)] * N),
        cam2ego=np.stack([np.eye(4)] * N),
        ori2img=np.stack([half] * N),
        cam_order=np.arange(N),
        dense_depth=depth.repeat(2, 1).repeat(2, 2),
    ), depth


def test_answers_are_affine_in_inverse_depth_and_nothing_else():
    results, depth = frame()
    answers = OracleTeacherAnswers()(results)['teacher_depth']
    lines = []
    for view in range(N):
        known = depth[view] > 0
        a, b = np.polyfit(1 / depth[view][known], answers[view][known], 1)
        np.testing.assert_allclose(answers[view][known], a / depth[view][known] + b, atol=1e-5)
        np.testing.assert_allclose(answers[view][0], b, atol=1e-5)  # The sky is infinitely far.
        assert 1 / 3 <= a <= 3 and abs(b) <= 0.1
        lines.append((a, b))
    assert np.isnan(answers[0, -1]).all() and np.isfinite(answers[1]).all()
    assert not np.allclose(*lines)
    again, other = (OracleTeacherAnswers()(frame(name)[0])['teacher_depth'] for name in ('000000/0001', '000000/0002'))
    np.testing.assert_array_equal(answers, again)
    assert not np.allclose(answers[1], other[1])
    assert 'gt_depth' not in results


def test_aligned_to_lidar_the_oracle_is_right():
    results, depth = frame()
    sample = BaseDataElement(teacher_depth=torch.from_numpy(OracleTeacherAnswers()(results)['teacher_depth']))
    output = OracleTeacher().answer({}, [sample])
    truth = torch.from_numpy(depth)[None]
    mask = torch.zeros_like(truth, dtype=torch.bool)
    mask[..., 1:, ::2] = truth[..., 1:, ::2] > 0
    aligned, valid = align_to_lidar(output, DepthTarget(truth, mask, torch.ones_like(mask)))
    known = (truth > 0) & valid
    assert known.sum() == (truth > 0).sum()
    torch.testing.assert_close(aligned[known], truth[known], rtol=1e-3, atol=1e-3)
    assert (aligned[0, :, 0] > 500).all() and not valid[0, 0, -1].any()


def test_missing_transforms_are_named():
    results, _ = frame()
    del results['dense_depth']
    with pytest.raises(ValueError, match='put LoadDenseDepth before'):
        OracleTeacherAnswers()(results)
    with pytest.raises(ValueError, match='put OracleTeacherAnswers into the training pipeline'):
        OracleTeacher().answer({}, [BaseDataElement()])
