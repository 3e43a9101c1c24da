import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fsmde.bins import DepthBins
from fsmde.models.bev import BEVGrid, DepthDistributionLSSTransform, bin_confidence, lift_splat, rebin_to_grid
from fsmde.poses import quaternion_to_matrix
from fsmde.rig import RigBatch
from fsmde.structures import StudentOutput
from toy_dgp import camera_quaternion

H, W = 5, 7  # odd: the middle pixel's centre lies on the optical axis
GRID = BEVGrid(x=(-20, 20, 1.0), y=(-10, 10, 0.5), z=(-5, 3))


def toy_rig(azimuths=(0,), translation=(0.0, 0.25, 0.0), frames=1):
    N = len(azimuths)
    cam2img = torch.tensor([[4.0, 0, W / 2], [0, 4.0, H / 2], [0, 0, 1]])
    poses = [quaternion_to_matrix(translation, camera_quaternion(azimuth)) for azimuth in azimuths]
    return RigBatch(
        cam2img.expand(frames, N, 3, 3),
        torch.tensor(np.stack(poses), dtype=torch.float32).expand(frames, N, 4, 4),
        torch.full((N, 2), -1),
        (H, W),
    )


def loop_lift_splat(features, probabilities, depths, rig, grid):
    """The same transform with one Python loop for each axis."""
    B, N, C, h, w = features.shape
    rows, columns = grid.shape
    bev = torch.zeros(B, C, rows, columns)
    rays = rig.rays(h, w)
    for b in range(B):
        for n in range(N):
            for k in range(depths.shape[2]):
                for i in range(h):
                    for j in range(w):
                        point = rig.cam2ego[b, n] @ torch.cat([rays[b, n, i, j] * depths[b, n, k], torch.ones(1)])
                        x, y, z = point[:3].tolist()
                        row, column = int((y - grid.y[0]) // grid.y[2]), int((x - grid.x[0]) // grid.x[2])
                        if 0 <= row < rows and 0 <= column < columns and grid.z[0] <= z < grid.z[1]:
                            bev[b, :, row, column] += features[b, n, :, i, j] * probabilities[b, n, k, i, j]
    return bev


@pytest.mark.parametrize(
    'azimuth, depth, cell',
    [
        (0, 7.4, (0.25, 7.4)),  # straight ahead: x = 7.4, y stays the camera's
        (90, 6.6, (6.85, 0.0)),  # to the left: y = 0.25 + 6.6
        (180, 12.5, (0.25, -12.5)),
    ],
)
def test_one_depth_falls_into_the_known_cell(azimuth, depth, cell):
    rig = toy_rig([azimuth], translation=(0.01, 0.25, 0.0))
    features = torch.zeros(1, 1, 2, H, W)
    features[0, 0, :, 2, 3] = torch.tensor([1.0, 3.0])
    bev = lift_splat(features, torch.ones(1, 1, 1, H, W), torch.tensor([[[depth]]]), rig, GRID)
    y, x = cell
    row, column = int((y + 10) // 0.5), int((x + 20) // 1)
    assert bev.shape == (1, 2, 40, 40)
    assert bev[0, :, row, column].tolist() == [1.0, 3.0] and bev.sum().item() == 4.0


def test_mass_is_conserved_inside_the_grid_and_dropped_outside():
    rig = toy_rig([0, 60], frames=2)
    torch.manual_seed(0)
    features, probabilities = torch.rand(2, 2, 3, H, W), torch.rand(2, 2, 4, H, W).softmax(2)
    depths = torch.tensor([1.0, 2.0, 3.0, 4.0]).expand(2, 2, 4)
    bev = lift_splat(features, probabilities, depths, rig, GRID)
    torch.testing.assert_close(bev.sum((-2, -1)), features.sum((1, 3, 4)), rtol=1e-4, atol=1e-4)
    far = lift_splat(features, probabilities, depths + 100, rig, GRID)
    assert far.abs().sum() == 0
    high = BEVGrid(GRID.x, GRID.y, z=(50, 60))
    assert lift_splat(features, probabilities, depths, rig, high).abs().sum() == 0


class CountOperations(TorchDispatchMode):
    count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


def test_equals_the_plain_loop_and_loops_over_bins_alone():
    rig = toy_rig([0, 60, 200], translation=(0.3, -0.4, 1.5), frames=2)
    torch.manual_seed(1)
    features, probabilities = torch.randn(2, 3, 4, H, W), torch.rand(2, 3, 6, H, W).softmax(2)
    depths = torch.linspace(1, 30, 6) * torch.rand(2, 3, 6)
    expected = loop_lift_splat(features, probabilities, depths, rig, GRID)
    with CountOperations() as whole:
        bev = lift_splat(features, probabilities, depths, rig, GRID)
    torch.testing.assert_close(bev, expected, rtol=1e-4, atol=1e-5)
    with CountOperations() as part:
        lift_splat(features[:1, :2, :1], probabilities[:1, :2], depths[:1, :2], toy_rig([0, 60]), GRID)
    # Three times the views: a loop over them would show.
    assert 0 < whole.count < 1.2 * part.count


def test_augmentation_moves_the_points():
    rig = toy_rig([0], translation=(0.0, 0.0, 0.0))
    features = torch.zeros(1, 1, 1, H, W)
    features[0, 0, 0, 2, 3] = 1
    turn = torch.tensor([[0.0, -1, 0, 0], [1, 0, 0, 0.25], [0, 0, 1, 0], [0, 0, 0, 1]])[None]  # x -> y, then 0.25 m
    bev = lift_splat(features, torch.ones(1, 1, 1, H, W), torch.tensor([[[8.0]]]), rig, GRID, turn)
    # (8, 0, 0) -> (0, 8.25, 0): row (8.25 + 10) / 0.5, column 20 (or 19, the other side of rounding).
    assert bev[0, 0, 36, 19:21].sum() == 1


def test_gradients_reach_features_and_probabilities():
    rig, depths = toy_rig([0, 60]), torch.tensor([2.0, 5.0, 9.0]).expand(1, 2, 3)
    features = torch.rand(1, 2, 2, H, W, dtype=torch.float32, requires_grad=True)
    probabilities = torch.rand(1, 2, 3, H, W, requires_grad=True)
    weight = torch.rand(1, 2, *GRID.shape)

    def value(f, p):
        return (lift_splat(f, p, depths, rig, GRID) * weight).sum()

    gradients = torch.autograd.grad(value(features, probabilities), (features, probabilities))
    # The value is linear in each argument: finite differences of any step are exact.
    for argument, gradient in zip((features, probabilities), gradients):
        change = torch.randn_like(argument)
        moved = [argument + change if x is argument else x for x in (features, probabilities)]
        difference = value(*moved) - value(features, probabilities)
        torch.testing.assert_close(difference, (gradient * change).sum(), rtol=1e-3, atol=1e-3)


def test_a_one_hot_bin_is_spread_over_the_grid_cells_it_covers():
    bins = DepthBins(4, 1.0, 16.0, 'linear')
    centers = torch.tensor([[[2.0, 4.0, 6.0, 8.0]]])
    assert bins.edges_between(centers)[0, 0].tolist() == [1.0, 3.0, 5.0, 7.0, 9.0]
    p = torch.zeros(1, 1, 4, 1, 1)
    p[0, 0, 1] = 1  # covers 3 to 5 m
    grid = torch.tensor([2.0, 3.0, 3.5, 4.0, 6.0])
    torch.testing.assert_close(rebin_to_grid(p, centers, bins, grid).flatten(), torch.tensor([0.0, 0.25, 0.25, 0.5]))
    # Mass beyond the grid is dropped rather than piled up at its end.
    assert rebin_to_grid(p, centers, bins, torch.tensor([3.0, 3.5, 4.0])).sum().item() == pytest.approx(0.5)


@pytest.mark.parametrize('spacing', ['log', 'linear'])
def test_rebinning_conserves_mass_and_mean_depth(spacing):
    bins = DepthBins(32, 1.0, 60.0, spacing)
    torch.manual_seed(0)
    centers = bins.centers(bins.learned_widths(torch.randn(1, 2, 32)))
    p = torch.randn(1, 2, 32, 3, 3).softmax(2)
    grid = torch.linspace(0.05, 80, 1600)
    q = rebin_to_grid(p, centers, bins, grid)
    torch.testing.assert_close(q.sum(2), p.sum(2), rtol=1e-5, atol=1e-5)
    mean = torch.einsum('bnkhw,bnk->bnhw', p, bins.to_bin_space(centers))
    middles = bins.to_bin_space((grid[1:] + grid[:-1]) / 2)
    torch.testing.assert_close(torch.einsum('bndhw,d->bnhw', q, middles), mean, rtol=0.02, atol=0.02)


def student_output(K=8, h=8, w=12, C=6, requires_grad=False):
    torch.manual_seed(0)
    return StudentOutput(
        depth=torch.ones(1, 2, 4 * h, 4 * w),
        logits=torch.randn(1, 2, K, h, w, requires_grad=requires_grad),
        centers=DepthBins(K, 1.0, 60.0).centers().expand(1, 2, K),
        features=torch.randn(2, C, h, w, requires_grad=requires_grad),
    )


@pytest.mark.parametrize('dbound', [None, (1.0, 31.0, 1.0)])
def test_view_transform_learns_through_student_and_context(dbound):
    rig, student = toy_rig([0, 60]), student_output(requires_grad=True)
    transform = DepthDistributionLSSTransform(
        6, 5, (-32, 32, 2), (-16, 16, 2), dbound=dbound, downsample=4, bins=DepthBins(8, 1.0, 60.0)
    )
    bev = transform(student, rig.cam2img, rig.cam2ego, (32, 48))
    assert bev.shape == (1, 5, 16, 32)
    bev.square().sum().backward()
    for tensor in (student.logits, student.features, *transform.parameters()):
        assert tensor.grad.abs().sum() > 0 and torch.isfinite(tensor.grad).all()


def test_what_does_not_fit_is_said():
    rig = toy_rig([0, 60])
    transform = DepthDistributionLSSTransform(6, 5, downsample=3, bins=DepthBins(8, 1.0, 60.0))
    with pytest.raises(ValueError, match='downsample=3'):
        transform(student_output(), rig.cam2img, rig.cam2ego, (32, 48))
    with pytest.raises(ValueError, match='whole number of steps'):
        DepthDistributionLSSTransform(6, 5, xbound=(0, 1, 0.3))
    with pytest.raises(ValueError, match='0 < low < high'):
        DepthDistributionLSSTransform(6, 5, dbound=(0, 60, 1), bins=DepthBins(8, 1.0, 60.0))
    with pytest.raises(ValueError, match=r'a whole number of steps > 0, found \(1.0, 60.2, 0.5\)'):
        DepthDistributionLSSTransform(6, 5, dbound=(1.0, 60.2, 0.5), bins=DepthBins(8, 1.0, 60.0))
    with pytest.raises(ValueError, match=r'no layers of 1 m are made; found \(-5, 3, 1\)'):
        DepthDistributionLSSTransform(6, 5, zbound=(-5, 3, 1), bins=DepthBins(8, 1.0, 60.0))
    assert DepthDistributionLSSTransform(6, 5, zbound=(-10.0, 10.0, 20.0), dbound=None).grid.z == (-10.0, 10.0)
    with pytest.raises(ValueError, match='needs bins'):
        DepthDistributionLSSTransform(6, 5)
    with pytest.raises(ValueError, match='z must be'):
        BEVGrid((0, 1, 1), (0, 1, 1), (3, -5))


def test_confidence_is_one_for_one_bin_and_zero_for_all():
    logits = torch.zeros(1, 1, 16, 2, 2)
    assert bin_confidence(logits, (4, 4)).abs().max() < 1e-6
    logits[:, :, 3] = 100
    assert (bin_confidence(logits, (4, 4)) - 1).abs().max() < 1e-6
