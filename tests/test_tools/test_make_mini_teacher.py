from pathlib import Path

import pytest
from mmengine.config import Config
from processes import load_tool

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def tool():
    return load_tool('make_mini_teacher.py')


@pytest.fixture
def config(tmp_path):
    cfg = Config.fromfile(ROOT / 'configs/benchmark/teacher.py')
    cfg.data_root = str(tmp_path)
    (tmp_path / 'world.json').write_text('{"seed": 0}')
    return cfg


def changed(before, after):
    return {name for name in before | after if before.get(name) != after.get(name)}


def test_what_the_weights_follow_from(tool, config, tmp_path):
    parts = tool.made_from(config)
    sources = {
        'scale_invariant.py',
        'regression_depth_head.py',
        'base_depth_head.py',
        'lidar_depth.py',
        'geometric.py',
    }
    assert {'config', 'world'} | sources < set(parts) and 'resnet.py' not in parts
    config.default_hooks.logger.interval = 7
    assert tool.made_from(config) == parts
    config.train_cfg.max_epochs += 1
    assert changed(parts, tool.made_from(config)) == {'config'}
    longer = tool.made_from(config)
    config.load_from = 'epoch_16.pth'
    assert changed(longer, tool.made_from(config)) == {'config'}
    (tmp_path / 'world.json').write_text('{"seed": 1}')
    assert changed(parts, tool.made_from(config)) == {'config', 'world'}


def test_a_finished_teacher_is_there_and_another_one_is_not_overwritten(tool, tmp_path):
    folder, checkpoint = tmp_path / 'teacher', tmp_path / 'teacher/epoch_1.pth'
    first, second = dict(config='a', world='b'), dict(config='c', world='b')
    assert not tool.is_there(str(folder), str(checkpoint), first, force=False)
    # Stopped before its end: the training goes on.
    assert not tool.is_there(str(folder), str(checkpoint), first, force=False)
    checkpoint.write_text('weights')
    assert tool.is_there(str(folder), str(checkpoint), first, force=False)
    with pytest.raises(SystemExit, match=r'\(config changed\).*--force'):
        tool.is_there(str(folder), str(checkpoint), second, force=False)
    assert checkpoint.exists()
    assert not tool.is_there(str(folder), str(checkpoint), second, force=True)
    assert not checkpoint.exists()


def test_a_folder_of_unknown_origin_is_not_overwritten(tool, tmp_path):
    (tmp_path / 'epoch_1.pth').write_text('weights')
    with pytest.raises(SystemExit, match='config'):
        tool.is_there(str(tmp_path), str(tmp_path / 'epoch_1.pth'), dict(config='a'), force=False)
