"""A training step never makes the host wait for the device, but for the two looks that stop a run which has diverged."""

from collections import Counter
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from test_configs import shrink
from test_models.test_distillers.test_every_distiller import DISTILLERS, build
from toy_scene import make_scene

from fsmde.engine import FiniteLossHook
from fsmde.engine.config_files import set_data_root
from fsmde.gpu_checks.host_waits import host_waits
from fsmde.models.bev.lift_splat import BEVGrid, lift_splat
from fsmde.models.teachers.depth_anything_3 import from_ahead, relative_poses

ROOT = Path(__file__).parents[2]
#: Once a step, when everything of it is queued: mmengine writes the gradients' norm down, and FiniteLossHook looks whether
#: all gradients are finite before the optimizer takes them up.
ALLOWED = Counter({('item', 'optimizer_wrapper.py'): 1, ('item', 'finite_loss_hook.py'): 1})


def files(waits):
    return Counter((what, place.split('/')[-1].split(':')[0]) for what, place in waits)


@pytest.mark.parametrize('name', ['fsmde_kd_ddad', 'demo/demo_kd', 'realtime/unet_resnet18_ddad'])
def test_training_step(name, toy_dgp, monkeypatch):
    init_default_scope('mmdet3d')
    monkeypatch.chdir(ROOT)
    cfg = shrink(Config.fromfile(f'configs/{name}.py'))
    set_data_root(cfg, str(toy_dgp))
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.dataset.pop('self_occlusion', None)
        loader.dataset.pop('dense_depth', None)
    model = MODELS.build(cfg.model).train()
    frames = DATASETS.build(cfg.train_dataloader.dataset)
    batch = pseudo_collate([frames[0], frames[1]])
    model.to('meta')
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    if hasattr(model, 'teacher'):
        # Of its first answer it looks at how much is of use.
        model.teacher._prepare(torch.device('meta'))
        model.teacher._answered = 1
    hook = FiniteLossHook()
    hook.before_train(SimpleNamespace(model=model, optim_wrapper=optim_wrapper))
    with host_waits() as waits:
        model.train_step(batch, optim_wrapper)
    assert files(waits) == ALLOWED, waits


def on_meta(thing):
    """A dataclass with its tensors on the meta device."""
    values = {field.name: getattr(thing, field.name) for field in fields(thing) if field.init}
    moved = {
        key: value.detach().to('meta').requires_grad_(value.requires_grad)
        for key, value in values.items()
        if isinstance(value, torch.Tensor) and key != 'neighbors'
    }
    return replace(thing, **moved)


@pytest.mark.parametrize('config', DISTILLERS, ids=lambda c: '-'.join(str(v) for v in c.values()))
def test_distillers(config):
    scene = make_scene()
    scene.student.log_scale = torch.zeros(*scene.depth.shape[:2], *scene.student.logits.shape[-2:])
    kd = build(config).to('meta')
    for name in ('student', 'teacher', 'target', 'rig'):
        setattr(scene, name, on_meta(getattr(scene, name)))
    step = scene.step()
    with host_waits() as waits:
        losses = kd.loss(step)
        sum(losses.values()).backward()
    assert waits == [] and all(value.is_meta for value in losses.values())


def test_lift_and_splat():
    scene = make_scene()
    rig = on_meta(scene.rig)
    B, N = rig.cam2img.shape[:2]
    features, probabilities = torch.ones(B, N, 4, 6, 8, device='meta'), torch.ones(B, N, 5, 6, 8, device='meta')
    grid = BEVGrid((-10.0, 10.0, 1.0), (-10.0, 10.0, 1.0), (-3.0, 3.0))
    with host_waits() as waits:
        lift_splat(features, probabilities, torch.ones(B, N, 5, device='meta'), rig, grid)
    assert waits == []


def test_poses_for_a_teacher_that_sees_the_rig():
    with host_waits() as waits:
        poses = torch.ones(2, 6, 4, 4, device='meta')
        assert from_ahead(poses).shape == (2, 6) and relative_poses(poses)[0].shape == (2, 6, 4, 4)
    assert waits == []


@pytest.mark.parametrize(
    'what, call',
    [
        ('item', lambda x: x.sum().item()),
        ('item', lambda x: bool((x > 0).all())),
        ('copy to the host', lambda x: x.cpu()),
        ('copy from the host', lambda x: torch.zeros(3).to(x)),
        ('copy between host and device', lambda x: x.copy_(torch.zeros(2, 3))),
        ('constant from the host', lambda x: x.new_tensor([1.0, 2.0])),
        ('constant from the host', lambda x: torch.tensor([1.0], device=x.device)),
        ('mask as an index', lambda x: x[x > 0]),
        ('index from the host', lambda x: x[[0, 1]]),
        ('index from the host', lambda x: x[:, torch.tensor([0, 1])]),
        ('nonzero', lambda x: x.nonzero()),
        ('nonzero', lambda x: torch.where(x > 0)),
        ('_linalg_check_errors', lambda x: torch.linalg.inv(torch.ones(4, 2, 2, device=x.device))),
    ],
)  # fmt: skip
def test_each_kind_is_seen_where_it_is(what, call):
    x = torch.ones(2, 3, device='meta')
    with host_waits() as waits:
        call(x)
    assert [kind for kind, _ in waits] == [what] and 'test_host_waits.py:' in waits[0][1]


def test_what_waits_for_nothing():
    x, host = torch.ones(2, 3, device='meta'), torch.ones(2, 3)
    with host_waits() as waits:
        x + host.to(x.device, non_blocking=True)
        x.masked_fill(x > 0, 1.0)
        x[torch.ones(2, dtype=torch.long, device='meta')]
        torch.where(x > 0, x, 2.0)
        host[host > 0].sum().item()
    assert waits == []
