"""Ranks validate one model, which is the one that is saved."""

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import DefaultSampler, default_collate
from mmengine.evaluator import BaseMetric
from mmengine.hooks import EMAHook, Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from processes import free_port, start, wait_for

from fsmde.engine import SyncStatisticsHook
from fsmde.engine.launch import end_distribution, setup_distribution


class Normed(BaseModel):
    """A BatchNorm whose inputs differ from rank to rank."""

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(2)

    def forward(self, inputs, mode):
        out = self.norm(inputs)
        return dict(loss=out.square().mean()) if mode == 'loss' else [out]


class Nothing(BaseMetric):
    """Measures nothing."""

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        return dict(nothing=0)


class ValidatedHook(Hook):
    """Writes down what a rank validates."""

    def before_val_epoch(self, runner):
        torch.save(runner.model.module.state_dict(), f'{runner.work_dir}/validated_{runner.rank}.pth')


def one_of_two(folder, rank, hooks):
    cfg = Config(dict())
    setup_distribution(cfg, 'pytorch')
    data = [dict(inputs=value * torch.arange(2.0)) for value in torch.arange(8.0)]
    loader = dict(batch_size=2, dataset=data, collate_fn=default_collate, sampler=DefaultSampler(data, shuffle=False))
    runner = Runner(
        Normed(),
        str(folder),
        train_dataloader=dict(loader),
        val_dataloader=dict(loader),
        train_cfg=dict(by_epoch=True, max_epochs=1),
        val_cfg=dict(),
        val_evaluator=[Nothing()],
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(sync_buffers=SyncStatisticsHook()),
        custom_hooks=[*hooks, ValidatedHook()],
        launcher=cfg.launcher,
        cfg=cfg,
        env_cfg=dict(),
    )
    runner.train()
    end_distribution()


@pytest.mark.parametrize('hooks', [[], [EMAHook()]], ids=['plain', 'averaged'])
def test_both_ranks_validate_and_save_the_mean_of_their_statistics(tmp_path, hooks):
    logs = [tmp_path / f'{rank}.log' for rank in (0, 1)]
    common = dict(WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=free_port(), CUDA_VISIBLE_DEVICES='')
    ranks = [
        start(one_of_two, tmp_path, rank, hooks, log=log, RANK=str(rank), LOCAL_RANK=str(rank), **common)
        for rank, log in enumerate(logs)
    ]
    for process, log in zip(ranks, logs):
        wait_for(process)
        assert process.exitcode == 0, log.read_text()
    first, second = (torch.load(tmp_path / f'validated_{rank}.pth') for rank in (0, 1))
    saved = torch.load(tmp_path / 'epoch_1.pth')['state_dict']
    assert all(torch.equal(first[key], second[key]) and torch.equal(first[key], saved[key]) for key in saved)
    # Batches of the values 0, 2 and 4, 6; of 1, 3 and 5, 7: means of 1 and 5, 2 and 6, taken up with a tenth each.
    torch.testing.assert_close(saved['norm.running_mean'][1].item(), ((0.1 * 0.9 + 0.5) + (0.2 * 0.9 + 0.6)) / 2)
