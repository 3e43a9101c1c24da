"""A rig and a teacher made by following the documents alone: read, checked, trained and evaluated."""

import re

import numpy as np
import preludes
import pytest
from code_blocks import ROOT, blocks_of, file_name, import_file, run_python, undone_afterwards, write_file
from mmengine.registry import init_default_scope
from processes import run_tool
from toy_lenses import on_cylinder
from toy_run import logged_losses

# What the config of the documents leaves at full size.
TOY = """
from mmengine.config import read_base
with read_base():
    from .my_rig_kd import *
model.backbone.update(init_cfg=None)
model.neck.update(channels=8)
model.head.update(focal_reference=45.0)
for loader in (train_dataloader, val_dataloader, test_dataloader):
    loader.update(num_workers=0, persistent_workers=False, batch_size=1)
    for transform in loader.dataset.pipeline:
        if 'size' in transform:
            transform.update(size=(48, 64))
train_cfg.update(max_epochs=1)
param_scheduler[1].update(end=1, T_max=1)
default_hooks.logger.update(interval=1)
log_processor.update(window_size=1)
"""


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    """A folder with the files and data that data.md and extending.md make, and the names that data.md's blocks leave."""
    folder = tmp_path_factory.mktemp('project')
    preludes.own_rig_files(folder)
    namespace = dict(__name__='document')
    with pytest.MonkeyPatch.context() as patch, undone_afterwards(folder):
        patch.chdir(folder)
        init_default_scope('mmdet3d')
        for document in ('data', 'extending'):
            for block in blocks_of(ROOT / 'docs' / f'{document}.md'):
                if block.language == 'python' and file_name(block):
                    path = write_file(block, folder)
                    if 'read_base' not in block.text:
                        import_file(path, folder)
                elif block.language == 'python' and document == 'data':
                    run_python(block, namespace)
        (folder / 'toy.py').write_text(TOY)
        yield folder, namespace


def test_both_formats_give_the_same_rig(project):
    """The cylinder is where it was: DGP's poses and the infos' matrices put every LiDAR pixel onto its wall."""
    _, names = project
    for dataset in (names['dataset'], names['infos']):
        assert len(dataset) == 2
        info = dataset.get_data_info(1)
        for camera, (name, size) in enumerate(preludes.OWN_RIG.items()):
            np.testing.assert_allclose(info['cam2img'][camera], names['cam2img'][name])
            np.testing.assert_allclose(info['cam2ego'][camera], names['sensor2ego'][name], atol=1e-12)
            # Shot 50 ms before the sweep, at 5 m/s.
            mounted = (
                np.linalg.inv(names['sensor2ego'][name]) @ names['moved'](0.25, 0, 0) @ names['sensor2ego']['LIDAR']
            )
            np.testing.assert_allclose(info['lidar2cam'][camera], mounted, atol=1e-9)
            pixels, _, sizes = dataset.lidar_pixels(1)
            assert tuple(sizes[camera]) == size
            mine = pixels.camera == camera
            centres = np.stack([pixels.u[mine] + 0.5, pixels.v[mine] + 0.5, np.ones(mine.sum())])
            points = np.linalg.inv(info['cam2img'][camera]) @ centres * pixels.z[mine]
            points = np.linalg.inv(info['lidar2cam'][camera]) @ np.vstack([points, np.ones(mine.sum())])
            # Half a pixel is 7 mm at 10 m.
            assert mine.sum() > 100
            assert np.abs(np.hypot(points[0], points[1]) - preludes.RADIUS).max() < 0.02


def test_a_rig_with_distortion_and_a_fisheye_sees_the_same_cylinder(project, monkeypatch):
    folder, names = project
    monkeypatch.chdir(folder)
    bent = names['bent']
    views = ['FRONT', 'LEFT/front', 'LEFT/rear', 'RIGHT']
    assert bent.metainfo['cam_names'] == views
    sample = bent[1]['data_samples']
    assert sample.cam_names == views and sample.gt_depth.shape == (4, 384, 512)
    axes = sample.cam2ego[:, :3, 2]
    np.testing.assert_allclose(np.degrees(np.arctan2(axes[:, 1], axes[:, 0])), [0, 50, 130, -60], atol=1e-6)
    np.testing.assert_allclose(sample.cam2ego[:, 2, 1], -1, atol=1e-9)  # The fisheye looks down, its views do not.
    pixels, _, sizes = bent.lidar_pixels(1)
    np.testing.assert_array_equal(pixels.u, sample.lidar_pixels.u)
    assert sizes.tolist() == [[960, 1280], [576, 768], [576, 768], [800, 1120]]
    radii = on_cylinder(pixels, sample.lidar2cam, sample.ori_cam2img)
    assert (np.bincount(pixels.camera) > 100).all() and np.abs(radii - 1).max() < 0.005
    code, printed = run_tool(
        'analysis_tools/browse_dataset.py', 'my_lenses.py', '--split', 'val', '--frames', 1, '--out', 'bent_pictures',
        log=folder / 'browse_lenses.log',
    )  # fmt: skip
    assert code == 1, printed
    # Still nothing looks to the back, and the random pictures have no edges where the cylinder has none.
    problems = printed.split('things to look at:')[1].strip().splitlines()
    assert {line.split(', ')[1].split(':')[0] for line in problems} == {'LEFT/rear'}, printed
    assert len(list((folder / 'bent_pictures').rglob('*.jpg'))) == 1


def test_the_check_finds_what_the_document_says(project, monkeypatch):
    folder, _ = project
    monkeypatch.chdir(folder)
    code, printed = run_tool(
        'analysis_tools/browse_dataset.py', 'my_rig.py', '--split', 'val', '--frames', 2, '--out', 'pictures',
        log=folder / 'browse.log',
    )  # fmt: skip
    assert code == 1, printed
    problems = printed.split('things to look at:')[1].strip().splitlines()
    assert {re.sub(r'frame \S+, ', '', line).split(' degrees')[0] for line in problems} == {'LEFT: 169.6'}, printed
    assert 'its left neighbour RIGHT' in problems[0]
    assert len(list((folder / 'pictures').rglob('*.jpg'))) == 2


def test_custom_rig_teacher_neck_head_and_distiller_train(project, monkeypatch):
    folder, _ = project
    monkeypatch.chdir(folder)
    code, printed = run_tool('train.py', 'toy.py', log=folder / 'train.log', PYTHONPATH=str(folder))
    assert code == 0, printed[-3000:]
    rows = logged_losses(folder / 'work_dirs/toy')
    assert len(rows) == 2
    for row in rows.values():
        assert {'loss_depth', 'loss_kd_log_gradient', 'loss_kd_view'} <= row.keys()
        assert all(np.isfinite(value) and value >= 0 for key, value in row.items() if key.startswith('loss'))
    # The random teacher's order of depth is not LiDAR's in every view: there nothing is distilled.
    assert rows[1]['loss_kd_log_gradient'] > 0 and rows[1]['loss_kd_view'] > 0
    for camera in preludes.OWN_RIG:
        assert f'depth/{camera}/abs_rel' in printed
    assert (folder / 'work_dirs/toy/epoch_1.pth').is_file()
