"""Depth Anything 3 as a teacher: all views of a rig together, or a metric one of single views."""

import math

import torch
import torch.nn.functional as F
from mmdet3d.registry import MODELS
from mmengine.logging import MMLogger
from torch import Tensor

from .base import DepthTeacher
from .da3_loading import load_da3
from .hf_families import NORMALISATION
from .zoo import DA3_ZOO, licence_of

PATCH = 14
#: The metric model predicts depth for this focal length in pixels of its input.
FOCAL = 300.0
#: From where on the single-view models call a pixel sky.
SKY = 0.3
#: Their training had no baselines under 10 cm: api.py's _normalize_extrinsics.
LEAST_BASELINE = 0.1


@MODELS.register_module()
class DepthAnything3Teacher(DepthTeacher):
    """Depth Anything 3 (Lin et al., arXiv 2511.10647), by the authors' package, which is installed as docs/teachers.md says.

    - ``da3-small`` to ``-giant`` look at all views of a rig together and are told their poses and intrinsics. Their depth has
      one unknown scale for the rig. They relate all poses to one view, which is the one that looks most nearly ahead here;
      the others follow by how far they look aside. So the order of the cameras in a data set changes nothing, while another
      number of views changes all answers: every view looks at every other.
    - ``da3metric-large`` looks at each view by itself and is metric: its output times f / 300, with f the mean of fx and fy in
      pixels of its input. Sky is not valid.
    - ``da3mono-large`` does so too and is relative, in depth and not in disparity. What its unknowns are its authors do not
      say; it is taken to have a scale and a shift.

    Images are resized so that their sides are the nearest multiples of 14. Features are those of the backbone's last layer
    that the head reads.

    Args:
        model: See :func:`~fsmde.models.teachers.da3_loading.load_da3`.
        space: What its numbers mean; as above if None.
        min_confidence: Pixels whose ``depth_conf``, 1 or more, is less are not valid; for the any-view models.
        feature_size: See :class:`DepthTeacher`.
        licence: Of the weights; by default as stated on their card, or that of the authors' weights of this architecture.

    Raises:
        ImportError, FileNotFoundError, ValueError: As ``load_da3`` does; ValueError also if ``min_confidence`` is asked of a
            model that has no confidence.
    """

    def __init__(
        self,
        model: str,
        space: str = None,
        min_confidence: float = None,
        feature_size: tuple = None,
        licence: str = None,
    ):
        network, self.architecture = load_da3(model)
        any_view = network.cam_enc is not None
        if min_confidence is not None and not any_view:
            raise ValueError(f'{self.architecture} has no confidence: leave min_confidence out')
        if space is None:
            metric = 'depth_metric' if 'metric' in self.architecture else 'depth_affine_invariant'
            space = 'depth_scale_invariant_multi_view' if any_view else metric
        entry = next(e for e in DA3_ZOO.values() if e.architecture == self.architecture)
        licence = licence or licence_of(model) or entry.licence
        super().__init__(network, space, network.backbone.pretrained.embed_dim, feature_size, licence)
        self.reads = ('cam2ego',) if any_view else ()
        self.min_confidence, self.layer = min_confidence, network.backbone.out_layers[-1]
        MMLogger.get_current_instance().info(
            f'Teacher {model} ({self.architecture}): {self.space}, {self.feature_channels} feature channels'
        )

    @property
    def name(self) -> str:
        """Of its architecture."""
        return self.architecture

    def identity(self) -> dict:
        """See :meth:`DepthTeacher.identity`."""
        return dict(super().identity(), architecture=self.architecture, min_confidence=self.min_confidence)

    def predict(self, images: Tensor, cam2img: Tensor, cam2ego: Tensor = None) -> tuple:
        """See :meth:`DepthTeacher.predict`."""
        B, N, _, H, W = images.shape
        size = [max(1, round(side / PATCH)) * PATCH for side in (H, W)]
        pixels = F.interpolate(images.flatten(0, 1).float() / 255, size, mode='bicubic', antialias=True).clamp(0, 1)
        # Not new_tensor, behind which the host waits for the device.
        mean, std, stretch = (
            torch.tensor(value).to(pixels, non_blocking=True)
            for value in (*NORMALISATION['depth_anything'], [size[1] / W, size[0] / H, 1])
        )
        pixels = ((pixels - mean[:, None, None]) / std[:, None, None]).unflatten(0, (B, N))
        stretch = stretch[:, None]
        if cam2ego is None:
            depth, features = self._of_single_views(pixels.flatten(0, 1)[:, None], (stretch * cam2img).flatten(0, 1))
        else:
            depth, features = self._of_rigs(pixels, stretch * cam2img, cam2ego)
        depth, features = depth.reshape(B, N, *depth.shape[-2:]), features.flatten(0, 1)
        return depth, features.permute(0, 3, 1, 2)

    def _of_single_views(self, pixels: Tensor, cam2img: Tensor):
        """(V, 1, 3, h, w) and (V, 3, 3) -> depth (V, 1, h, w), NaN in the sky, and features (V, 1, h', w', C)."""
        # The package gives the sky one depth for the whole batch, from some pixels that it draws.
        with torch.random.fork_rng(devices=[pixels.device] if pixels.is_cuda else []):
            output = self.network(pixels, export_feat_layers=[self.layer])
        depth = output.depth.float()
        if 'metric' in self.architecture:
            depth = depth * ((cam2img[:, 0, 0] + cam2img[:, 1, 1]) / 2 / FOCAL)[:, None, None, None]
        depth = depth.masked_fill(output.sky >= SKY, math.nan)
        return depth, output.aux[f'feat_layer_{self.layer}']

    def _of_rigs(self, pixels: Tensor, cam2img: Tensor, cam2ego: Tensor):
        """(B, N, 3, h, w), (B, N, 3, 3) and (B, N, 4, 4) -> depth (B, N, h, w) and features (B, N, h', w', C)."""
        order = from_ahead(cam2ego)
        frames = torch.arange(len(order), device=order.device)[:, None]
        poses, unit = relative_poses(cam2ego[frames, order])
        # 'first' is what the package does with given poses; other strategies choose a view by its looks.
        output = self.network(
            pixels[frames, order], poses, cam2img[frames, order], [self.layer], False, False, 'first'
        )
        depth = output.depth.float() * unit[:, None, None, None]
        if self.min_confidence is not None:
            depth = depth.masked_fill(output.depth_conf < self.min_confidence, math.nan)
        back = order.argsort(dim=1)
        return depth[frames, back], output.aux[f'feat_layer_{self.layer}'][frames, back]


def from_ahead(cam2ego: Tensor) -> Tensor:
    """(B, N) order of the cameras of (B, N, 4, 4) poses by how far they look aside, the left one first of two."""
    axes = cam2ego[..., :2, 2].double()
    azimuth = torch.atan2(axes[..., 1], axes[..., 0])
    return (azimuth.abs() - 1e-3 * azimuth.sign()).argsort(dim=1)


def relative_poses(cam2ego: Tensor):
    """World to camera as the network takes it: the world is the first camera, and the median distance from it 1.

    As api.py's ``_normalize_extrinsics`` of depth-anything-3 0.1.1.

    Returns:
        tuple: (B, N, 4, 4) float32, and (B,) metres of that unit.
    """
    cam2ego = cam2ego.double()
    # inv_ex: linalg.inv has the host wait for the device, to tell it whether there is an inverse.
    cam2first = torch.linalg.inv_ex(cam2ego[:, :1]).inverse @ cam2ego
    unit = cam2first[..., :3, 3].norm(dim=-1).median(1).values.clamp(min=LEAST_BASELINE)
    first2cam = torch.linalg.inv_ex(cam2first).inverse
    first2cam[..., :3, 3] /= unit[:, None, None]
    return first2cam.float(), unit.float()
