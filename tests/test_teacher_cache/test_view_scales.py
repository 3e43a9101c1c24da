"""Where the scale of relative depth is found, and where not."""

import math

import cv2
import numpy as np
import pytest
import torch
from mmdet3d.registry import DATASETS
from mmengine.registry import init_default_scope
from scipy.interpolate import NearestNDInterpolator

from fsmde.teacher_cache.compared_frames import ComparedFrames
from fsmde.teacher_cache.view_scales import View, view_scales

H, W, FOCAL, METRES = 96, 160, 100.0, 8.0
CAM2IMG = torch.tensor([[FOCAL, 0, W / 2], [0, FOCAL, H / 2], [0, 0, 1]])


def wall(right=0.0, forward=0.0, visible=True, texture=True, east=0.0):
    """What a camera so many metres beside and before the first one sees of a wall 8 m before that, and far from the world's
    origin.
    """
    rng = np.random.default_rng(0)
    drawn = cv2.GaussianBlur(rng.uniform(0, 255, (600, 1000)), (0, 0), 2.0) if texture else np.full((600, 1000), 9.0)
    drawn = (drawn - drawn.mean()) * 4 + 128
    v, u = np.mgrid[:H, :W] + 0.5
    # A pixel of the drawing is 4 cm: half a pixel of the image.
    x = ((u - W / 2) / FOCAL * (METRES - forward) + right) / 0.04 + 500
    y = (v - H / 2) / FOCAL * (METRES - forward) / 0.04 + 300
    seen = cv2.remap(drawn.astype(np.float32), *(np.float32(places - 0.5) for places in (x, y)), cv2.INTER_LINEAR)
    pose = torch.eye(4, dtype=torch.float64)
    pose[0, 3], pose[2, 3] = right + east, forward
    return View(torch.from_numpy(seen), torch.full((H, W), visible), CAM2IMG, pose)


FLAT = torch.full((1, H, W), 0.2)


@pytest.mark.parametrize('move', [dict(right=1.0), dict(forward=2.0), dict(right=-0.7, forward=0.5)])
def test_a_wall_is_as_far_as_another_view_shows(move):
    """A unit of depth 0.2 is 8 m: a unit is 40 m."""
    assert view_scales(FLAT, [wall()], [[wall(**move)]])[0] == pytest.approx(40, rel=0.03)


def test_the_world_may_be_large():
    """Northings have seven digits before the point."""
    scale = view_scales(FLAT, [wall(east=5e6)], [[wall(right=1.0, east=5e6)]])
    np.testing.assert_array_equal(scale, view_scales(FLAT, [wall()], [[wall(right=1.0)]]))


def test_views_of_one_scale_help_each_other():
    blind, seeing = wall(texture=False), wall()
    others = [[], [wall(right=1.0)]]
    depth = torch.cat([FLAT, FLAT])
    assert np.isnan(view_scales(depth, [blind, seeing], others)).tolist() == [True, False]
    np.testing.assert_allclose(view_scales(depth, [blind, seeing], others, shared=True), 40, rtol=0.03)


@pytest.mark.parametrize(
    'depth, view, other',
    [
        (FLAT, wall(texture=False), wall(right=1.0, texture=False)),
        (FLAT, wall(), wall()),  # A car that stands.
        (FLAT, wall(), wall(right=40.0)),  # No overlap.
        (FLAT, wall(visible=False), wall(right=1.0)),
        (FLAT, wall(), wall(right=1.0, visible=False)),
        (torch.full_like(FLAT, math.nan), wall(), wall(right=1.0)),
        (torch.full_like(FLAT, math.inf), wall(), wall(right=1.0)),
        (torch.cat([torch.zeros(1, H // 2, W), FLAT[:, H // 2 :]], 1), wall(), wall(right=1.0)),
        (-FLAT, wall(), wall(right=1.0)),
    ],
)
def test_no_scale_is_made_up(depth, view, other):
    assert np.isnan(view_scales(depth, [view], [[other]])).all()


def test_what_is_not_known_or_infinite_does_not_count():
    depth = FLAT.clone()
    depth[:, :30], depth[:, 30:40] = math.inf, math.nan
    assert view_scales(depth, [wall()], [[wall(right=1.0)]])[0] == pytest.approx(40, rel=0.03)


class Nothing:
    """Of whom only the views of a frame are wanted."""

    space = 'depth_scale_invariant'

    def read(self, frame_id, views, *args, **kwargs):
        return np.full((len(views), 1, 1), math.nan, np.float16), None


def test_real_frames_of_six_cameras(sample_data):
    """LiDAR, spread to its neighbours, in the place of a teacher of the right shape: a unit is a metre."""
    init_default_scope('mmdet3d')
    size = dict(type='ResizeViews', size=(384, 640))
    lidar = dict(type='KeepTeacherViews', lidar=True)
    pipeline = [dict(type='LoadSurroundImages'), dict(type='LoadSurroundLidar'), size, lidar]
    config = dict(type='DDADDataset', data_root=str(sample_data / 'ddad_sample'), ann_file='ddad.json', split='train')
    frames = ComparedFrames(DATASETS.build(dict(config, pipeline=pipeline, test_mode=True)), Nothing())
    views, lidar = frames.load(1)[0], frames.dataset[1]['teacher_lidar']
    around = [view for index in frames.others(1) for view in frames.load(index)[0]]
    assert len(around) == 18
    depth = torch.stack([spread(of_view, view.image.shape) for of_view, view in zip(lidar, views)])
    scales = view_scales(depth, views, [[other for other in around if other is not view] for view in views])
    np.testing.assert_allclose(scales, 1, atol=0.07)


def spread(lidar, size):
    """(h, w) depth of the nearest LiDAR pixel, NaN over the topmost one."""
    rows, columns = np.nonzero(lidar)
    places = np.stack([rows, columns], -1) * np.array(size) / lidar.shape
    depth = NearestNDInterpolator(places, lidar[rows, columns])(*np.mgrid[: size[0], : size[1]])
    depth[: int(places[:, 0].min())] = math.nan
    return torch.from_numpy(depth.astype(np.float32))
