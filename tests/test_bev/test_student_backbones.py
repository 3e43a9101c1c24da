"""The configs that take a published student's backbone, in a process that never imports this project."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS

from fsmde.apis import publish_file

ROOT = Path(__file__).parents[2]
CONFIGS = {
    'fcos3d_r50_student-backbone_nus.py': 50,
    'pgd_r101_student-backbone_nus.py': 101,
    'imvoxelnet_r50_student-backbone_kitti.py': 50,
}

STOCK = """
import json, sys
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

def toy(cfg, student, kitti):
    model = cfg.model
    model.backbone.base_channels = 4
    model.backbone.init_cfg.checkpoint = student
    model.neck.in_channels = [16, 32, 64, 128]
    train, test = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    if model.type == 'ImVoxelNet':
        model.n_voxels = [27, 31, 12]
        train, test = train.dataset, test
        like_kitti = dict(
            type='NuScenesDataset', ann_file=kitti, data_prefix=dict(img='samples/CAM_FRONT'), default_cam_key='CAM2',
            with_velocity=False, metainfo=dict(classes=['car']))
        train.update(like_kitti)
        test.update(like_kitti)
    else:
        model.neck.out_channels = 32
        model.bbox_head.update(in_channels=32, feat_channels=32)
        train.ann_file = test.ann_file = 'nuscenes_infos_val.pkl'
    for step in (*train.pipeline, *test.pipeline):
        if 'Resize' in step.type:
            step.pop('scale_factor', None)
            step.update(scale=[(256, 144)] * 2 if step.type == 'RandomResize' else (256, 144), keep_ratio=True)
    return model, train, test

def run(config, student, root, kitti):
    model, train, test = toy(Config.fromfile(config), student, kitti)
    train, test = DATASETS.build(dict(train, data_root=root)), DATASETS.build(dict(test, data_root=root))
    model = MODELS.build(model)
    model.init_weights()
    published = torch.load(student, weights_only=True)['state_dict']
    loaded = model.backbone.state_dict()
    backbone = {k.removeprefix('backbone.'): v for k, v in published.items() if k.startswith('backbone.')}
    same = all(torch.equal(loaded[key], value) for key, value in backbone.items())
    data = model.data_preprocessor(pseudo_collate([train[0]]), True)
    total, _ = model.parse_losses(model(**data, mode='loss'))
    total.backward()
    torch.optim.SGD(model.parameters(), 1e-4).step()
    model.eval()
    sample = model(**model.data_preprocessor(pseudo_collate([test[0]])), mode='predict')[0]
    print(json.dumps(dict(
        same=same, absent=sorted({key.split('.')[-2] for key in loaded.keys() - backbone.keys()}),
        tensors=len(backbone), loss=total.item(), boxes=len(sample.pred_instances_3d.scores_3d),
        mean=model.data_preprocessor.mean.flatten().tolist(), to_rgb=model.data_preprocessor._channel_conversion,
        fsmde='fsmde' in sys.modules)))

init_default_scope('mmdet3d')
torch.set_num_threads(1)
root, kitti, *pairs = sys.argv[1:]
for config, student in zip(pairs[::2], pairs[1::2]):
    run(config, student, root, kitti)
"""


def published_student(folder, depth):
    """A student with a narrow ResNet, published as tools/model_converters/publish_model.py does."""
    model = MODELS.build(
        dict(
            type='mmdet3d.BinDepthEstimator',
            backbone=dict(type='mmdet.ResNet', depth=depth, base_channels=4),
            neck=dict(type='LightPyramidNeck', channels=8),
            head=dict(type='BinDepthHead', bins=dict(num_bins=8, min_depth=0.5, max_depth=80.0)),
        )
    )
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'epoch_1.pth')
    return publish_file(folder / 'epoch_1.pth', folder / f'student_r{depth}.pth')


def front_camera_as_kitti(infos, path):
    """Infos in which the front camera has KITTI's name and 4x4 intrinsics."""
    content = pickle.loads(infos.read_bytes())
    for info in content['data_list']:
        camera = info['images']['CAM_FRONT']
        cam2img = np.eye(4)
        cam2img[:3, :3] = camera['cam2img']
        lidar2img = cam2img @ np.array(camera['lidar2cam'])
        info['images'] = dict(CAM2=dict(camera, cam2img=cam2img.tolist(), lidar2img=lidar2img.tolist()))
    path.write_bytes(pickle.dumps(content))
    return path


@pytest.mark.ops
def test_stock_detectors_start_from_a_student(sample_data, tmp_path):
    root = sample_data / 'nuscenes_sample'
    students = {depth: published_student(tmp_path, depth) for depth in (50, 101)}
    kitti = front_camera_as_kitti(root / 'nuscenes_infos_val.pkl', tmp_path / 'kitti_like.pkl')
    pairs = [x for name, depth in CONFIGS.items() for x in (ROOT / 'configs/bev' / name, students[depth])]
    command = [sys.executable, '-c', STOCK, root, kitti, *pairs]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith('{"same"')]
    assert len(lines) == len(CONFIGS)
    for result in map(json.loads, lines):
        assert result['same'] and result['tensors'] > 250 and result['fsmde'] is False
        # Deformable convolutions have the student's kernels; their offsets start at zero.
        assert set(result['absent']) <= {'conv_offset'}
        assert 0 < result['loss'] < 1e4 and result['boxes'] >= 0
        # The images reach the backbone as the student saw them.
        assert result['mean'] == pytest.approx([123.675, 116.28, 103.53]) and result['to_rgb']


@pytest.mark.parametrize('name', [*CONFIGS, 'centerpoint_pillar02_pseudo-points_nus.py'])
def test_at_most_ten_lines_change(name):
    lines = (ROOT / 'configs/bev' / name).read_text().splitlines()
    changed = [line for line in lines if line.strip() and not line.startswith(('#', '_base_'))]
    assert len(changed) <= 10
