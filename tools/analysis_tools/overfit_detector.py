"""Can a detector learn what it is given? Overfit it on the frames of one info file and look for the frames' cars.

Recall of annotated cars with at least one LiDAR point, by the distance of box centres on the ground: what NuScenesMetric
calls a match at 2 m, without the raw tables that it needs. Trained and judged on the same frames, without augmentation:

    python tools/analysis_tools/overfit_detector.py configs/bev/centerpoint_pillar02_lidar-depth_nus.py --data-root DIR
"""

import argparse
import json
import time

import numpy as np
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import DictAction
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.engine.config_files import read_config
from fsmde.output_files import write_text

RANDOM = ('GlobalRotScaleTrans', 'RandomFlip3D', 'PointShuffle')


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='a config of configs/bev with boxes in the LiDAR frame')
    parser.add_argument('--data-root', required=True, help='folder of the data set')
    parser.add_argument('--ann-file', default='nuscenes_infos_val.pkl', help='info file with boxes')
    parser.add_argument(
        '--reach', type=float, default=81.92, help='half the side of the square that is looked at, metres'
    )
    parser.add_argument('--pillar', type=float, default=0.64, help='side of a pillar in metres; BEV cells are four')
    parser.add_argument(
        '--size', type=int, nargs=2, help='height and width of the images instead of those of the config'
    )
    parser.add_argument('--steps', type=int, default=120)
    parser.add_argument('--lr', type=float, default=2e-3)
    parser.add_argument('--score', type=float, default=0.3, help='detections of less are not counted')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', help='json file for the figures')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return refuse_empty_options(parser, parser.parse_args())


def overfit_datasets(cfg, data_root: str, ann_file: str) -> tuple:
    """The config's training data set on one info file, without class balancing and random transforms, and its test one."""
    train, test = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    train = train.get('dataset', train)
    train.pipeline = [step for step in train.pipeline if step['type'] not in RANDOM]
    train.use_valid_flag = False  # Boxes with a LiDAR point, not those with a radar point alone.
    for dataset in (train, test):
        dataset.update(data_root=data_root, ann_file=ann_file)
    return DATASETS.build(train), DATASETS.build(test)


def set_grid(cfg, reach: float, pillar: float) -> None:
    """Let a CenterPoint-pillar or BEVDepthDetector config look ``reach`` metres far with pillars of ``pillar`` metres."""
    cells, size = round(2 * reach / pillar), [pillar, pillar, 8]
    box = [-reach, -reach, -5.0, reach, reach, 3.0]
    wide = [-reach - 10, -reach - 10, -10.0, reach + 10, reach + 10, 10.0]
    model = cfg.model
    if model.type == 'BEVDepthDetector':
        model.view_transform.update(
            xbound=(-reach, reach, 4 * pillar),
            ybound=(-reach, reach, 4 * pillar),
            dbound=(1.0, 1.0 + round(reach), 0.5),
        )
    else:
        model.data_preprocessor.voxel_layer.update(point_cloud_range=box, voxel_size=size)
        model.pts_voxel_encoder.update(point_cloud_range=box, voxel_size=size)
        model.pts_middle_encoder.output_shape = (cells, cells)
    model.pts_bbox_head.bbox_coder.update(pc_range=box[:2], voxel_size=size[:2], post_center_range=wide)
    model.train_cfg.pts.update(grid_size=[cells, cells, 1], voxel_size=size, point_cloud_range=box)
    model.test_cfg.pts.update(pc_range=box[:2], voxel_size=size[:2], post_center_limit_range=wide)
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        for step in loader.dataset.get('dataset', loader.dataset).pipeline:
            if 'point_cloud_range' in step:
                step['point_cloud_range'] = box


def set_image_size(cfg, size) -> None:
    """Resize the views to (height, width) pixels instead; a student's focal reference follows the width."""
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        for step in loader.dataset.get('dataset', loader.dataset).pipeline:
            if step['type'] == 'ResizeViews':
                ratio, step['size'] = size[1] / step['size'][1], tuple(size)
    if 'student' in cfg.model:
        cfg.model.student.head.focal_reference *= ratio


def match_centers(truth, found, radius: float = 2.0) -> int:
    """How many of (T, 2) centres have one of (F, 2) found ones within ``radius``, each found one used once, metres."""
    distance = np.linalg.norm(np.asarray(truth)[:, None] - np.asarray(found)[None], axis=-1)
    matches = 0
    while distance.size and distance.min() < radius:
        row, column = np.unravel_index(distance.argmin(), distance.shape)
        distance = np.delete(np.delete(distance, row, 0), column, 1)
        matches += 1
    return matches


def car_recall(model, train, test, score: float) -> tuple:
    """(cars found, cars with LiDAR points in the range of training, cars claimed) over all frames."""
    found = total = claimed = 0
    for index in range(len(test)):
        car = test.metainfo['classes'].index('car')
        boxes = train[index]['data_samples'].gt_instances_3d
        truth = boxes.bboxes_3d.gravity_center[boxes.labels_3d == car, :2].numpy()
        with torch.no_grad():
            data = model.data_preprocessor(pseudo_collate([test[index]]))
            instances = model(**data, mode='predict')[0].pred_instances_3d
        kept = (instances.labels_3d == car) & (instances.scores_3d > score)
        centers = instances.bboxes_3d.gravity_center[kept, :2].cpu().numpy()
        found, total, claimed = found + match_centers(truth, centers), total + len(truth), claimed + len(centers)
    return found, total, claimed


@mistakes_in_one_line('overfit_detector')
def main():
    args = parse_args()
    set_random_seed(args.seed)
    cfg = read_config(args.config, cfg_options=args.cfg_options)
    init_default_scope('mmdet3d')
    set_grid(cfg, args.reach, args.pillar)
    if args.size:
        set_image_size(cfg, args.size)
    train, test = overfit_datasets(cfg, args.data_root, args.ann_file)
    model = MODELS.build(cfg.model)
    model.init_weights()
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=args.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.steps, pct_start=0.1)
    frames, start, losses = pseudo_collate([train[index] for index in range(len(train))]), time.time(), []
    model.train()
    for step in range(args.steps):
        total, _ = model.parse_losses(model(**model.data_preprocessor(frames, True), mode='loss'))
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 35.0)
        optimizer.step()
        schedule.step()
        losses.append(round(total.item(), 2))
        if step % 20 == 0 or step == args.steps - 1:
            print(f'step {step + 1}/{args.steps} ({time.time() - start:.0f} s): loss {losses[-1]}', flush=True)
    # Normalisation by the batch it was trained with: running statistics of a few hundred steps lag behind.
    found, cars, claimed = car_recall(model, train, test, args.score)
    figures = dict(
        config=args.config,
        steps=args.steps,
        loss=[losses[0], losses[-1]],
        cars=cars,
        found_within_2m=found,
        recall=round(found / max(cars, 1), 3),
        claimed=claimed,
        seconds=round(time.time() - start),
    )
    print(json.dumps(figures, indent=2))
    if args.out:
        write_text(args.out, json.dumps(figures, indent=2))


if __name__ == '__main__':
    main()
