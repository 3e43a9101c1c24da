"""Two processes do what one process with twice the batch does; one that dies takes the others with it."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.dataset import pseudo_collate
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import init_default_scope
from processes import PATIENCE, TOOLS, run_tool, start, wait_for
from toy_run import DISTILLERS, PIPELINE, STUDENT, distilled, freeze_norms, logged_losses, toy_config, validated

from fsmde.datasets import DDADDataset
from toy_dgp import cylinder_points, write_toy_dgp

TESTS = Path(__file__).parents[1]
BRANCH, RELATIONS = DISTILLERS
#: Of each comparison the model and the frames that the first and the second process see.
COMPARISONS = dict(
    branch_and_points=(distilled(), (0, 2), (1, 3)),
    random_foundation_model=(
        distilled(
            dict(type='HuggingFaceDepthTeacher', model='random-tiny'), [BRANCH, dict(RELATIONS, relation='feature')]
        ),
        (0, 2),
        (1, 3),
    ),
    aligned_to_lidar=(
        dict(
            distilled(distillers=[dict(type='CrossInteractionKD', probabilities='aligned'), RELATIONS]),
            head=dict(STUDENT['head'], scope='rig', bins=dict(num_bins=8, max_depth=40.0, spacing='linear')),
        ),
        (0, 2),
        (1, 3),
    ),
    any_view_teacher=(
        distilled(dict(type='ToyRigTeacher'), [dict(type='CrossInteractionKD', probabilities='aligned'), RELATIONS]),
        (0, 2),
        (1, 3),
    ),
    a_process_without_lidar=(distilled(), (0, 1), (3, 3)),
)
if find_spec('depth_anything_3'):
    COMPARISONS['depth_anything_3'] = (
        distilled(dict(type='DepthAnything3Teacher', model='random-da3-small'), [BRANCH, RELATIONS]),
        (0, 2),
        (1, 3),
    )


def frames_with_unequal_lidar(root):
    """Four augmented frames with 4000, 500, 60 and no LiDAR points in the images."""
    for number, count in enumerate((4000, 500, 60, 4000)):
        points = cylinder_points(count, seed=number)
        points[:, 2] += 100 * (number == 3)
        np.savez(root / '000000' / 'point_cloud' / 'LIDAR' / f'{number}.npz', data=points)
    frames = DDADDataset(data_root=str(root), pipeline=PIPELINE)
    frames.set_epoch(0, 3)
    return [frames[i] for i in range(4)]


def losses_and_gradients(folder, rank=None):
    """Train each model on its frames, all of them or those of a rank; twice, as DDP says in the second forward pass
    which parameters had no gradient in the first.
    """
    init_default_scope('mmdet3d')
    frames = torch.load(folder / 'frames.pt', weights_only=False)
    for name, (config, *halves) in COMPARISONS.items():
        torch.manual_seed(0)
        model = MODELS.build(config)
        for parameter in model.parameters():
            parameter.data.add_(0.05 * torch.randn(parameter.shape))
        freeze_norms(model.train())
        wrapped = model if rank is None else MMDistributedDataParallel(model, device_ids=None)
        mine = sum(halves, ()) if rank is None else halves[rank]
        for _ in range(2):
            model.zero_grad()
            losses = wrapped(**model.data_preprocessor(pseudo_collate([frames[i] for i in mine])), mode='loss')
            model.parse_losses(losses)[0].backward()
        gradients = {key: parameter.grad for key, parameter in model.named_parameters()}
        torch.save(({key: value.detach() for key, value in losses.items()}, gradients), folder / f'{name}_{rank}.pt')


def one_of_two(folder, rank):
    torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/store', rank=rank, world_size=2)
    losses_and_gradients(folder, rank)
    torch.distributed.destroy_process_group()


@pytest.fixture(scope='module')
def outcomes(tmp_path_factory):
    """{name: outcomes of one process, the first of two and the second of two}; an outcome is (losses, gradients)."""
    folder = tmp_path_factory.mktemp('gradients')
    frames = frames_with_unequal_lidar(write_toy_dgp(folder / 'toy', samples=4))
    assert not frames[3]['data_samples'].gt_depth.any()
    torch.save(frames, folder / 'frames.pt')
    processes = [start(one_of_two, folder, rank, log=folder / f'{rank}.log') for rank in range(2)]
    processes.append(start(losses_and_gradients, folder, log=folder / 'one.log'))
    for process, log in zip(processes, ('0.log', '1.log', 'one.log')):
        wait_for(process)
        assert process.exitcode == 0, (folder / log).read_text()
    return {
        name: [torch.load(folder / f'{name}_{rank}.pt', weights_only=True) for rank in (None, 0, 1)]
        for name in COMPARISONS
    }


@pytest.mark.parametrize('name', COMPARISONS)
def test_two_processes_have_the_losses_and_gradients_of_one(outcomes, name):
    (losses, gradients), (first, gradients_of_first), (second, gradients_of_second) = outcomes[name]
    assert {'loss_depth', 'loss_chamfer', 'loss_kd_prob', 'loss_kd_view'} <= losses.keys()
    for key, value in losses.items():
        assert value > 0
        torch.testing.assert_close((first[key] + second[key]) / 2, value, rtol=1e-5, atol=1e-7, msg=key)
    largest = max(gradient.abs().max() for gradient in gradients.values())
    for key, gradient in gradients.items():
        assert torch.equal(gradients_of_first[key], gradients_of_second[key])
        scale = max(gradient.abs().max(), 1e-4 * largest)
        assert (gradients_of_first[key] - gradient).abs().max() < 1e-3 * scale, key


def run_script(name, *argv, **environ):
    """Run a shell script of tools/ on one thread a process; returns its exit code and what it printed."""
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get('PYTHONPATH')]))
    environ = dict(os.environ, PYTHON=sys.executable, PYTHONPATH=path, OMP_NUM_THREADS='1', **environ)
    command = ['bash', TOOLS / name, *map(str, argv)]
    done = subprocess.run(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE
    )
    return done.returncode, done.stdout


def test_scripts_train_resume_after_a_killed_rank_and_test(tmp_path):
    """Three torchrun starts, each of which imports everything twice: one test for what can share them."""
    root, work_dir = write_toy_dgp(tmp_path / 'toy', samples=4), tmp_path / 'work'
    config = tmp_path / 'config.py'
    validated(toy_config(root)).dump(config)
    # Two ranks see two frames each: iteration 3 is the second of the second epoch.
    code, said = run_script('dist_train.sh', config, 2, '--work-dir', work_dir, KILL_AT='3', KILL_RANK='1')
    assert code != 0 and 'exitcode  : -9' in said and 'rank      : 1' in said, said
    assert (work_dir / 'epoch_1.pth').exists() and not (work_dir / 'epoch_2.pth').exists()

    code, said = run_script('dist_train.sh', config, 2, '--work-dir', work_dir, '--resume')
    assert code == 0, said
    assert sorted(logged_losses(work_dir)) == [3, 4, 5, 6]
    assert not (work_dir / 'epoch_1.pth').exists() and len(list(work_dir.glob('best_depth_abs_rel_epoch_*.pth'))) == 1

    checkpoint = work_dir / 'epoch_3.pth'
    code, said = run_script('dist_test.sh', config, checkpoint, 2, '--work-dir', tmp_path / 'two')
    assert code == 0, said
    pictures, depth = tmp_path / 'pictures', tmp_path / 'depth'
    options = ['--show-dir', pictures, '--show-interval', '2', '--out', depth]
    code, said = run_tool(
        'test.py', config, checkpoint, '--work-dir', tmp_path / 'one', *options, log=tmp_path / 'log'
    )
    assert code == 0, said
    assert len(list(pictures.rglob('*_panel.jpg'))) == len(list(pictures.rglob('*_bev.jpg'))) == 2
    assert len(list(depth.rglob('*.png'))) == 4 * 6
    assert len(list(tmp_path.glob('*/test_*/results.json'))) == 2
    one, two = (json.loads(next((tmp_path / name).glob('[0-9]*/*.json')).read_text()) for name in ('one', 'two'))
    for results in (one, two):
        results.pop('time'), results.pop('data_time')
    assert one['depth/abs_rel'] > 0 and one == two
