"""Random choices of a training, by what counts its passes."""

import pytest
from mmdet3d.registry import TRANSFORMS
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from toy_run import STUDENT, toy_config

DRAWN = []


@TRANSFORMS.register_module()
class NoteDraw:
    """Writes down what a frame's generator draws first."""

    def __call__(self, results):
        DRAWN.append((results['sample_idx'], results['rng'].random()))
        return results


@pytest.mark.parametrize(
    'train_cfg', [dict(type='EpochBasedTrainLoop', max_epochs=2), dict(type='IterBasedTrainLoop', max_iters=6)]
)
def test_each_pass_draws_anew_and_each_run_the_same(toy_dgp, tmp_path, train_cfg):
    runs = []
    for number in range(2):
        cfg = toy_config(toy_dgp, STUDENT)
        cfg.work_dir, cfg.train_cfg, cfg.param_scheduler = str(tmp_path / str(number)), train_cfg, None
        cfg.test_dataloader = cfg.test_evaluator = cfg.test_cfg = None
        cfg.train_dataloader.dataset.pipeline.insert(0, dict(type='NoteDraw'))
        DRAWN.clear()
        with DefaultScope.overwrite_default_scope('mmdet3d'):
            Runner.from_cfg(cfg).train()
        runs.append(list(DRAWN))
    assert runs[0] == runs[1]
    assert len(runs[0]) == len(set(runs[0])) == 6 and len({frame for frame, _ in runs[0]}) == 3
