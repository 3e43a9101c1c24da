"""Ground truth and cost on real frames of the DDAD rig and of nuScenes."""

import json
import time

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from fsmde.datasets import (
    DDADDataset,
    KeepLidarPixels,
    LoadSurroundImages,
    LoadSurroundLidar,
    NuScenesSurroundDataset,
    PackSurroundInputs,
    ProjectLidarDepth,
    ResizeViews,
)
from fsmde.evaluation import SurroundDepthMetric, ground_truth_depth

PROTOCOLS = ('fsmde', 'surrounddepth', 'vfdepth')


def pipeline(size):
    return [
        dict(type=LoadSurroundImages),
        dict(type=LoadSurroundLidar),
        dict(type=KeepLidarPixels),
        dict(type=ResizeViews, size=size),
        dict(type=ProjectLidarDepth),
        dict(type=PackSurroundInputs),
    ]


@pytest.fixture(scope='module')
def ddad(sample_data):
    return DDADDataset(
        data_root=str(sample_data / 'ddad_sample'), split='val', test_mode=True, pipeline=pipeline((384, 640))
    )


@pytest.fixture(scope='module')
def samples(ddad):
    return [ddad[index]['data_samples'] for index in range(3)]


def pose(entry):
    """DGP pose or extrinsics json -> 4x4, written out once more."""
    w, x, y, z = (entry['rotation'].get(k, 0) for k in ('qw', 'qx', 'qy', 'qz'))
    T = np.eye(4)
    T[:3, :3] = [
        [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
    ]
    T[:3, 3] = [entry['translation'].get(k, 0) for k in 'xyz']
    return T


def dgp_depth(scene_file, sample, camera):
    """A camera's map by the formula of DGP, v1.3 to v2.0.1: ``Camera.from_params`` and ``generate_depth_map`` of
    dgp/utils/camera.py on what ``SynchronizedSceneDataset`` gives them. Intrinsics are float32 and without skew, OpenCV
    projects, pixels are truncated, the last point stays.
    """
    scene = json.loads(scene_file.read_text())
    data = {d['key']: d for d in scene['data']}
    by_name = {data[k]['id']['name']: data[k]['datum'] for k in scene['samples'][sample]['datum_keys']}
    calibration = json.loads(
        (scene_file.parent / 'calibration' / f'{scene["samples"][sample]["calibration_key"]}.json').read_text()
    )
    k = calibration['intrinsics'][calibration['names'].index(camera)]
    K = np.float32([[k['fx'], 0, k['cx']], [0, k['fy'], k['cy']], [0, 0, 1]])
    cloud, image = by_name['LIDAR']['point_cloud'], by_name[camera]['image']
    X = np.load(scene_file.parent / cloud['filename'])['data'][:, :3]
    for transform in (pose(cloud['pose']), np.linalg.inv(pose(image['pose']))):
        X = (transform @ np.c_[X, np.ones(len(X))].T).T[:, :3]
    uv = cv2.projectPoints(X, np.zeros((3, 1)), np.zeros(3, np.float32), K, np.zeros(5, np.float32))[0]
    uv, z = uv.reshape(-1, 2).astype(int), X[:, 2]
    H, W = 1216, 1936
    in_view = np.logical_and.reduce([(uv >= 0).all(axis=1), uv[:, 0] < W, uv[:, 1] < H, z > 0])
    depth = np.zeros((H, W), np.float32)
    depth[uv[in_view, 1], uv[in_view, 0]] = z[in_view]
    return depth


def test_published_ground_truth_in_every_pixel(ddad, sample_data):
    scene_file = next((sample_data / 'ddad_sample').glob('scene_02/scene_*.json'))
    for index in range(3):
        truth = ground_truth_depth(ddad, index, 'surrounddepth')
        for n, camera in enumerate(ddad.cameras):
            expected = dgp_depth(scene_file, index, camera)
            expected[(expected <= 0.1) | (expected >= 200)] = 0
            np.testing.assert_array_equal(truth[n] > 0, expected > 0)
            np.testing.assert_allclose(truth[n], expected, rtol=1e-6)


def scatter_as_packnet(depth, h, w):
    """resize_depth_preserve of packnet_sfm/datasets/augmentations.py."""
    H, W = depth.shape
    v, u = np.nonzero(depth > 0)  # Raster order: the last of several stays.
    small = np.zeros((h, w))
    small[(v * (h / H)).astype(int), (u * (w / W)).astype(int)] = depth[v, u]
    return small


def test_published_masks_of_vfdepth_in_every_pixel(sample_data, tmp_path):
    """Masks are shrunk and applied behind the scatter: dataset/data_util.py and utils/logger.py of VFDepth."""
    rng = np.random.default_rng(0)
    masks = {}
    for camera in DDADDataset.CAMERAS:
        mask = np.full((1216, 1936), 255, np.uint8)
        for _ in range(12):
            cv2.circle(mask, [int(x) for x in rng.integers((0, 500), (1936, 1216))], int(rng.integers(3, 200)), 0, -1)
        masks[camera] = mask
        path = tmp_path / f'{camera}.png'
        cv2.imwrite(str(path), mask)
    dataset = DDADDataset(
        data_root=str(sample_data / 'ddad_sample'),
        split='val',
        test_mode=True,
        pipeline=pipeline((384, 640)),
        self_occlusion=dict(root=str(tmp_path), template='{camera}.png', valid=255),
    )
    scene_file = next((sample_data / 'ddad_sample').glob('scene_02/scene_*.json'))
    truth = ground_truth_depth(dataset, 0, 'vfdepth')
    sample = dataset[0]['data_samples']
    sample.pred_depth = torch.full((6, 384, 640), 10.0)
    metric = SurroundDepthMetric(protocol='vfdepth', modes=('metric',))
    metric.dataset_meta = dataset.metainfo
    metric.process(None, [sample.to_dict()])
    hidden = 0
    for n, camera in enumerate(dataset.cameras):
        expected = scatter_as_packnet(dgp_depth(scene_file, 0, camera), 384, 640)
        small = Image.fromarray(masks[camera]).resize((640, 384), resample=Image.LANCZOS)
        shown = (torch.from_numpy(np.array(small)).float() / 255).bool().numpy()
        hidden += ((expected > 0) & ~shown).sum()
        expected = np.where(shown & (expected < 200), expected, 0)
        np.testing.assert_allclose(truth[n], expected, rtol=1e-6)
        assert metric.results[0].sums['vfdepth'][0, n, 0, 0] == (expected > 0).sum()
    assert hidden > 1000


def test_published_border_of_vfdepth_on_nuscenes(sample_data):
    """Points are left out before they are rounded: generate_depth_map of dataset/nuscenes_dataset.py of VFDepth."""
    dataset = NuScenesSurroundDataset(
        'nuscenes_infos_val.pkl',
        data_root=str(sample_data / 'nuscenes_sample'),
        test_mode=True,
        pipeline=pipeline((352, 640)),
    )
    info = dataset.get_data_info(0)
    cloud = np.fromfile(info['lidar_path'], np.float32).reshape(-1, 5)[:, :3]
    truth, rounded_in = ground_truth_depth(dataset, 0, 'vfdepth'), 0
    for n in range(6):
        points = (info['lidar2cam'][n] @ np.c_[cloud, np.ones(len(cloud))].T).T[:, :3]
        points = points[points[:, 2] > 0]
        pixels = (info['cam2img'][n] @ points.T).T
        pixels = pixels[:, :2] / pixels[:, 2:]
        inside = (pixels[:, 0] >= 0) & (pixels[:, 0] <= 1599) & (pixels[:, 1] >= 0) & (pixels[:, 1] <= 899)
        rounded = pixels.round()
        in_by_rounding = (rounded >= 0).all(1) & (rounded[:, 0] < 1600) & (rounded[:, 1] < 900)
        rounded_in += (in_by_rounding & ~inside).sum()
        depth = np.zeros((900, 1600))
        valid = rounded[inside].astype(int)
        depth[valid[:, 1], valid[:, 0]] = points[inside, 2]
        expected = scatter_as_packnet(depth, 352, 640)
        expected[expected >= 80] = 0
        np.testing.assert_allclose(truth[n], expected, rtol=1e-6)
    assert rounded_in > 0


def test_known_figures(ddad):
    truth = ground_truth_depth(ddad, 0, 'surrounddepth')
    assert truth.shape == (6, 1216, 1936) and truth.dtype == np.float32
    for camera, count, mean, far in [('CAMERA_01', 5157, 34.584, 176.01), ('CAMERA_05', 11850, 20.293, 115.85)]:
        depth = truth[ddad.cameras.index(camera)].astype(np.float64)
        depth = depth[depth > 0]
        assert len(depth) == count
        assert depth.mean() == pytest.approx(mean, abs=1e-3)
        assert depth.max() == pytest.approx(far, abs=5e-3)


def test_metric_and_ground_truth_maps_agree(ddad, samples):
    metric = SurroundDepthMetric(protocol=PROTOCOLS, modes=('metric',))
    metric.dataset_meta = ddad.metainfo
    for sample in samples:
        sample.pred_depth = torch.full((6, 384, 640), 10.0)
    metric.process(None, [sample.to_dict() for sample in samples])
    for name in PROTOCOLS:
        truth = ground_truth_depth(ddad, 1, name)
        assert truth.shape[1:] == ((384, 640) if name == 'vfdepth' else (1216, 1936))
        sums = metric.results[1].sums[name][0, :, 0]
        valid = truth > 0
        np.testing.assert_array_equal(sums[:, 0], valid.sum((1, 2)))
        error = [(np.abs(g[g > 0].astype(np.float64) - 10) / g[g > 0]).sum() for g in truth]
        np.testing.assert_allclose(sums[:, 1], error, rtol=1e-12)


def test_cost_of_a_full_frame_under_everything(ddad, samples):
    metric = SurroundDepthMetric(protocol=PROTOCOLS, consistency=('occlusion_tested', 'cylinderdepth'))
    metric.dataset_meta = ddad.metainfo
    samples[0].pred_depth = torch.rand(6, 384, 640) * 100 + 1
    frame = [samples[0].to_dict()]
    metric.process(None, frame)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        metric.process(None, frame)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1.5


def test_perfect_scaled_prediction(ddad, samples):
    # Input-size LiDAR as the prediction is right where a cell holds one point: under vfdepth in most pixels.
    metric = SurroundDepthMetric(protocol=PROTOCOLS, consistency=())
    metric.dataset_meta = ddad.metainfo
    truth = torch.from_numpy(ground_truth_depth(ddad, 0, 'vfdepth'))
    samples[0].pred_depth = torch.where(truth > 0, truth * 2, torch.tensor(20.0))
    metric.process(None, [samples[0].to_dict()])
    row = metric.results[0].sums['vfdepth'][0, :, 0]
    np.testing.assert_allclose(row[:, 1] / row[:, 0], 1, atol=0.05)  # but for what is clamped at 200 m


def test_nuscenes_frame(sample_data):
    dataset = NuScenesSurroundDataset(
        'nuscenes_infos_val.pkl',
        data_root=str(sample_data / 'nuscenes_sample'),
        test_mode=True,
        pipeline=pipeline((352, 640)),
    )
    sample = dataset[0]['data_samples']
    sample.pred_depth = torch.full((6, 352, 640), 10.0)
    metric = SurroundDepthMetric(protocol=PROTOCOLS, modes=('metric',))
    metric.dataset_meta = dataset.metainfo
    metric.process(None, [sample.to_dict()])
    short = metric.evaluate(1)
    truth = ground_truth_depth(dataset, 0, 'surrounddepth')
    assert truth.shape == (6, 900, 1600) and 0 < truth[truth > 0].min() and truth.max() < 80
    error = np.mean([np.mean(np.abs(g[g > 0].astype(np.float64) - 10) / g[g > 0]) for g in truth])
    assert short['depth/surrounddepth/abs_rel'] == pytest.approx(error, rel=1e-12)
