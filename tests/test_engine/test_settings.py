"""Settings that nobody would read or that do not agree are refused before anything runs."""

import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmdet3d.registry import PARAM_SCHEDULERS
from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from toy_run import toy_config, validated

from fsmde.bins import DepthBins
from fsmde.datasets import DDADDataset
from fsmde.engine import SameScheduleHook, config_files, launch
from fsmde.engine.checkpoint_hook import check_metric
from fsmde.engine.config_files import read_config, set_data_root
from fsmde.engine.launch import setup_distribution, use_amp
from fsmde.engine.schedules import long_warm_ups
from fsmde.engine.settings import check_settings
from fsmde.evaluation import SurroundDepthMetric

CONFIG = Path(__file__).parents[2] / 'configs/fsmde_kd_ddad.py'


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        yield


@pytest.mark.parametrize(
    'option, value, message',
    [
        ('data_root', 'DDAD', "'data_root' is a variable of the file, .*; use --data-root"),
        ('train_pipeline.0.x', 1, "'train_pipeline' is a variable of the file"),
        ('optim_wraper.optimizer.lr', 1.0, "'optim_wraper' is not read; did you mean 'optim_wrapper'"),
        ('model.backbone.arhc', 'lite1', "model.backbone has no 'arhc'; did you mean 'arch'"),
        ('model.bckbone.arch', 'lite1', "model has no 'bckbone'; did you mean 'backbone'"),
        ('model.distillers.2.loss_weight', 1.0, "model.distillers is a list of 2, found the place '2'"),
        ('model.distillers.first.loss_weight', 1.0, "is a list of 2, found the place 'first'"),
        ('train_cfg.max_epoch', 3, "train_cfg has no 'max_epoch'; did you mean 'max_epochs'"),
        ('default_hooks.chekpoint.interval', 3, "default_hooks has no 'chekpoint'; did you mean 'checkpoint'"),
        ('model.head.bins.num_bins', 'abc', "64 in the config is a number, found 'abc'"),
    ],
)
def test_options_that_would_change_nothing(option, value, message):
    with pytest.raises(ValueError, match=f'fsmde_kd_ddad.py: --cfg-options {option}: .*{message}'):
        read_config(str(CONFIG), cfg_options={option: value})


def test_options_that_change_something():
    options = {
        'model.distillers.1.loss_weight': 0.2,
        'model.head.chamfer_weight': 0.5,  # An argument of the class that the config leaves at its default.
        'optim_wrapper.accumulative_counts': 2,
        'randomness.deterministic': True,
        'find_unused_parameters': True,
        'sync_bn': 'torch',
        'train_dataloader.prefetch_factor': 4,
        'model.backbone.init_cfg': None,
        'load_from': 'weights.pth',
        'train_dataloader.dataset.pipeline.2.size': (192, 320),
    }
    cfg = read_config(str(CONFIG), cfg_options=options)
    assert cfg.model.distillers[1].loss_weight == 0.2 and cfg.model.head.chamfer_weight == 0.5
    assert cfg.train_dataloader.dataset.pipeline[2]['size'] == (192, 320) and cfg.load_from == 'weights.pth'


@pytest.mark.parametrize(
    'slip, near',
    [
        ('optim_wraper', 'optim_wrapper'),
        ('param_schedulers', 'param_scheduler'),
        ('custom_hook', 'custom_hooks'),
        ('trian_dataloader', 'train_dataloader'),
        ('resum', 'resume'),
    ],
)
def test_a_slip_in_a_name_at_the_top_of_a_config(tmp_path, slip, near):
    (tmp_path / 'config.py').write_text(f'model = dict(type="BinDepthEstimator")\n{slip} = dict(a=1)\n')
    with pytest.raises(ValueError, match=f"config.py: nothing reads '{slip}'; did you mean '{near}'"):
        read_config(str(tmp_path / 'config.py'))


def test_variables_of_a_config_are_its_own_business(tmp_path):
    names = [
        'weights',
        'model_2',
        'model2',
        'base_model',
        'train_dataset',
        'val_pipeline',
        'max_epochs',
        'test_cameras',
    ]
    lines = [f'{name} = 1' for name in names]
    (tmp_path / 'config.py').write_text('\n'.join(['model = dict(a=1)', *lines]))
    assert read_config(str(tmp_path / 'config.py')).model.a == 1


@pytest.mark.parametrize('text', ['from mmengine.config import read_base', 'default_scope = "mmdet3d"'])
def test_custom_imports_are_read_in_every_kind_of_config(tmp_path, monkeypatch, text):
    monkeypatch.syspath_prepend(tmp_path)
    for name in ('of_the_file', 'of_the_command'):
        (tmp_path / f'plug_in_{name}_{len(text)}.py').write_text('')
    of_file, of_command = (f'plug_in_{name}_{len(text)}' for name in ('of_the_file', 'of_the_command'))
    (tmp_path / 'config.py').write_text(f'{text}\ncustom_imports = dict(imports=["{of_file}"])\n')
    read_config(str(tmp_path / 'config.py'))
    assert of_file in sys.modules
    read_config(str(tmp_path / 'config.py'), cfg_options={'custom_imports.imports': [of_command]})
    assert of_command in sys.modules


def test_nothing_is_deleted_where_a_dict_is_updated(tmp_path):
    (tmp_path / 'config.py').write_text("""
from mmengine.config import read_base
with read_base():
    from fsmde.configs.fsmde_sup_ddad import *
train_cfg.update(_delete_=True, max_epochs=2)
""")
    with pytest.raises(ValueError, match='config.py: train_cfg: nothing reads _delete_ here: .* assign the dict'):
        read_config(str(tmp_path / 'config.py'))


def test_one_data_root_does_not_stand_for_two_that_are_read_together():
    parts = [dict(type='DDADDataset', data_root=root) for root in ('a', 'b')]
    cfg = Config(dict(train_dataloader=dict(dataset=dict(type='ConcatDataset', datasets=parts))))
    with pytest.raises(
        ValueError, match='--data-root c would put one folder in the place of a and b, .* --cfg-options'
    ):
        set_data_root(cfg, 'c')
    assert [part.data_root for part in cfg.train_dataloader.dataset.datasets] == ['a', 'b']
    cfg.train_dataloader.dataset.datasets[1].data_root = 'a'
    cfg.val_dataloader = dict(dataset=dict(type='DDADDataset', data_root='b'))
    set_data_root(cfg, 'c')
    assert [part.data_root for part in cfg.train_dataloader.dataset.datasets] == ['c', 'c']


def test_a_word_for_a_number_in_a_file(tmp_path):
    (tmp_path / 'config.py').write_text(
        "model = dict(type='BinDepthEstimator', max_depth='eighty', head=dict(type='BinDepthHead'))\n"
    )
    with pytest.raises(
        ValueError, match="config.py: model.max_depth of BinDepthEstimator must be a number, found 'eighty'"
    ):
        read_config(str(tmp_path / 'config.py'))
    for name in ('num_bins', 'min_depth', 'max_depth', 'min_width'):
        with pytest.raises(ValueError, match=f"bins: {name} must be a number, found 'abc'"):
            DepthBins(**{name: 'abc'})


@pytest.mark.parametrize('root', ['', ' '])
def test_an_empty_data_root_is_an_unset_variable(root):
    with pytest.raises(ValueError, match='--data-root is empty: is the variable set'):
        read_config(str(CONFIG), data_root=root)
    with pytest.raises(ValueError, match='no data set of the config has a data_root'):
        set_data_root(Config(dict(train_dataloader=dict(dataset=dict(type='Own')))), '/data')


@pytest.mark.parametrize('name', ['max_depth', 'rounding', 'cam_names'])
def test_metainfo_that_would_have_no_effect(name):
    with pytest.raises(ValueError, match=f'DDADDataset: metainfo has no say in {name}: it is set by'):
        DDADDataset(data_root='absent', metainfo={name: 1}, lazy_init=True)
    assert DDADDataset(data_root='absent', metainfo=dict(dataset='own'), lazy_init=True).metainfo['dataset'] == 'own'


def test_loaders_without_workers_keep_none():
    cfg = read_config(str(CONFIG), cfg_options={'train_dataloader.num_workers': 0, 'test_dataloader.num_workers': 0})
    for name in ('train_dataloader', 'test_dataloader'):
        loader = torch.utils.data.DataLoader(
            [1], num_workers=0, persistent_workers=cfg[name].get('persistent_workers', False)
        )
        assert list(loader)


def training(**train_cfg):
    return Config(dict(train_cfg=dict(by_epoch=True, **train_cfg)))


@pytest.mark.parametrize(
    'name, value', [('val_interval', 0), ('max_epochs', 0), ('val_interval', 0.5), ('max_epochs', 'ten')]
)
def test_counts_that_cannot_be(name, value):
    with pytest.raises(ValueError, match=f'train_cfg.{name} must be a whole number of at least 1, found {value!r}'):
        check_settings(training(**{'max_epochs': 2, name: value}))


@pytest.mark.parametrize('option', ['train_dataloader.batch_size', 'optim_wrapper.accumulative_counts'])
def test_batches_that_cannot_be(option):
    with pytest.raises(ValueError, match=f'{option} must be a whole number of at least 1, found 0'):
        check_settings(read_config(str(CONFIG), cfg_options={option: 0}))


def test_a_schedule_that_ends_before_the_training():
    cosine = dict(type='CosineAnnealingLR', by_epoch=True, begin=0, end=20, T_max=20, convert_to_iter_based=True)
    warm_up = dict(type='LinearLR', by_epoch=False, begin=0, end=500)
    cfg = training(max_epochs=40)
    cfg.param_scheduler = [warm_up, cosine]
    with pytest.raises(ValueError, match=r'param_scheduler\[1\] \(CosineAnnealingLR\) ends after epoch 20 of .*=40'):
        check_settings(cfg)
    cfg.param_scheduler = [warm_up, cosine, dict(type='ConstantLR', factor=1.0, begin=20, end=40)]
    check_settings(cfg)
    cfg.train_cfg.max_epochs, cfg.param_scheduler = 20, [warm_up, cosine]
    check_settings(cfg)


def test_a_schedule_of_a_training_that_counts_iterations():
    cosine = dict(type='CosineAnnealingLR', by_epoch=False, end=2000, T_max=2000)
    cfg = Config(dict(train_cfg=dict(by_epoch=False, max_iters=3000), param_scheduler=[cosine]))
    with pytest.raises(ValueError, match='ends after iteration 2000 of train_cfg.max_iters=3000'):
        check_settings(cfg)
    cfg.param_scheduler = [dict(cosine, end=3000)]
    with pytest.raises(
        ValueError, match='falls until iteration 2000 .* climbs again until iteration 3000: set T_max=3000'
    ):
        check_settings(cfg)
    cfg.param_scheduler = [dict(cosine, by_epoch=True, end=20, T_max=20, convert_to_iter_based=True)]
    with pytest.raises(ValueError, match='counts epochs and train_cfg.max_iters=3000 iterations'):
        check_settings(cfg)
    cfg.param_scheduler = [dict(cosine, end=3000, T_max=3000)]
    check_settings(cfg)


def test_a_sampler_whose_epoch_never_ends():
    cfg = training(max_epochs=2)
    cfg.train_dataloader = dict(sampler=dict(type='InfiniteSampler'))
    with pytest.raises(
        ValueError, match='InfiniteSampler, of which an epoch never ends, and train_cfg counts max_epochs'
    ):
        check_settings(cfg)
    cfg.train_cfg = dict(by_epoch=False, max_iters=3)
    check_settings(cfg)


@pytest.mark.parametrize('end', [{}, dict(end=20)])
def test_a_cosine_that_climbs_again(end):
    """Behind its T_max; where that is its end, too, it stays there."""
    cosine = dict(type='CosineAnnealingLR', T_max=10, **end)
    cfg = training(max_epochs=20)
    cfg.param_scheduler = [cosine]
    with pytest.raises(
        ValueError, match=r'falls until epoch 10 \(T_max\) and climbs again until epoch 20: set T_max=20'
    ):
        check_settings(cfg)
    cfg.param_scheduler = [dict(cosine, T_max=20)]
    check_settings(cfg)
    cfg.param_scheduler = [dict(cosine, begin=10)]
    check_settings(cfg)
    cfg.param_scheduler, cfg.train_cfg.max_epochs = [cosine], 10
    check_settings(cfg)


def test_a_warm_up_that_takes_a_good_part_of_the_training():
    warm_up, cosine = dict(type='LinearLR', by_epoch=False, begin=0, end=500), dict(type='CosineAnnealingLR', T_max=20)
    cfg = training(max_epochs=20)
    cfg.param_scheduler = [cosine, warm_up]
    assert long_warm_ups(cfg, 5000) == []
    (said,) = long_warm_ups(cfg, 620)
    assert said.startswith('param_scheduler[1] (LinearLR) warms up for 500 of the 620 iterations')
    assert '--cfg-options param_scheduler.1.end=62 makes it 10%' in said
    # One that falls is none, nor is one that was said by epochs.
    for other in (dict(warm_up, start_factor=1.0, end_factor=0.1), dict(warm_up, by_epoch=True)):
        cfg.param_scheduler = [other]
        assert long_warm_ups(cfg, 620) == []
    (said,) = long_warm_ups(cfg_of(warm_up), 8)
    assert '--cfg-options param_scheduler.0.end=2 makes it 25%' in said


def cfg_of(*schedulers):
    cfg = training(max_epochs=20)
    cfg.param_scheduler = list(schedulers)
    return cfg


@pytest.mark.parametrize('kind', ['LinearLR', 'ConstantLR'])
def test_a_warm_up_of_one_step_is_refused(kind):
    """mmengine's is at its first factor then, and never leaves it."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    one = dict(type=kind, by_epoch=False, begin=0, end=1)
    scheduler = PARAM_SCHEDULERS.build(dict(one, optimizer=optimizer))
    for _ in range(3):
        scheduler.step()
    assert optimizer.param_groups[0]['lr'] == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match=rf'param_scheduler\[0\] \({kind}\) has one step .* stay at 0.333 .* end=2'):
        check_settings(cfg_of(one))
    for other in (dict(one, end=2), dict(one, by_epoch=True, convert_to_iter_based=True)):
        check_settings(cfg_of(other))
    check_settings(cfg_of(dict(type='ConstantLR', factor=1.0, begin=19, end=20)))


@pytest.mark.parametrize(('begin', 'late'), [(0, [20, 30]), (6, [14, 20, 30])])
def test_milestones_behind_the_end_are_refused(begin, late):
    """They count from begin; the last one that a training of 20 epochs feels is 19 behind its start."""
    steps = dict(type='MultiStepLR', begin=begin, milestones=[14, 20, 30])
    with pytest.raises(ValueError, match=re.escape(f'(begin={begin}) and never reaches milestones={late}')):
        check_settings(cfg_of(steps))
    check_settings(cfg_of(dict(steps, milestones=[13])))


class Resumed:
    """What the hook asks of a runner: an optimizer and its schedule of so many epochs of ten iterations."""

    def __init__(self, epochs, lr=1e-3, hooks=()):
        self.hooks = hooks
        parameter = torch.nn.Parameter(torch.zeros(1))
        self.optim_wrapper = OptimWrapper(torch.optim.AdamW([parameter], lr=lr))
        self.param_schedulers = [
            PARAM_SCHEDULERS.build(scheduler, default_args=dict(optimizer=self.optim_wrapper))
            for scheduler in (
                dict(type='LinearLR', by_epoch=False, begin=0, end=5),
                dict(type='CosineAnnealingLR', by_epoch=True, begin=0, end=epochs, T_max=epochs),
            )
        ]

    def checkpoint(self):
        for scheduler in self.param_schedulers:
            scheduler.step()
        return dict(
            param_schedulers=[scheduler.state_dict() for scheduler in self.param_schedulers],
            optimizer=self.optim_wrapper.state_dict(),
        )


def test_a_run_is_not_resumed_with_another_schedule():
    """mmengine restores the old one: a run made longer would stay at the learning rate of its end."""
    checkpoint = Resumed(20).checkpoint()
    SameScheduleHook().after_load_checkpoint(Resumed(20), checkpoint)
    with pytest.raises(
        ValueError, match='param_scheduler 1: T_max was 20, is 40; param_scheduler 1: end was 20, is 40'
    ):
        SameScheduleHook().after_load_checkpoint(Resumed(40), checkpoint)
    with pytest.raises(ValueError, match='optimizer group 0: initial_lr was 0.001, is 0.002'):
        SameScheduleHook().after_load_checkpoint(Resumed(20, lr=2e-3), checkpoint)
    shorter = Resumed(20)
    shorter.param_schedulers.pop()
    with pytest.raises(ValueError, match='there were 2 of param_scheduler, now 1'):
        SameScheduleHook().after_load_checkpoint(shorter, checkpoint)


def test_a_run_is_not_resumed_without_its_mixed_precision_or_its_average():
    """mmengine drops the loss scale, and goes on from averages with the moments of the last weights."""
    checkpoint = dict(Resumed(20).checkpoint(), ema_state_dict={})
    SameScheduleHook().after_load_checkpoint(Resumed(20, hooks=[EMAHook()]), checkpoint)
    with pytest.raises(ValueError, match='averaged weights in the place of the last .* EMAHook .* load_from'):
        SameScheduleHook().after_load_checkpoint(Resumed(20), checkpoint)
    checkpoint['optimizer']['loss_scaler'] = dict(scale=1024.0)
    mixed = Resumed(20, hooks=[EMAHook()])
    with pytest.raises(ValueError, match='the checkpoint was trained in mixed precision: resume with --amp'):
        SameScheduleHook().after_load_checkpoint(mixed, checkpoint)
    mixed.optim_wrapper.loss_scaler = None  # mmengine's own is not built on a CPU.
    SameScheduleHook().after_load_checkpoint(mixed, checkpoint)
    # Both may begin with a resumption.
    SameScheduleHook().after_load_checkpoint(mixed, Resumed(20).checkpoint())


@pytest.mark.parametrize(
    'evaluator, save_best, message',
    [
        (dict(modes=['median']), 'depth/abs_rel', "'depth/abs_rel' is no figure .* depth/median/abs_rel"),
        ({}, 'depth/abs_rell', "'depth/abs_rell' is no figure .* are depth/abs_rel"),
        (dict(protocol='vfdepth'), 'depth/vfdepth/abs_rel', 'is no figure of the validation'),
    ],
)
def test_what_decides_on_the_best_is_measured(toy_dgp, tmp_path, evaluator, save_best, message):
    cfg = validated(toy_config(toy_dgp, max_epochs=1))
    cfg.val_evaluator.update(evaluator)
    cfg.default_hooks.checkpoint.save_best = save_best
    cfg.work_dir, cfg.experiment_name = str(tmp_path / 'work'), save_best + str(evaluator)
    runner = Runner.from_cfg(cfg)
    with pytest.raises(ValueError, match=message):
        runner.train()
    assert not list((tmp_path / 'work').glob('*.pth')) and runner.iter == 0


def test_metrics_of_others_are_known_by_their_prefix():
    def validated_by(*metrics):
        evaluator = SimpleNamespace(metrics=metrics, dataset_meta=dict(cam_names=['front']))
        return SimpleNamespace(val_loop=SimpleNamespace(evaluator=evaluator))

    mine, anything = SimpleNamespace(prefix='mine'), SimpleNamespace(prefix=None)
    check_metric(validated_by(SurroundDepthMetric(), mine), 'mine/score')
    check_metric(validated_by(SurroundDepthMetric(), mine), 'depth/abs_rel')
    check_metric(validated_by(mine, anything), 'depth/abs_rel')
    for near, *metrics in ((r'mine/\.\.\.', mine), ('other/abs_rel', mine, SurroundDepthMetric(prefix='other'))):
        with pytest.raises(ValueError, match=f"'depth/abs_rel' is no figure .*{near}"):
            check_metric(validated_by(*metrics), 'depth/abs_rel')


def test_loaders_pin_memory_where_there_is_a_gpu(monkeypatch):
    assert 'pin_memory' not in read_config(str(CONFIG)).train_dataloader
    monkeypatch.setattr(config_files, 'is_cuda_available', lambda: True)
    off = read_config(str(CONFIG), cfg_options={'val_dataloader.pin_memory': False})
    assert off.train_dataloader.pin_memory and off.test_dataloader.pin_memory and not off.val_dataloader.pin_memory


@pytest.mark.parametrize('launcher', ['slurm', 'mpi'])
def test_mmengine_is_told_the_rank_of_this_machine(monkeypatch, launcher):
    """It takes the device from LOCAL_RANK, which its launcher for mpi does not set."""
    monkeypatch.setattr(launch, 'has_accelerator', lambda: True)
    monkeypatch.setenv('LOCAL_RANK', '')  # Put back behind the test.
    monkeypatch.delenv('LOCAL_RANK')
    monkeypatch.setenv('OMPI_COMM_WORLD_LOCAL_RANK', '3')
    setup_distribution(Config(), 'none')
    assert 'LOCAL_RANK' not in os.environ
    setup_distribution(Config(), launcher)
    assert os.environ['LOCAL_RANK'] == '3'


@pytest.mark.parametrize(
    'own, given, dtype, scale',
    [
        ({}, None, 'float16', 'dynamic'),
        ({}, 'bfloat16', 'bfloat16', 1.0),
        (dict(loss_scale=512.0), 'float16', 'float16', 512.0),
        (dict(dtype='bfloat16', loss_scale='dynamic'), None, 'bfloat16', 1.0),
        (dict(dtype='float16', loss_scale=512.0), 'bfloat16', 'bfloat16', 1.0),
        (dict(dtype=torch.bfloat16, loss_scale=1.0), None, 'bfloat16', 1.0),
        (dict(dtype='bfloat16', loss_scale=1.0), 'float16', 'float16', 'dynamic'),
    ],
)
def test_mixed_precision_is_told_its_type(monkeypatch, own, given, dtype, scale):
    """The command line's before the config's, and losses are scaled as the type that results needs it."""
    monkeypatch.setattr(launch, 'has_accelerator', lambda: True)
    cfg = read_config(str(CONFIG))
    cfg.optim_wrapper.update(own)
    use_amp(cfg, given)
    wrapper = cfg.optim_wrapper
    assert (wrapper.type, wrapper.dtype, wrapper.loss_scale) == ('AmpOptimWrapper', dtype, scale)
    assert wrapper.clip_grad == read_config(str(CONFIG)).optim_wrapper.clip_grad
