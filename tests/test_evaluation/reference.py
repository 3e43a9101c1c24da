"""The published protocols once more, slowly: loops over pixels, maps at full size, nothing shared with the package."""

import math
import statistics

import numpy as np
import torch
from PIL import Image

NAMES = ('abs_rel', 'sq_rel', 'rmse', 'rmse_log', 'silog', 'd1', 'd2', 'd3')


def depth_map(sample, collisions, mask):
    """(N, H, W) full-size ground truth, point by point."""
    H, W = sample['ori_shape'][0]
    depth = np.zeros((len(sample['cam_names']), H, W))
    shown = np.ones(depth.shape, bool)
    p = sample['lidar_pixels']
    for c, u, v, z, seen in zip(p.camera, p.u, p.v, p.z, sample['lidar_visible']):
        if collisions == 'last' or depth[c, v, u] == 0 or z < depth[c, v, u]:
            depth[c, v, u], shown[c, v, u] = z, seen
    return np.where(shown, depth, 0) if mask else depth


def scatter_down(depth, h, w):
    """Each camera's map scattered to (h, w) in raster order."""
    N, H, W = depth.shape
    small = np.zeros((N, h, w))
    for c in range(N):
        for v in range(H):
            for u in range(W):
                if depth[c, v, u] > 0:
                    small[c, int(v * (h / H)), int(u * (w / W))] = depth[c, v, u]
    return small


def small_mask(mask, h, w):
    """VFDepth's mask of one camera: Pillow's Lanczos filter, visible where anything is left of 255."""
    image = Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).resize((w, h), resample=Image.LANCZOS)
    return (torch.from_numpy(np.array(image)) / 255).bool().numpy()


def resized(pred, H, W):
    """(N, H, W) float64 bilinear resize, half-pixel centres."""
    pred = pred.double()[None]
    return torch.nn.functional.interpolate(pred, (H, W), mode='bilinear', align_corners=False)[0].numpy()


def errors(gt, pred):
    """The eight metrics of two lists of floats."""
    n = len(gt)
    e = [math.log(p) - math.log(g) for g, p in zip(gt, pred)]
    ratio = [max(g / p, p / g) for g, p in zip(gt, pred)]
    mean_square_log = sum(x * x for x in e) / n
    return [
        sum(abs(g - p) / g for g, p in zip(gt, pred)) / n,
        sum((g - p) ** 2 / g for g, p in zip(gt, pred)) / n,
        math.sqrt(sum((g - p) ** 2 for g, p in zip(gt, pred)) / n),
        math.sqrt(mean_square_log),
        100 * math.sqrt(max(mean_square_log - (sum(e) / n) ** 2, 0)),
        *[sum(r < 1.25**k for r in ratio) / n for k in (1, 2, 3)],
    ]


def clamp(values, low, high):
    return [min(max(x, low), high) for x in values]


def affine(gt, pred):
    """Predictions whose inverse is fitted to that of the ground truth by a line."""
    inverse = [1 / max(p, 1e-3) for p in pred]
    slope, shift = statistics.linear_regression(inverse, [1 / g for g in gt])
    return [1 / max(slope * x + shift, 1e-3) for x in inverse]


def per_image(samples, mode, low, high, collisions, mask):
    """`surrounddepth` and `fsmde`: image, camera, rig."""
    cameras = []
    for c in range(len(samples[0]['cam_names'])):
        images = []
        for sample in samples:
            gts = depth_map(sample, collisions, mask)
            preds = resized(sample['pred_depth'], *gts.shape[1:])
            valid = (gts > low) & (gts < high)
            gt, pred = gts[c][valid[c]].tolist(), preds[c][valid[c]].tolist()
            if mode == 'median':
                ratio = statistics.median(gt) / statistics.median(pred)
            elif mode == 'shared_median':
                ratio = statistics.median(gts[valid].tolist()) / statistics.median(preds[valid].tolist())
            else:
                ratio = 1
            scaled = affine(gt, pred) if mode == 'affine' else [p * ratio for p in pred]
            images.append(errors(gt, clamp(scaled, low, high)))
        cameras.append(np.mean(images, 0))
    return np.mean(cameras, 0)


def pooled(samples, mode, low, high, size):
    """`vfdepth`: four frames' pixels per camera, then cameras, then groups."""
    batches = []
    for start in range(0, len(samples) - size + 1, size):
        gts, preds = [], []
        for sample in samples[start : start + size]:
            shape = sample['pred_depth'].shape[1:]
            gt = scatter_down(depth_map(sample, 'last', False), *shape)
            gt = np.where([small_mask(mask.unpack(), *shape) for mask in sample['ori_visible']], gt, 0)
            pred = np.clip(sample['pred_depth'].double().numpy(), low, high)
            valid = (gt > low) & (gt < high)
            gts.append([gt[c][valid[c]].tolist() for c in range(len(gt))])
            preds.append([pred[c][valid[c]].tolist() for c in range(len(gt))])
        cameras = range(len(gts[0]))
        gts = [sum((g[c] for g in gts), []) for c in cameras]
        preds = [sum((p[c] for p in preds), []) for c in cameras]
        of_cameras = []
        for c in cameras:
            g, p = (gts[c], preds[c]) if mode == 'median' else (sum(gts, []), sum(preds, []))
            ratio = 1 if mode == 'metric' else statistics.median_low(g) / statistics.median_low(p)
            scaled = affine(gts[c], preds[c]) if mode == 'affine' else [x * ratio for x in preds[c]]
            of_cameras.append(errors(gts[c], clamp(scaled, low, high)))
        batches.append(np.mean(of_cameras, 0))
    return np.mean(batches, 0)
