"""A run that is killed and resumed is the run that was not."""

import torch
from processes import run_tool
from toy_run import distilled, logged_losses, toy_config

from toy_dgp import write_toy_dgp


def test_a_killed_and_resumed_run_has_the_losses_of_an_uninterrupted_one(tmp_path):
    root, log = write_toy_dgp(tmp_path / 'toy', samples=4), tmp_path / 'log'

    def write_config(name, **kwargs):
        model = distilled()
        model['backbone'] = dict(model['backbone'], type='DropoutResNet')
        cfg = toy_config(root, model, num_workers=kwargs.get('num_workers', 0))
        cfg.randomness.seed = kwargs['seed']
        cfg.custom_hooks.append(dict(type='EMAHook', momentum=0.1))
        cfg.dump(tmp_path / name)
        return tmp_path / name

    def kill_and_resume(config, work_dir):
        # Four iterations an epoch: the sixth, with index 5, is in the midst of the second.
        code, said = run_tool('train.py', config, '--work-dir', work_dir, log=log, KILL_AT='5', KILL_RANK='0')
        assert code == -9, said
        assert [path.name for path in work_dir.glob('*.pth')] == ['epoch_1.pth']
        code, said = run_tool('train.py', config, '--work-dir', work_dir, '--resume', log=log)
        assert code == 0, said
        return logged_losses(work_dir), torch.load(work_dir / 'epoch_3.pth')

    outcomes = [kill_and_resume(write_config('drawn_seed.py', seed=None), tmp_path / 'drawn_seed')]
    seed = outcomes[0][1]['meta']['seed']
    config = write_config('workers.py', seed=seed, num_workers=2)
    outcomes.append(kill_and_resume(config, tmp_path / 'workers'))
    code, said = run_tool('train.py', write_config('whole.py', seed=seed), '--work-dir', tmp_path / 'whole', log=log)
    assert code == 0, said
    whole, checkpoint = logged_losses(tmp_path / 'whole'), torch.load(tmp_path / 'whole' / 'epoch_3.pth')
    assert len({losses['loss'] for losses in whole.values()}) == 12
    for resumed, resumed_checkpoint in outcomes:
        assert resumed == {iteration: whole[iteration] for iteration in range(5, 13)}
        for part in ('state_dict', 'ema_state_dict'):
            assert all(torch.equal(resumed_checkpoint[part][key], value) for key, value in checkpoint[part].items())
            assert not any('teacher' in key for key in resumed_checkpoint[part])
