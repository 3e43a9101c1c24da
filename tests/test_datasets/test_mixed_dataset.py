"""Several rigs behind one another."""

import pytest
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from toy_run import PIPELINE, distilled

from fsmde.datasets import MixedSurroundDataset
from fsmde.engine.config_files import set_data_root
from toy_dgp import AZIMUTHS, write_toy_dgp

THREE = ('CAMERA_01', 'CAMERA_05', 'CAMERA_06')


def mixed(root, **kwargs):
    init_default_scope('mmdet3d')
    small = [dict(step, size=(32, 64)) if 'size' in step else step for step in PIPELINE]
    one = dict(type='DDADDataset', data_root=str(root), pipeline=PIPELINE)
    few = dict(one, cameras=list(THREE), pipeline=small, **kwargs)
    return DATASETS.build(dict(type='MixedSurroundDataset', datasets=dict(six=one, three=few)))


def test_each_part_keeps_its_rig_and_its_size(toy_dgp):
    frames = mixed(toy_dgp)
    assert len(frames) == 6 and frames.names == ['six', 'three']
    assert frames[0]['inputs']['img'].shape == (6, 3, 48, 64) and frames[3]['inputs']['img'].shape == (3, 3, 32, 64)
    meta = frames.metainfo
    assert meta['dataset'] == 'six+three' and 'cam_names' not in meta
    assert meta['parts']['three']['cam_names'] == list(THREE) and meta['parts']['three']['frames'] == 3
    assert frames[4]['data_samples'].source == meta['parts']['three']['source']


def test_parts_must_be_named():
    for wrong in ({}, [dict(type='DDADDataset')], None):
        with pytest.raises(ValueError, match='datasets must be {name: config}'):
            MixedSurroundDataset(wrong)


def test_a_batch_of_two_rigs_is_refused(toy_dgp):
    """Two rigs of one shape: what would tell them apart in the losses is who is beside whom."""
    model = MODELS.build(distilled())
    same_size = dict(type='DDADDataset', data_root=str(toy_dgp), pipeline=PIPELINE[:4] + PIPELINE[-2:])
    names = list(AZIMUTHS)
    other = dict(same_size, cameras=[names[n] for n in (0, 2, 1, 3, 4, 5)])
    first, second = (DATASETS.build(one)[0] for one in (same_size, other))
    batch = model.data_preprocessor(pseudo_collate([first, second]))
    with pytest.raises(
        ValueError, match='frames 000000/0000 and 000000/0000 of one batch have other adjacent cameras'
    ):
        model(**batch, mode='loss')


@pytest.mark.parametrize('cameras', [1, 2, 3, 5, 7])
def test_distillation_on_rigs_of_any_number_of_cameras(tmp_path, cameras):
    """One model, which has seen another rig before: nothing of a batch stays."""
    rig = {f'C{n}': 360 * n / max(cameras, 4) for n in range(cameras)}  # Open towards the back below four.
    root = write_toy_dgp(tmp_path / 'toy', cameras=rig, samples=1)
    init_default_scope('mmdet3d')
    torch.manual_seed(0)
    model = MODELS.build(distilled())
    options = dict(type='DDADDataset', pipeline=PIPELINE[:4] + PIPELINE[-2:])
    mine = DATASETS.build(dict(options, data_root=str(root), cameras=list(rig)))[0]
    before = DATASETS.build(dict(options, data_root=str(write_toy_dgp(tmp_path / 'six', samples=1))))[0]
    model.eval()
    batches = [model.data_preprocessor(pseudo_collate([frame])) for frame in (mine, before)]
    fresh = model(**batches[0], mode='loss')
    model(**batches[1], mode='loss')
    again = model(**batches[0], mode='loss')
    for name, value in fresh.items():
        assert torch.isfinite(value) and torch.equal(value, again[name])
    assert (fresh['loss_kd_view'] > 0) == (cameras > 1)
    model.parse_losses(again)[0].backward()
    # DDP wants a gradient for every parameter, of a rig without neighbours too.
    assert not [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]


def test_data_roots_by_name():
    def config():
        parts = dict(a=dict(data_root='A', pipeline=[]), b=dict(dataset=dict(data_root='B')))
        return ConfigDict(train_dataloader=dict(dataset=dict(datasets=parts)), val_dataloader=dict(dataset=parts['a']))

    cfg = config()
    set_data_root(cfg, ['a=/new=1', 'b=/other'])
    parts = cfg.train_dataloader.dataset.datasets
    assert parts.a.data_root == '/new=1' and parts.b.dataset.data_root == '/other'
    cfg = config()
    set_data_root(cfg, 'b=/other')
    assert cfg.train_dataloader.dataset.datasets.a.data_root == 'A'
    for wrong in ('/all', ['/all'], ['a=/x', 'c=/y'], ['a=/x', 'a=/y']):
        with pytest.raises(
            ValueError, match='the data sets of the config want --data-root a=DIR --data-root b=DIR, found'
        ):
            set_data_root(config(), wrong)
    with pytest.raises(ValueError, match='--data-root is empty'):
        set_data_root(config(), ['a='])
    with pytest.raises(ValueError, match='want --data-root DIR, found /x /y'):
        set_data_root(ConfigDict(train_dataloader=dict(dataset=dict(data_root='A'))), ['/x', '/y'])
