"""A tiny distilled estimator on the toy DGP data, as a config that tools/train.py takes."""

import json
import os
import signal

import fsmde  # noqa: F401  isort: skip  (before mmdet: where mmcv has no compiled ops it puts a stand-in)
import torch
import torch.nn.functional as F
from mmdet.models.backbones import ResNet
from mmdet3d.registry import HOOKS, MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.hooks import Hook

from fsmde.models import DepthTeacher
from fsmde.models.losses import SILogLoss
from toy_dgp import AZIMUTHS

PIPELINE = [
    dict(type='mmdet3d.LoadSurroundImages'),
    dict(type='mmdet3d.LoadSurroundLidar'),
    dict(type='mmdet3d.ResizeViews', size=(48, 64)),
    dict(type='mmdet3d.KeepTeacherViews'),
    dict(type='mmdet3d.RandomZoomCrop', max_zoom=1.3),
    dict(type='mmdet3d.RandomFlipViews', prob=0.5),
    dict(type='mmdet3d.RandomPhotometric', strength=0.2, prob=0.5),
    dict(type='mmdet3d.ProjectLidarDepth'),
    dict(type='mmdet3d.PackSurroundInputs'),
]
TEST_PIPELINE = [*PIPELINE[:2], dict(type='mmdet3d.KeepLidarPixels'), PIPELINE[2], *PIPELINE[-2:]]
STUDENT = dict(
    type='BinDepthEstimator',
    backbone=dict(type='mmdet.ResNet', depth=18, base_channels=8, norm_eval=True),
    neck=dict(type='LightPyramidNeck', channels=8),
    head=dict(
        type='BinDepthHead', bins=dict(num_bins=16, min_depth=1.0, max_depth=40.0), channels=8, focal_reference=40.0
    ),
    max_depth=40.0,
)
DISTILLERS = [
    dict(type='CrossInteractionKD', channels=8),
    dict(type='ViewRelationalKD', grid=(3, 4)),
]


@MODELS.register_module()
class ToyTeacher(DepthTeacher):
    """Nearer towards the left and right border, as the toy cylinder is, and where it is brighter; features are the
    image at a quarter of its size.
    """

    def __init__(self):
        super().__init__(None, 'disparity_affine_invariant', feature_channels=3)

    def predict(self, images, cam2img):
        views = images.float() / 255
        column = torch.linspace(-1, 1, views.shape[-1])
        return column**2 + 0.1 * views.mean(2), F.avg_pool2d(views.flatten(0, 1), 4)


#: x and y in metres of the middle of the cylinder that ToyRigTeacher knows.
CENTRE = 1.0, 2.0


def cylinder_depth(cam2img, cam2ego, size, centre):
    r"""z-depth (B, N, H, W) of the inside of an upright cylinder of radius 10 m, from cameras (B, N) in it.

    With o + z r a ray from a camera at o, r of z = 1, on the ground plane: \|o - c + z r\| = 10, a quadratic in z.
    """
    H, W = size
    v, u = torch.meshgrid(torch.arange(H) + 0.5, torch.arange(W) + 0.5, indexing='ij')
    pixels = torch.stack([u, v, torch.ones_like(u)], -1).double()
    turn = cam2ego[..., :3, :3].double() @ torch.linalg.inv(cam2img.double())
    rays = torch.einsum('bnij,hwj->bnhwi', turn, pixels)[..., :2]
    start = (cam2ego[..., :2, 3].double() - torch.tensor(centre))[:, :, None, None]
    a, b, c = rays.square().sum(-1), (start * rays).sum(-1), start.square().sum(-1) - 100
    return ((-b + (b * b - a * c).sqrt()) / a).float()


@MODELS.register_module()
class ToyRigTeacher(DepthTeacher):
    """Knows from poses how far a cylinder around :data:`CENTRE` is, up to one scale for the rig."""

    reads = ('cam2ego',)

    def __init__(self):
        super().__init__(None, 'depth_scale_invariant_multi_view', feature_channels=3, licence='CC-BY-NC-4.0')

    def predict(self, images, cam2img, cam2ego):
        depth = 0.1 * cylinder_depth(cam2img, cam2ego, images.shape[-2:], CENTRE)
        return depth, F.avg_pool2d(images.flatten(0, 1).float(), 4)


@MODELS.register_module()
class ToyLidarTeacher(DepthTeacher):
    """Says a tenth of LiDAR where there is some, and one metre elsewhere."""

    reads = ('lidar',)

    def __init__(self):
        super().__init__(None, 'depth_scale_invariant')

    def predict(self, images, cam2img, lidar):
        return torch.where(lidar > 0, 0.1 * lidar, 1.0), None


@MODELS.register_module()
class LossWithoutGradient(SILogLoss):
    """Finite in every iteration; its gradient is NaN from iteration NAN_AT on, as that of 0 * sqrt(0)."""

    calls = 0

    def forward(self, prediction, target, mask):
        self.calls += 1
        at_zero = 0 * (0 * prediction.sum()).sqrt() if self.calls > int(os.environ.get('NAN_AT', 10**9)) else 0
        return super().forward(prediction, target, mask) + at_zero


@MODELS.register_module()
class DropoutResNet(ResNet):
    """A backbone that draws random numbers in training."""

    def forward(self, x):
        return tuple(F.dropout(level, 0.1, self.training) for level in super().forward(x))


@HOOKS.register_module()
class KillHook(Hook):
    """SIGKILL to the process itself, at the beginning of iteration KILL_AT of rank KILL_RANK."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if os.environ.get('KILL_AT') == str(runner.iter) and os.environ.get('RANK', '0') == os.environ['KILL_RANK']:
            os.kill(os.getpid(), signal.SIGKILL)


@TRANSFORMS.register_module()
class KillWorker:
    """SIGKILL to the data-loader worker that reads sample KILL_SAMPLE."""

    def __call__(self, results):
        if os.environ.get('KILL_SAMPLE') == str(results['sample_idx']):
            os.kill(os.getpid(), signal.SIGKILL)
        return results


def distilled(teacher=None, distillers=DISTILLERS):
    """The student's config with a teacher and distillers."""
    return dict(
        STUDENT, type='DistilledDepthEstimator', teacher=teacher or dict(type='ToyTeacher'), distillers=distillers
    )


def toy_config(data_root, model=None, cameras=tuple(AZIMUTHS), num_workers=0, max_epochs=3, batch_size=1):
    """A config of a run whose log holds each iteration's losses exactly."""
    loader = dict(num_workers=num_workers, persistent_workers=num_workers > 0)
    dataset = dict(type='DDADDataset', data_root=str(data_root), cameras=list(cameras))
    test_loader = dict(
        batch_size=1,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(dataset, split='val', test_mode=True, pipeline=TEST_PIPELINE),
        num_workers=0,
    )
    return Config(
        dict(
            custom_imports=dict(imports=['fsmde', 'toy_run']),
            default_scope='mmdet3d',
            model=model or distilled(),
            train_dataloader=dict(
                loader,
                batch_size=batch_size,
                sampler=dict(type='DefaultSampler', shuffle=True),
                dataset=dict(dataset, split='train', pipeline=PIPELINE),
            ),
            test_dataloader=test_loader,
            test_evaluator=dict(type='SurroundDepthMetric'),
            test_cfg=dict(type='TestLoop'),
            train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=max_epochs),
            optim_wrapper=dict(
                type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3), clip_grad=dict(max_norm=10)
            ),
            param_scheduler=[
                dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=5),
                dict(type='CosineAnnealingLR', T_max=max_epochs, by_epoch=True, convert_to_iter_based=True),
            ],
            auto_scale_lr=dict(base_batch_size=4, enable=False),
            default_hooks=dict(
                logger=dict(type='LoggerHook', interval=1),
                checkpoint=dict(type='AtomicCheckpointHook', interval=1),
                sync_buffers=dict(type='SyncStatisticsHook'),
            ),
            custom_hooks=[dict(type='FrameSeedHook'), dict(type='FiniteLossHook'), dict(type='KillHook')],
            log_processor=dict(type='LogProcessor', window_size=1, by_epoch=True),
            env_cfg=dict(mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0)),
            randomness=dict(seed=0),
        )
    )


def validated(cfg):
    """The config with a validation of each epoch, which decides what the best checkpoint is."""
    cfg.merge_from_dict(
        dict(
            val_dataloader=cfg.test_dataloader,
            val_evaluator=cfg.test_evaluator,
            val_cfg=dict(type='ValLoop'),
            default_hooks=dict(checkpoint=dict(save_best='depth/abs_rel', rule='less', max_keep_ckpts=2)),
        )
    )
    return cfg


def logged_losses(work_dir):
    """{iteration: {loss: value}} of the newest run in a work directory, the learning rate among them."""
    newest = max(work_dir.glob('*/vis_data/scalars.json'))
    rows = [json.loads(line) for line in newest.read_text().splitlines()]
    wanted = ('loss', 'lr', 'bins_spread', 'grad_norm')
    return {row['iter']: {k: v for k, v in row.items() if any(w in k for w in wanted)} for row in rows if 'lr' in row}


def freeze_norms(model):
    """Put every BatchNorm into eval mode."""
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()
