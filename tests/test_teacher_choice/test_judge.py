"""What a teacher's answer is worth in each reading of its numbers, by hand; and the table of several."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fsmde.rig import project_points
from fsmde.structures import DepthTarget, SurroundDepthSample, TeacherOutput
from fsmde.teacher_choice import CORRECTED, LIDAR_ALONE, describe, judge, readings, summary, table
from fsmde.teacher_choice.judge import errors

DISPARITY = 'scale and shift of 1 / depth for each view'


def frame(distort, space, seed=0):
    """A teacher that says ``distort(depth)`` of two views, all of whose pixels LiDAR has measured; and half of them."""
    depth = 4 + 30 * torch.rand(1, 2, 32, 48, generator=torch.Generator().manual_seed(seed))
    everywhere = torch.ones_like(depth, dtype=torch.bool)
    keep = torch.zeros_like(everywhere)
    keep[..., ::2] = True
    teacher = TeacherOutput(distort(depth), space, everywhere)
    return teacher, DepthTarget(depth, everywhere, everywhere), keep, depth


def test_errors_by_hand():
    depth, truth = np.array([[2.0, 3.0, 9.0]]), np.array([[2.0, 2.0, 1.0]])
    assert errors(depth, truth, truth > 1) == pytest.approx((0.25, 0.5))


def test_numbers_are_read_in_every_way_that_their_space_allows():
    assert readings('disparity_affine_invariant') == ('disparity_affine_invariant',)
    assert readings('depth_scale_invariant') == ('depth_scale_invariant', 'depth_affine_invariant')
    assert len(readings('depth_metric')) == 4


def test_each_reading_forgives_what_is_unknown_in_it():
    """Metres that are twice too far in both views, and half as far again in the second: 100 % and 200 % as they are."""

    def wrong(depth):
        return depth * torch.tensor([2.0, 3.0])[:, None, None]

    found = judge(*frame(wrong, 'depth_metric'))
    first = {reading: [view[0] for view in entry['errors']['withheld LiDAR']] for reading, entry in found.items()}
    assert first['as it is'] == pytest.approx([1, 2], rel=1e-4)
    # One factor s for both views: Huber's loss is the same for all of 1/3 to 1/2. Errors are 1 - 2 s and 3 s - 1.
    near, far = first['one scale for the rig']
    assert (1 - near) / 2 == pytest.approx((1 + far) / 3, abs=1e-3) and 0.33 < (1 - near) / 2 < 0.51
    assert first['a scale for each view'] == pytest.approx([0, 0], abs=1e-3)
    assert max(first['scale and shift of depth for each view']) < 1e-3


def test_no_reading_says_more_than_training_learns_from():
    found = judge(*frame(lambda depth: 2 * depth, 'depth_metric'), max_depth=30.0)
    assert {reading for reading, entry in found.items() if entry['depth'].max() > 30} == set()
    assert found['as it is']['depth'].max() == 30


def test_a_view_whose_teacher_is_wrong_is_judged_in_no_reading_and_counted():
    teacher, target, keep, _ = frame(lambda depth: 3 / depth + 1, 'disparity_affine_invariant')
    teacher.depth[:, 1] *= -1
    found = judge(teacher, target, keep)
    assert list(found) == [DISPARITY, CORRECTED, LIDAR_ALONE]
    for entry in found.values():
        figures = summary([entry])['withheld LiDAR']
        assert (figures['views'], figures['views_with_truth'], figures['share']) == (1, 2, 0.5)
        assert entry['errors']['withheld LiDAR'][1][2:] == (0, 32 * 24) and (entry['depth'][1] == 0).all()


def test_a_teacher_that_is_right_up_to_scale_and_shift_has_no_error_and_lidar_alone_has():
    teacher, target, keep, dense = frame(lambda depth: 3 / depth + 1, 'disparity_affine_invariant')
    keep[..., 1::4, :] = False
    found = judge(teacher, target, keep, dense)
    for truth in ('withheld LiDAR', 'dense'):
        for view in range(2):
            assert found[DISPARITY]['errors'][truth][view][0] < 0.01
            assert found[LIDAR_ALONE]['errors'][truth][view][0] > 0.2
    assert min(found[DISPARITY]['edges']) > 0.98 and max(found[LIDAR_ALONE]['edges']) < 0.6


def test_views_that_put_a_point_at_two_distances_do_not_agree():
    """Two cameras in one place that look the same way; the second says twice the depth of a wall at 10 m."""
    N, H, W = 2, 32, 48
    K = np.tile([[40.0, 0, 24], [0, 40, 16], [0, 0, 1]], (N, 1, 1))
    u, v = np.meshgrid(np.arange(4, 44, 4) + 0.5, np.arange(4, 28, 4) + 0.5)
    wall = np.stack([(u - 24) / 4, (v - 16) / 4, np.full_like(u, 10)], -1).reshape(-1, 3)
    pixels = project_points(wall, np.tile(np.eye(4), (N, 1, 1)), K, [(H, W)] * N)
    sample = SurroundDepthSample(metainfo=dict(
        lidar_pixels=pixels, lidar_visible=np.ones(len(pixels.z), bool), ori_shape=np.array([[H, W]] * N),
        neighbors=np.array([[1, 1], [0, 0]]), ori_cam2img=K, lidar2cam=np.tile(np.eye(4), (N, 1, 1)),
    ))  # fmt: skip
    depth = torch.full((1, N, H, W), 10.0)
    depth[:, 1] *= 2
    everywhere = torch.ones_like(depth, dtype=torch.bool)
    target = DepthTarget(torch.full_like(depth, 10), everywhere, everywhere)
    entry = judge(TeacherOutput(depth, 'depth_metric', everywhere), target, everywhere, None, sample)
    figures = {reading: summary([found])['agreement'] for reading, found in entry.items()}
    # Of 60 points in both directions: 100 % too far of the first, 50 % too near of the second.
    assert figures['as it is']['points'] == 120 and figures['as it is']['abs_rel'] == pytest.approx(0.75)
    assert figures['a scale for each view']['abs_rel'] == pytest.approx(0, abs=1e-3)


def test_figures_come_with_their_coverage():
    """Of four views with ground truth one is rejected, one half judged; a fifth has no ground truth."""
    nan = float('nan')
    views = [(0.1, 0.9, 100, 100), (0.3, 0.7, 50, 100), (0.2, 0.8, 100, 100), (nan, nan, 0, 100), (nan, nan, 0, 0)]
    figures = summary(
        [dict(errors=dict(dense=views[:2]), edges=[0.5, nan]), dict(errors=dict(dense=views[2:]), edges=[])]
    )
    expected = dict(abs_rel=0.2, d1=0.8, views=3, views_with_truth=4, share=0.625)
    assert figures['dense'] == pytest.approx(expected)
    assert figures['edges'] == 0.5 and figures['views_with_edges'] == 1
    nothing = summary([dict(errors=dict(dense=views[3:]))])['dense']
    assert nothing['abs_rel'] is None and (nothing['views'], nothing['views_with_truth']) == (0, 1)


def test_what_a_candidate_costs_and_the_table():
    """6 views of 100x200 are 240,000 bytes in float16, features of 8x10x20 19,200 more."""
    depth = torch.ones(1, 6, 100, 200)
    output = TeacherOutput(depth, 'depth_metric', depth > 0, torch.ones(6, 8, 10, 20))
    entry = describe(SimpleNamespace(name='some', licence=None), output, [900.0, 20.0, 30.0])
    assert entry['ms'] == 25 and entry['cache_mib'] == pytest.approx(240_000 / 2**20)
    assert entry['cache_features_mib'] == pytest.approx(259_200 / 2**20)
    figures = dict(abs_rel=0.1234, d1=None, views=3, views_with_truth=4, share=0.5)
    reading = {'withheld LiDAR': figures, 'edges': 0.5, 'agreement': dict(abs_rel=None, d1=None, points=0)}
    rows = [line.split(' | ') for line in table({'a': dict(entry, readings=dict(x=reading, y=reading))}).splitlines()]
    assert rows[0][:3] == ['| teacher', 'reading', 'withheld LiDAR AbsRel'] and len({len(row) for row in rows}) == 1
    assert rows[2] == ['| a', 'x', '0.123', '-', '3 of 4', '50.0', '0.500', '-', '25', '0.23 (0.25)', 'not known |']
    assert rows[3][:2] == ['| ', 'y'] and rows[3][-3:] == ['', '', ' |']
