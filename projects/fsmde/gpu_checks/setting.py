"""On what the checks run: a device, a small built-in world, and the shipped configs on it."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from fsmde.synthetic import make_world

CHILD = """from mmengine.config import read_base

with read_base():
    from fsmde.configs.{name} import *

# Nothing is downloaded: ImageNet weights are those that are installed.
if 'http' in str(model.backbone.init_cfg):
    model.backbone.update(init_cfg=None)
if 'teacher' in model:
    model.teacher.update(model={teacher!r})
for transform in train_pipeline + test_pipeline:
    if 'size' in transform:
        transform.update(size={size})
for loader, pipeline in ((train_dataloader, train_pipeline), (val_dataloader, test_pipeline)):
    loader.update(num_workers={workers}, persistent_workers={persistent})
    loader.dataset.update(data_root={world!r}, pipeline=pipeline)
test_dataloader = val_dataloader
visualizer.update(vis_backends=visualizer.vis_backends[:1])
default_hooks.logger.update(interval=1)
log_processor.update(window_size=1)
del transform, loader, pipeline
"""


@dataclass
class Setting:
    """What every check is given.

    Args:
        folder: For the world, configs and what runs write.
        tools: The folder of this project's tools.
        device: Where to compute, 'cuda' or for a dry run 'cpu'.
        dry_run: Everything at toy size.
    """

    folder: Path
    tools: Path
    device: str
    dry_run: bool

    def __post_init__(self):
        self.folder = Path(self.folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        init_default_scope('mmdet3d')
        if self.dry_run:
            torch.set_num_threads(1)  # Tiny tensors: a second thread only waits.
        # Numbers are compared; the speed checks turn the faster arithmetic of convolutions on again.
        torch.backends.cudnn.allow_tf32 = False
        frames = dict(train_scenes=2, val_scenes=1, test_scenes=0, frames_per_scene=2, size=(48, 80))
        if not self.dry_run:
            frames.update(train_scenes=8, frames_per_scene=4, size=(192, 320), jobs=min(8, os.cpu_count() or 1))
        self.world = make_world(self.folder / 'world', **frames)

    @property
    def gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device == 'cuda'

    @property
    def speed_configs(self) -> list:
        """Configs that are measured."""
        if self.dry_run:
            return ['fsmde_kd_ddad']
        family = ('rt_mobilenetv2', 'rt_cspnext_tiny', 'rt_resnet18_half', 'rt_resnet18')
        return ['fsmde_sup_ddad', 'fsmde_kd_ddad', *(f'realtime.fsmde_{name}_ddad' for name in family)]

    def config(self, name: str = 'fsmde_kd_ddad', full_size: bool = False) -> Path:
        """A config that inherits a shipped one, on the built-in world, without downloads; the path of its file.

        Args:
            full_size: Images of the shipped size, where it is no dry run.
        """
        size = (48, 80) if self.dry_run else (384, 640) if full_size else (192, 320)
        path = self.folder / f'{name.split(".")[-1]}_{size[0]}.py'
        path.write_text(
            CHILD.format(
                name=name,
                teacher='random-tiny' if self.dry_run else 'random-small',
                size=size,
                workers=0 if self.dry_run else 2,
                persistent=not self.dry_run,
                world=str(self.world),
            )
        )
        return path

    def model_and_batch(self, path: Path, frames: int = 2) -> tuple:
        """The model of a config, on the CPU, and :func:`batch_of` it."""
        cfg = Config.fromfile(path)
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        model.init_weights()
        return model.train(), batch_of(cfg, frames)


def batch_of(cfg: Config, frames: int = 2) -> dict:
    """The first frames of a config's training set, not preprocessed; always with the same augmentation."""
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    dataset.set_epoch(0, 0)
    return pseudo_collate([dataset[i % len(dataset)] for i in range(frames)])
