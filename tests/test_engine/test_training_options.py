"""Gradient accumulation, averaged weights and learning rates scaled to the batch, with distillation."""

import copy

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.dataset import pseudo_collate
from mmengine.model import ExponentialMovingAverage
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from processes import run_tool
from toy_run import PIPELINE, distilled, logged_losses, toy_config

from fsmde.datasets import DDADDataset
from toy_dgp import write_toy_dgp


@pytest.fixture
def model():
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        torch.manual_seed(0)
        return MODELS.build(distilled()).train()


@pytest.fixture
def batches(toy_dgp):
    frames = DDADDataset(data_root=str(toy_dgp), pipeline=PIPELINE)
    frames.set_epoch(0, 0)
    return [pseudo_collate([frames[i]]) for i in range(2)]


def test_accumulated_gradients_are_the_mean_of_those_of_the_batches(model, batches):
    gradients = []
    for batch in batches:
        model.zero_grad()
        model.parse_losses(model(**model.data_preprocessor(batch), mode='loss'))[0].backward()
        gradients.append({key: parameter.grad for key, parameter in model.named_parameters()})
    model.zero_grad()
    before = copy.deepcopy(model.state_dict())
    optim_wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1.0), accumulative_counts=2)
    optim_wrapper.initialize_count_status(model, 0, 2)
    model.train_step(batches[0], optim_wrapper)
    parameters = dict(model.named_parameters())
    assert all(torch.equal(parameter, before[key]) for key, parameter in parameters.items())
    model.train_step(batches[1], optim_wrapper)
    for key, parameter in parameters.items():
        mean = (gradients[0][key] + gradients[1][key]) / 2
        torch.testing.assert_close(before[key] - parameter, mean, rtol=1e-3, atol=1e-5, msg=key)
    assert any('distillers' in key for key in parameters)


def test_an_average_of_the_weights_shares_the_teacher(model, batches):
    average = ExponentialMovingAverage(model, momentum=0.5)
    assert average.module.teacher is model.teacher
    assert not any('teacher' in key for key in average.state_dict())
    before = copy.deepcopy(model.state_dict())
    model.train_step(batches[0], OptimWrapper(torch.optim.SGD(model.parameters(), lr=1.0)))
    # mmengine's first update is a copy, the second averages.
    average.load_state_dict({'steps': torch.tensor(1), **{f'module.{key}': value for key, value in before.items()}})
    average.update_parameters(model)
    key = 'distillers.0.branch.1.bias'
    mean = (before[key] + model.state_dict()[key]) / 2
    torch.testing.assert_close(average.state_dict()[f'module.{key}'], mean)
    assert not torch.equal(before[key], mean)


def test_learning_rates_are_scaled_to_the_batch(tmp_path):
    write_toy_dgp(tmp_path / 'toy')
    config, log = tmp_path / 'config.py', tmp_path / 'log'
    cfg = toy_config(tmp_path / 'toy', max_epochs=1)
    cfg.dump(config)
    options = ['--auto-scale-lr', '--cfg-options', 'optim_wrapper.accumulative_counts=3']
    code, said = run_tool('train.py', config, '--work-dir', tmp_path / 'work', *options, log=log)
    assert code == 0, said
    # 1e-3 for 4 frames a step; a step takes up three batches of 1; the warm-up begins with a tenth.
    assert logged_losses(tmp_path / 'work')[1]['lr'] == pytest.approx(3e-3 / 4 / 10)
    # 5 of 3 iterations.
    assert 'param_scheduler[0] (LinearLR) warms up for 5 of the 3 iterations' in said
