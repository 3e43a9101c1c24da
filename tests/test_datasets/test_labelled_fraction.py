import numpy as np
import pytest
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from toy_run import PIPELINE, distilled

from fsmde.datasets import DDADDataset
from fsmde.datasets.labels import evenly_spread
from fsmde.evaluation import SurroundDepthMetric
from fsmde.evaluation.aggregate import distinct_frames
from fsmde.evaluation.rows import FrameRow
from toy_dgp import write_toy_dgp


def dataset(tmp_path, samples=4, **options):
    root = tmp_path / 'toy'
    if not root.is_dir():
        write_toy_dgp(root, samples=samples)
    return DDADDataset(data_root=str(root), pipeline=PIPELINE, **options)


def test_labels_are_evenly_spread():
    assert np.flatnonzero(evenly_spread(12, 1 / 3)).tolist() == [1, 4, 7, 10]
    assert evenly_spread(5, 1.0).all()
    assert np.flatnonzero(evenly_spread(3, 0.01)).tolist() == [1]
    assert evenly_spread(72, 0.1).sum() == 7
    assert not evenly_spread(3, 0.0).any()


def test_other_frames_have_images_and_no_ground_truth(tmp_path):
    frames = dataset(tmp_path, labelled_fraction=0.5)
    assert [frames.get_data_info(i)['labelled'] for i in range(4)] == [False, True, False, True]
    points = [int((frames[i]['data_samples'].gt_depth > 0).sum()) for i in range(4)]
    assert points[0] == points[2] == 0 and min(points[1], points[3]) > 100
    assert frames[0]['inputs']['teacher_img'].shape == frames[1]['inputs']['teacher_img'].shape


def test_labelled_frames_alone_keep_the_length_of_an_epoch(tmp_path):
    frames = dataset(tmp_path, labelled_fraction=0.5, only_labelled=True)
    assert [frames.get_data_info(i)['frame_id'][-1] for i in range(4)] == ['1', '1', '3', '3']
    frames.set_epoch(0, 0)
    first, second = frames[0]['inputs']['img'], frames[1]['inputs']['img']
    assert (first != second).any()  # Augmented differently.


def test_images_alone(tmp_path):
    frames = dataset(tmp_path, labelled_fraction=0)
    assert len(frames) == 4 and not any((frames[i]['data_samples'].gt_depth > 0).any() for i in range(4))
    with pytest.raises(ValueError, match=r'none of 4 frames keeps LiDAR \(labelled_fraction=0\)'):
        len(dataset(tmp_path, labelled_fraction=0, only_labelled=True))


def test_an_evaluation_wants_all_labels_and_each_frame_once(tmp_path):
    init_default_scope('mmdet3d')
    frames = dataset(tmp_path, labelled_fraction=0.5)
    metric = SurroundDepthMetric()
    metric.dataset_meta = frames.metainfo
    samples = [dict(frames[i]['data_samples'].to_dict(), lidar_pixels=None) for i in range(4)]
    with pytest.raises(ValueError, match='frame 000000/0000 is evaluated without its LiDAR: labelled_fraction is for'):
        metric.process(None, samples)
    rows = [FrameRow('here', i, frame_id, *[None] * 9) for i, frame_id in enumerate('aabb')]
    with pytest.raises(ValueError, match='frame a is in the data set more than once.*only_labelled is for training'):
        distinct_frames(rows)


@pytest.mark.parametrize('fraction', [1.5, -0.1])
def test_fractions_out_of_range(tmp_path, fraction):
    with pytest.raises(ValueError, match=r'labelled_fraction must be in \[0, 1\]'):
        dataset(tmp_path, labelled_fraction=fraction)


def test_losses_of_a_batch_without_ground_truth(tmp_path):
    init_default_scope('mmdet3d')
    frames = dataset(tmp_path, labelled_fraction=0.5)
    model = MODELS.build(Config(dict(model=distilled())).model)
    losses = {}
    for name, indices in (('none', [0, 2]), ('half', [0, 1])):
        batch = model.data_preprocessor(pseudo_collate([frames[i] for i in indices]), training=True)
        total, losses[name] = model.parse_losses(model(**batch, mode='loss'))
        total.backward()
        assert np.isfinite(total.item())
    assert losses['none']['loss_depth'] == 0 < losses['half']['loss_depth']
