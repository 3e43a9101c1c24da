import pickle

import numpy as np
import pytest

from fsmde.datasets import NuScenesSurroundDataset

PIPELINE = [dict(type='mmdet3d.LoadSurroundImages'), dict(type='mmdet3d.LoadSurroundLidar')]


def dataset(root, ann_file='nuscenes_infos_val.pkl', **kwargs):
    return NuScenesSurroundDataset(ann_file, data_root=str(root), pipeline=PIPELINE, **kwargs)


def test_real_key_frame(sample_data):
    frames = dataset(sample_data / 'nuscenes_sample')
    frame = frames[0]
    assert [image.shape for image in frame['img']] == [(900, 1600, 3)] * 6
    assert frame['scene'] == 'n015-2018-07-24-11-22-45+0800' and frame['frame_id'].startswith('ca9a282c')
    pixels, _, _ = frames.lidar_pixels(0)
    counts = np.bincount(pixels.camera)
    assert (counts > 2000).all() and pixels.z.min() > 0
    # Independently: the devkit's way, one camera at a time, rounded.
    points = np.fromfile(frame['lidar_path'], dtype=np.float32).reshape(-1, 5)[:, :3].astype(np.float64)
    camera = (frame['lidar2cam'][0] @ np.c_[points, np.ones(len(points))].T)[:3]
    image = frame['cam2img'][0] @ camera
    u, v = np.round(image[0] / camera[2]), np.round(image[1] / camera[2])
    inside = (camera[2] > 0) & (u >= 0) & (u < 1600) & (v >= 0) & (v < 900)
    assert counts[0] == inside.sum()
    np.testing.assert_allclose(pixels.z[pixels.camera == 0], camera[2][inside], rtol=1e-6)


def test_ring_order(sample_data):
    from fsmde.rig import CameraRig

    info = dataset(sample_data / 'nuscenes_sample').get_data_info(0)
    rig = CameraRig(tuple(info['cam_names']), info['cam2img'], info['cam2ego'])
    assert rig.neighbors.tolist() == [[1, 5], [2, 0], [3, 1], [4, 2], [5, 3], [0, 4]]


@pytest.mark.parametrize(
    'content, message',
    [
        (dict(infos=[], metadata={}), 'update_infos_to_v2'),
        ([1, 2], 'holds list'),
        (
            dict(metainfo={}, data_list=[dict(token='t', images=dict(CAM_FRONT={}))]),
            "frame t: its images have no \\['CAM_FRONT_LEFT'",
        ),
    ],
)
def test_infos_of_another_kind(tmp_path, content, message):
    (tmp_path / 'infos.pkl').write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=message):
        dataset(tmp_path, 'infos.pkl')


def test_cut_infos(tmp_path):
    (tmp_path / 'infos.pkl').write_bytes(pickle.dumps(dict(data_list=list(range(100))))[:50])
    with pytest.raises(ValueError, match='infos.pkl is cut or no pickle'):
        dataset(tmp_path, 'infos.pkl')
