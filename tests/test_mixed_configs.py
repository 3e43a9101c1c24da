"""The shipped mixture at toy size: DDAD, nuScenes and Argoverse 2 through one model."""

import sys
from pathlib import Path

import pytest
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.registry import EVALUATOR, init_default_scope
from mmengine.runner import Runner
from processes import load_tool
from toy_infos import write_toy_infos
from toy_models import shrink

from fsmde.apis.sources import DatasetFrames
from fsmde.datasets import NuScenesSurroundDataset
from fsmde.engine.config_files import set_data_root
from fsmde.teacher_cache.shown_frames import build_datasets, frame_ids

ROOT = Path(__file__).parent.parent
SIZES = dict(ddad=(64, 96), nuscenes=(32, 64), argoverse2=(64, 64))


def toy_config(name, toy_dgp, tmp_path, argoverse2_world):
    cfg = Config.fromfile(ROOT / 'configs' / name)
    shrink(cfg.model)
    rig = {camera: 60 * n for n, camera in enumerate(NuScenesSurroundDataset.CAMERAS)}
    nuscenes = write_toy_infos(tmp_path / 'nuscenes', rig)
    set_data_root(cfg, [f'ddad={toy_dgp}', f'nuscenes={nuscenes}', f'argoverse2={argoverse2_world[0]}'])
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.update(num_workers=0, batch_size=1)
        loader.pop('persistent_workers')
        for part, size in SIZES.items():
            for step in loader.dataset.datasets[part].pipeline:
                if 'size' in step:
                    step['size'] = size
        loader.dataset.datasets.nuscenes.update(ann_file='infos.pkl')
        loader.dataset.datasets.argoverse2.update(split='train', every=1)
    return cfg


@pytest.mark.parametrize('name', ['fsmde_sup_mixed.py', 'fsmde_kd_mixed.py'])
def test_all_three_train_and_are_evaluated(name, toy_dgp, tmp_path, argoverse2_world):
    init_default_scope('mmdet3d')
    cfg = toy_config(name, toy_dgp, tmp_path, argoverse2_world)
    model, seen = MODELS.build(cfg.model), []
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    for batch in loader:
        losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
        assert any(key.startswith('loss_kd_') for key in losses) == ('_kd_' in name)
        total, _ = model.parse_losses(losses)
        total.backward()
        assert 0 < total.item() < 20
        seen.append(tuple(batch['inputs']['img'][0].shape))
    shapes = {(n, 3, *SIZES[part]) for part, n in dict(ddad=6, nuscenes=6, argoverse2=7).items()}
    assert set(seen) == shapes and len(seen) == 3 + 2 + 2
    model.eval()
    loader = Runner.build_dataloader(cfg.val_dataloader)
    evaluator = EVALUATOR.build(cfg.val_evaluator)
    evaluator.dataset_meta = loader.dataset.metainfo
    for batch in loader:
        evaluator.process(model(**model.data_preprocessor(batch), mode='predict'), batch)
    figures = evaluator.evaluate(len(loader.dataset))
    assert all(figures[f'{part}/depth/abs_rel'] > 0 for part in SIZES)
    assert cfg.default_hooks.checkpoint.save_best in figures
    meta = loader.dataset.metainfo['parts']
    assert [meta[part]['max_depth'] for part in SIZES] == [200, 80, 200]


def test_the_focal_reference_is_the_smallest_of_all_rigs():
    mixed = Config.fromfile(ROOT / 'configs/fsmde_kd_mixed.py')
    others = [Config.fromfile(ROOT / f'configs/fsmde_sup_{name}.py') for name in SIZES]
    assert mixed.model.head.focal_reference == min(cfg.model.head.focal_reference for cfg in others)
    for name, cfg in zip(SIZES, others):
        part = mixed.val_dataloader.dataset.datasets[name]
        assert part == cfg.val_dataloader.dataset
    twin = Config.fromfile(ROOT / 'configs/fsmde_sup_mixed.py')
    for key in ('backbone', 'neck', 'head', 'max_depth'):
        assert mixed.model[key] == twin.model[key]
    assert mixed.param_scheduler == twin.param_scheduler and mixed.train_cfg == twin.train_cfg


def test_tools_for_one_rig_ask_for_the_config_of_one(tmp_path, monkeypatch):
    path = str(ROOT / 'configs/fsmde_kd_mixed.py')
    for ask in (lambda: load_tool('analysis_tools/browse_dataset.py').build_dataset(path, 'val'),
                lambda: DatasetFrames.of_config(path)):  # fmt: skip
        with pytest.raises(
            ValueError, match='fsmde_kd_mixed.py mixes the data sets .*: use the config of one of them'
        ):
            ask()
    for tool in ('alignment_error', 'eval_predictions'):
        arguments = [tool, path] + [str(tmp_path)] * (tool == 'eval_predictions')
        monkeypatch.setattr(sys, 'argv', arguments)
        with pytest.raises(SystemExit, match=f'{tool}: .*mixes the data sets'):
            load_tool(f'analysis_tools/{tool}.py').main()


def test_a_cache_has_the_frames_of_all(toy_dgp, tmp_path, argoverse2_world):
    cfg = toy_config('fsmde_kd_mixed.py', toy_dgp, tmp_path, argoverse2_world)
    init_default_scope('mmdet3d')
    datasets = build_datasets(cfg.train_dataloader.dataset)
    assert [len(dataset) for dataset in datasets] == [3, 2, 2]
    assert [dataset[0]['img'][0].shape[:2] for dataset in datasets] == list(SIZES.values())
    assert list(map(len, frame_ids([*datasets, datasets[0]]))) == [3, 2, 2, 3]  # The same frames twice are no trouble.
    with pytest.raises(ValueError, match='is in two data sets, as .* and .*: write a cache for each'):
        other = datasets[2]
        moved = dict(other.get_data_info(0), img_path=['elsewhere.jpg'])
        datasets[1].get_data_info = lambda i: moved if i == 0 else other.get_data_info(i)
        frame_ids(datasets[1:])
