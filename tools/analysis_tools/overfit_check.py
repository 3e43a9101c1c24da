"""Does the geometry hold? Overfit a small student on a few frames with part of the LiDAR withheld.

Training LiDAR is withheld in every third 10-degree sector of azimuth around the vehicle. If images, calibration and
LiDAR agree, a network that has memorised the seen sectors continues surfaces into the withheld ones. With one camera
turned (--turn-degrees) the labels of that camera lie beside what it sees, and the withheld sectors and the overlaps
with its neighbours get worse. Always judged with the right calibration, on the frames that were trained on:

    python tools/analysis_tools/overfit_check.py configs/fsmde_sup_resnet34_ddad.py --data-root DDAD --out overfit.json \\
        --cfg-options model.backbone.depth=18
    python tools/analysis_tools/overfit_check.py configs/fsmde_sup_resnet34_ddad.py --data-root DDAD --turn-degrees 3 \\
        --out turned.json --cfg-options model.backbone.depth=18
"""

import argparse
import copy
import json
import time
from types import SimpleNamespace

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import DictAction
from mmengine.dataset import Compose, pseudo_collate
from mmengine.runner import set_random_seed

import fsmde  # noqa: F401
from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.datasets import (
    LoadSurroundImages,
    LoadSurroundLidar,
    PackSurroundInputs,
    ProjectLidarDepth,
    RandomFlipViews,
    RandomPhotometric,
    RandomZoomCrop,
    ResizeViews,
)
from fsmde.engine.config_files import read_config
from fsmde.output_files import write_text
from fsmde.rig import project_points

SECTOR_DEGREES = 10


def withheld_sector(points, lidar2ego):
    """(P,) bool: whether a LiDAR point lies in a sector of azimuth that training does not see."""
    ego = points @ lidar2ego[:3, :3].T + lidar2ego[:3, 3]
    sector = np.floor(np.degrees(np.arctan2(ego[:, 1], ego[:, 0])) / SECTOR_DEGREES).astype(int)
    return sector % 3 == 2


class SplitSectors(BaseTransform):
    """Project the withheld LiDAR into ``withheld_depth``, leave only the rest, and turn one camera for training."""

    def __init__(self, turn_camera, turn_degrees):
        self.turn_camera, self.turn_degrees = turn_camera, turn_degrees

    def transform(self, results):
        points = results['lidar_points']
        sizes = [image.shape[:2] for image in results['img']]
        withheld = withheld_sector(points, results['cam2ego'][0] @ results['lidar2cam'][0])
        truth = {}
        for name, part in (('seen', points[~withheld]), ('withheld', points[withheld])):
            pixels = project_points(part, results['lidar2cam'], results['cam2img'], sizes)
            truth[name] = pixels.scatter(len(sizes), *sizes[0])
        pixels = project_points(points, results['lidar2cam'], results['cam2img'], sizes)
        views = np.bincount(pixels.index, minlength=len(points))
        shared = pixels.index[views[pixels.index] > 1]
        overlap = project_points(points[np.unique(shared)], results['lidar2cam'], results['cam2img'], sizes)
        truth['overlap'] = overlap.scatter(len(sizes), *sizes[0])
        results['tags'] = truth
        results['lidar_points'] = points[~withheld]
        camera = results['cam_names'].index(self.turn_camera)
        angle = np.radians(self.turn_degrees)
        turn = np.eye(4)  # About the camera's vertical axis.
        turn[[0, 0, 2, 2], [0, 2, 0, 2]] = np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle)
        for key, matrix in (('lidar2cam', turn @ results['lidar2cam'][camera]),
                            ('cam2ego', results['cam2ego'][camera] @ np.linalg.inv(turn))):  # fmt: skip
            results[key] = results[key].copy()
            results[key][camera] = matrix
        return results


def abs_rel(prediction, truth, mask):
    used = (truth > 0) & mask
    return float((np.abs(prediction - truth)[used] / truth[used]).mean())


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('--data-root', required=True)
    parser.add_argument('--size', type=int, nargs=2, default=(128, 224), help='height and width of the input')
    parser.add_argument('--steps', type=int, default=400)
    parser.add_argument('--lr', type=float, default=2e-3)
    parser.add_argument('--turn-camera', default='CAMERA_05')
    parser.add_argument('--turn-degrees', type=float, default=0.0)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', help='json file for the figures')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return refuse_empty_options(parser, parser.parse_args())


@mistakes_in_one_line('overfit_check')
def main():
    args = parse_args()
    set_random_seed(args.seed)
    cfg = read_config(args.config, args.data_root, {'model.backbone.init_cfg': None, **(args.cfg_options or {})})
    dataset = cfg.train_dataloader.dataset
    dataset.pipeline = [
        dict(type=LoadSurroundImages),
        dict(type=LoadSurroundLidar),
        dict(type=ResizeViews, size=args.size),
        dict(type=SplitSectors, turn_camera=args.turn_camera, turn_degrees=args.turn_degrees),
    ]
    loaded = list(DATASETS.build(dataset))
    pack = Compose([dict(type=ProjectLidarDepth), dict(type=PackSurroundInputs)])
    augment = Compose([dict(type=RandomZoomCrop), dict(type=RandomFlipViews), dict(type=RandomPhotometric)])
    rng = np.random.default_rng(args.seed)
    # Focal lengths shrink with the images: so does the reference.
    if cfg.model.head.get('focal_reference'):
        cfg.model.head.focal_reference *= args.size[1] / cfg.input_size[1]
    model = MODELS.build(cfg.model)
    model.init_weights()

    def batch_of(frames):
        return model.data_preprocessor(pseudo_collate([pack(frame) for frame in frames]), training=True)

    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.steps, pct_start=0.1)
    start = time.time()
    for step in range(args.steps):
        frames = copy.deepcopy(loaded)
        if step < 2 * args.steps / 3:  # The last third sees the frames as they are.
            frames = [augment(dict(frame, rng=rng)) for frame in frames]
        losses = model(**batch_of(frames), mode='loss')
        total, log = model.parse_losses(losses)
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        schedule.step()
        if step % 20 == 0 or step == args.steps - 1:
            text = ' '.join(f'{key} {value.item():.4f}' for key, value in log.items())
            print(f'step {step + 1}/{args.steps} ({time.time() - start:.0f} s): {text}', flush=True)
    # Normalisation by the batch it was trained with: running statistics of a few hundred steps lag behind.
    with torch.no_grad():
        samples = model(**batch_of(loaded), mode='predict')
    figures = SimpleNamespace(frames=len(samples), steps=args.steps, turn_degrees=args.turn_degrees, seed=args.seed)
    camera = samples[0].cam_names.index(args.turn_camera)
    for name in ('seen', 'withheld', 'overlap'):
        truth = np.stack([sample.tags[name] for sample in samples])
        prediction = np.stack([sample.pred_depth.numpy() for sample in samples])
        visible = np.stack([sample.valid_mask.numpy() for sample in samples]) & (truth < model.max_depth)
        figures.__dict__[f'{name}_abs_rel'] = round(abs_rel(prediction, truth, visible), 4)
        figures.__dict__[f'{name}_pixels'] = f'{(visible & (truth > 0)).sum()} of {(truth > 0).sum()}'
        one = abs_rel(prediction[:, camera], truth[:, camera], visible[:, camera])
        figures.__dict__[f'{name}_abs_rel_of_{args.turn_camera}'] = round(one, 4)
    print(json.dumps(vars(figures), indent=2))
    if args.out:
        write_text(args.out, json.dumps(vars(figures), indent=2))


if __name__ == '__main__':
    main()
