"""Rigs of other numbers of cameras and image sizes in one run, on two ranks, killed and resumed."""

import json

import pytest
import torch
from mmdet3d.registry import HOOKS
from mmengine.hooks import Hook
from processes import free_port, run_tool, start_tool, wait_for
from toy_run import PIPELINE, TEST_PIPELINE, distilled, logged_losses, toy_config, validated

from fsmde.apis.publishing import publish_folder
from toy_dgp import write_toy_dgp

#: Cameras, samples and network size of each data set.
RIGS = dict(one=(1, 3, (48, 64)), three=(3, 5, (32, 64)), seven=(7, 9, (32, 32)))


@HOOKS.register_module()
class FramesHook(Hook):
    """Writes which frames a rank trains on, one line an iteration."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        samples = data_batch['data_samples']
        line = [len(samples[0].cam_names), list(samples[0].gt_depth.shape[1:]), [s.frame_id for s in samples]]
        with open(f'{runner.work_dir}/frames_{runner.rank}.jsonl', 'a') as file:
            file.write(json.dumps([runner.iter, *line]) + '\n')


def mixed_config(folder, seed):
    """Batches of two frames on each of two ranks; by shares each data set has as many of the four batches as stated."""
    parts = dict(train={}, val={})
    for name, (cameras, samples, size) in RIGS.items():
        rig = {f'C{n}': 360 * n / max(cameras, 4) for n in range(cameras)}
        root = folder / name
        if not root.exists():
            write_toy_dgp(root, cameras=rig, samples=samples)
        for split, steps in (('train', PIPELINE), ('val', TEST_PIPELINE)):
            steps = [dict(step, size=size) if 'size' in step else step for step in steps]
            part = dict(type='DDADDataset', data_root=str(root), cameras=list(rig), split=split, pipeline=steps)
            parts[split][name] = dict(part, test_mode=split == 'val')
    cfg = validated(toy_config(folder, distilled(), max_epochs=2, batch_size=2))
    cfg.train_cfg.val_interval = 2
    groups = dict(type='MultiSourceBatchSampler', groups=[[name] for name in RIGS], shares=[1, 1, 2])
    cfg.train_dataloader.batch_sampler = groups
    cfg.train_dataloader.dataset = dict(type='MixedSurroundDataset', datasets=parts['train'])
    for name in ('val', 'test'):
        cfg[f'{name}_dataloader'].dataset = dict(type='MixedSurroundDataset', datasets=parts['val'])
        cfg[f'{name}_evaluator'] = dict(
            type='MixedEvaluator',
            metrics={name: dict(type='SurroundDepthMetric', modes=('metric',), consistency=()) for name in RIGS},
        )
    cfg.custom_imports.imports.append('test_mixed_training')
    cfg.custom_hooks.append(dict(type='FramesHook'))
    cfg.randomness.seed = seed
    path = folder / f'config_{seed}.py'
    cfg.dump(path)
    return path


def train_on_two_ranks(config, work_dir, *argv, **environ):
    """Exit codes and what both said."""
    common = dict(WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=free_port(), **environ)
    logs = [work_dir.with_suffix(f'.{rank}.log') for rank in (0, 1)]
    options = ('--work-dir', work_dir, '--launcher', 'pytorch', *argv)
    processes = [
        start_tool('train.py', config, *options, log=log, RANK=str(rank), LOCAL_RANK=str(rank), **common)
        for rank, log in enumerate(logs)
    ]
    for process in processes:
        wait_for(process)
    return [process.exitcode for process in processes], ''.join(log.read_text() for log in logs)


def frames_of(work_dir):
    """[{iteration: (cameras, size, frames)}] of both ranks."""
    ranks = [(work_dir / f'frames_{rank}.jsonl').read_text().splitlines() for rank in (0, 1)]
    return [{row[0]: row[1:] for row in map(json.loads, lines)} for lines in ranks]


def test_two_ranks_train_on_three_rigs_and_a_killed_run_is_the_whole_one(tmp_path):
    # Of 3, 5 and 9 frames a rank has 2, 3 and 5: one, one and two batches of two.
    killed = tmp_path / 'killed'
    drawn = mixed_config(tmp_path, None)
    codes, said = train_on_two_ranks(drawn, killed, KILL_AT='5', KILL_RANK='1')
    assert codes[1] == -9 and codes[0] != 0, said
    assert [path.name for path in killed.glob('epoch_*.pth')] == ['epoch_1.pth'], said
    codes, said = train_on_two_ranks(drawn, killed, '--resume')
    assert codes == [0, 0], said
    resumed = torch.load(killed / 'epoch_2.pth')

    whole = tmp_path / 'whole'
    codes, said = train_on_two_ranks(mixed_config(tmp_path, resumed['meta']['seed']), whole)
    assert codes == [0, 0], said
    losses, checkpoint = logged_losses(whole), torch.load(whole / 'epoch_2.pth')
    assert len(losses) == 8 and logged_losses(killed) == {i: losses[i] for i in range(5, 9)}
    assert all(torch.equal(resumed['state_dict'][key], value) for key, value in checkpoint['state_dict'].items())

    first, second = frames_of(whole)
    assert [first, second] == frames_of(killed)
    shapes = {cameras: list(size) for cameras, _, size in RIGS.values()}
    for epoch in range(2):
        steps = range(4 * epoch, 4 * epoch + 4)
        assert sorted(first[i][0] for i in steps) == [1, 3, 7, 7]
        for i in steps:
            assert first[i][:2] == second[i][:2] == [first[i][0], shapes[first[i][0]]]
            assert not set(first[i][2]) & set(second[i][2]) or first[i][0] == 1  # Two ranks share three frames.
    assert first[0][2] + first[1][2] != first[4][2] + first[5][2]
    figures = [json.loads(line) for line in next(whole.glob('*/vis_data/scalars.json')).read_text().splitlines()]
    last = [row for row in figures if 'depth/abs_rel' in row][-1]
    mean = sum(last[f'{name}/depth/abs_rel'] for name in RIGS) / 3
    assert last['depth/abs_rel'] == pytest.approx(mean, rel=1e-12) and mean > 0
    assert checkpoint['meta']['dataset_meta']['parts']['seven']['frames'] == 9
    assert len(list(whole.glob('best_depth_abs_rel_epoch_*.pth'))) == 1

    config, log = next(tmp_path.glob('config_[0-9]*.py')), tmp_path / 'test.log'
    code, said = run_tool('test.py', config, whole / 'epoch_2.pth', '--work-dir', tmp_path / 'test', log=log)
    assert code == 0, said
    for name, (cameras, samples, _) in RIGS.items():
        results = json.loads(next((tmp_path / 'test').glob(f'test_*/{name}/results.json')).read_text())
        assert results['frames'] == samples and len(results['cameras']) == cameras
        assert results['protocols']['fsmde']['modes']['metric']['overall']['all']['abs_rel'] > 0

    publish_folder(whole / 'epoch_2.pth', tmp_path / 'published', input_size=(32, 64))
    card = json.loads((tmp_path / 'published/config.json').read_text())
    assert set(card['origin']['data_set'].split('+')) == set(RIGS) and card['cameras'] == [f'C{n}' for n in range(7)]
