"""Several teachers as one, each of which is wrong in one third of its views."""

import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.registry import DefaultScope
from test_cached import ALIGNED, cached, config, losses, write_cache

from fsmde.models.teachers import DepthTeacher, SeveralTeachers
from fsmde.models.teachers.several import regional_error

H, W = 32, 48
TRUTH = 4 + 20 * torch.linspace(0, 1, H)[:, None].expand(H, W)


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmdet3d'):
        yield


@MODELS.register_module(force=True)
class MostlyRight(DepthTeacher):
    """A tenth of the truth, and three times that in one third of each view; ``silent`` says nothing in the second view."""

    def __init__(self, wrong, silent=False, licence=None):
        super().__init__(None, 'depth_scale_invariant', None if silent else 2, licence=licence)
        self.wrong, self.silent = wrong, silent

    def predict(self, images, cam2img):
        depth = (0.1 * TRUTH).repeat(*images.shape[:2], 1, 1)
        third = slice(W - W // 3, None) if self.wrong == 'right' else slice(W // 3)
        depth[..., third] *= 3
        if self.silent:
            depth[:, 1] = torch.nan
        return depth, None if self.silent else torch.ones(images[:, :, 0, 0, 0].numel(), 2, 4, 6)


LEFT, RIGHT = dict(type='MostlyRight', wrong='left'), dict(type='MostlyRight', wrong='right')


def inputs(share=0.2):
    images, cam2img = torch.zeros(1, 2, 3, H, W, dtype=torch.uint8), torch.eye(3).expand(1, 2, 3, 3)
    seen = torch.rand(1, 2, H, W, generator=torch.Generator().manual_seed(0)) < share
    return images, cam2img, torch.where(seen, TRUTH, 0.0)


def error_of(teacher, lidar, **options):
    images, cam2img, _ = inputs()
    depth = SeveralTeachers([LEFT, teacher], **options)(images, cam2img, lidar=lidar).depth
    return (depth / TRUTH).log().abs()


@pytest.mark.parametrize('combine', ['mean', 'choice'])
def test_each_region_is_told_by_who_is_right_there(combine):
    _, _, lidar = inputs()
    error = error_of(RIGHT, lidar, combine=combine)
    away_from_the_steps = torch.cat([error[..., :12], error[..., 20:28], error[..., 36:]], -1)
    assert away_from_the_steps.max() < 0.25 and error.mean() < 0.1
    # Either of them alone: a third of its pixels is off by a factor of three.
    assert error_of(LEFT, lidar, combine=combine).mean() > 0.3


def test_who_says_nothing_has_no_say():
    _, _, lidar = inputs()
    output = SeveralTeachers([LEFT, dict(RIGHT, silent=True)])(*inputs()[:2], lidar=lidar)
    alone = SeveralTeachers([LEFT, LEFT])(*inputs()[:2], lidar=lidar)
    assert output.valid.all()
    torch.testing.assert_close(output.depth[:, 1], alone.depth[:, 1])
    # Without LiDAR in a view these two cannot be aligned there.
    lidar[:, 0] = 0
    valid = SeveralTeachers([LEFT, RIGHT])(*inputs()[:2], lidar=lidar).valid
    assert not valid[:, 0].any() and valid[:, 1].all()


def test_a_hole_in_an_answer_is_no_error_around_it():
    """The first is right but for a hole, which lies where the second is wrong: beside it the first still has the say."""

    class Holed(MostlyRight):
        def predict(self, images, cam2img):
            depth = (0.1 * TRUTH).repeat(*images.shape[:2], 1, 1)
            depth[..., 8:24, 3:12] = torch.nan
            return depth, None

    several = SeveralTeachers([LEFT, LEFT], combine='choice')
    several.teachers[0] = Holed('left')
    images, cam2img, lidar = inputs()
    error = (several(images, cam2img, lidar=lidar).depth / TRUTH).log().abs()
    assert error[..., 10:22, 5:10].min() > 0.9  # The second alone.
    error[..., 8:24, 3:12] = 0
    assert error.max() < 0.02


def test_errors_of_regions_by_hand():
    """LiDAR on the left alone, where depth is a factor e^0.5 too far: there 0.5, on the right what the whole view says."""
    depth, lidar = torch.full((1, 1, H, W), 10.0), torch.zeros(1, 1, H, W)
    lidar[..., : W // 2] = 10.0 * torch.exp(torch.tensor(-0.5))
    torch.testing.assert_close(regional_error(depth, lidar), torch.full_like(depth, 0.5))
    lidar[..., : W // 4] = 10.0
    error = regional_error(depth, lidar)
    assert error[..., 0].max() < 0.06 and error[..., W // 2 - 4].min() > 0.4 and error[..., -1].max() < 0.5
    assert (regional_error(depth, torch.zeros_like(lidar)) == 1).all()


def test_what_is_known_of_them():
    free, bound = dict(LEFT, licence='MIT'), dict(RIGHT, silent=True, licence='CC-BY-NC-4.0')
    several = SeveralTeachers([bound, free, free], combine='choice')
    assert several.licence == 'CC-BY-NC-4.0 and MIT' and several.reads == ('lidar',) and several.feature_channels == 2
    assert several.name == 'choice of MostlyRight, MostlyRight, MostlyRight'
    assert several.identity() != SeveralTeachers([bound, free, free]).identity()
    assert set(SeveralTeachers([dict(type='ToyRigTeacher'), free]).reads) == {'cam2ego', 'lidar'}
    for arguments in (([free],), ([free, free], 'median')):
        with pytest.raises(ValueError, match=r"two or more teachers and combines them by one of \('mean', 'choice'\)"):
            SeveralTeachers(*arguments)


def test_cached_once_they_teach_as_live(toy_dgp, tmp_path):
    teacher = dict(type='SeveralTeachers', teachers=[dict(type='ToyRigTeacher'), dict(type='ToyTeacher')])
    live = config(toy_dgp, ALIGNED, teacher, dict(type='KeepTeacherViews', lidar=True))
    cache = write_cache(live, tmp_path)
    for epoch in range(2):
        expected = losses(live, epoch=epoch)[0]
        assert losses(cached(live, cache, teacher), epoch=epoch)[0] == pytest.approx(expected, rel=5e-3, abs=1e-5)
