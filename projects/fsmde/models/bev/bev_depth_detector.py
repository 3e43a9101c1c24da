"""A camera BEV detector of stock mmdet3d parts with a depth student inside."""

import numpy as np
import torch
from mmdet3d.models.detectors import CenterPoint
from mmdet3d.models.layers.fusion_layers import apply_3d_transformation
from mmdet3d.registry import MODELS
from mmengine.logging import MMLogger
from torch import Tensor

from ..estimators.bin_depth_estimator import rig_batch
from .lift_splat import BEVGrid


@MODELS.register_module()
class BEVDepthDetector(CenterPoint):
    """Depth student -> Lift-Splat -> mmdet3d's BEV backbone, neck and head.

    A CenterPoint whose pillars come from cameras: ``pts_backbone``, ``pts_neck``, ``pts_bbox_head``, ``train_cfg`` and
    ``test_cfg`` are those of a stock config. Samples carry boxes, calibration and depth ground truth, see
    :class:`fsmde.datasets.transforms.PackSurroundDetInputs`.

    Args:
        student: Config of a depth estimator with a bin head. A :class:`DistilledDepthEstimator` goes on learning from its
            teacher.
        view_transform: Config of a :class:`DepthDistributionLSSTransform`, without ``in_channels`` and ``bins``: they are
            the student's.
        freeze_student: Keep the student as it is, in eval mode: give it weights by ``student.init_cfg``. Otherwise it
            learns from the boxes as well as from its own losses.
        depth_loss_weight: Factor on all of the student's own losses.
        data_preprocessor: Config; the student's own by default.
        kwargs: See mmdet3d's ``CenterPoint``.

    Raises:
        ValueError: If the student has no bins.
    """

    def __init__(
        self,
        student: dict,
        view_transform: dict,
        freeze_student: bool = False,
        depth_loss_weight: float = 1.0,
        data_preprocessor: dict = None,
        **kwargs,
    ):
        student = MODELS.build(student)
        if not hasattr(student.head, 'bins'):
            raise ValueError(f'the student needs a head with bins to lift by, found {type(student.head).__name__}')
        # The student's own is a module that is there already: the detector normalises as the student was trained.
        preprocessor = student.data_preprocessor if data_preprocessor is None else MODELS.build(data_preprocessor)
        super().__init__(data_preprocessor=preprocessor, **kwargs)
        self.student, self.freeze_student, self.depth_loss_weight = student, freeze_student, depth_loss_weight
        shared = dict(in_channels=student.neck.out_channels, bins=student.head.bins)
        self.view_transform = MODELS.build(view_transform, default_args=shared)
        if freeze_student:
            self.student.requires_grad_(False)
            self.train(self.training)

    def init_weights(self):
        """Initialise; a frozen student that is given no weights is said, for only a whole checkpoint can mend it."""
        super().init_weights()
        if self.freeze_student and not self.student.init_cfg:
            MMLogger.get_current_instance().warning(
                'freeze_student=True keeps a student whose init_cfg names no weights: unless load_from or a checkpoint to '
                'resume brings them, boxes are lifted by the depth of a random head. Set model.student.init_cfg='
                "dict(type='Pretrained', checkpoint=...)"
            )

    def train(self, mode: bool = True):
        """Set the mode of all but a frozen student, which stays in eval mode."""
        super().train(mode)
        if self.freeze_student:
            self.student.train(False)
        return self

    def extract_feat(self, inputs: dict, data_samples: list) -> tuple:
        """The student's output and the list of BEV feature maps (B, C, rows, columns) of a preprocessed batch.

        Raises:
            ValueError: See :func:`check_cells`.
        """
        images = inputs['img']
        rig = rig_batch(data_samples, images)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze_student):
            output = self.student.extract(images, rig.cam2img, rig.cam2ego)
        camera2lidar = np.stack([np.linalg.inv(sample.lidar2cam) for sample in data_samples])
        bev = self.view_transform(
            output,
            rig.cam2img,
            torch.as_tensor(camera2lidar, dtype=torch.float32).to(images.device, non_blocking=True),
            rig.image_size,
            lidar_augmentation([sample.metainfo for sample in data_samples]).to(images.device, non_blocking=True),
        )
        features = self.pts_neck(self.pts_backbone(bev))
        check_cells(self.view_transform.grid, features[0].shape[-2:], self.pts_bbox_head)
        return output, features

    def loss(self, inputs: dict, data_samples: list) -> dict:
        """Losses of the head and, unless it is frozen, of the student."""
        output, features = self.extract_feat(inputs, data_samples)
        losses = self.pts_bbox_head.loss(features, data_samples)
        if not self.freeze_student:
            rig = rig_batch(data_samples, inputs['img'])
            for name, value in self.student.loss_of(output, inputs, data_samples, rig).items():
                losses[name] = self.depth_loss_weight * value if 'loss' in name else value
        return losses

    def predict(self, inputs: dict, data_samples: list) -> list:
        """The samples with ``pred_instances_3d`` and ``pred_depth`` (N, H, W) in metres."""
        output, features = self.extract_feat(inputs, data_samples)
        self.add_pred_to_datasample(data_samples, self.pts_bbox_head.predict(features, data_samples))
        for sample, depth in zip(data_samples, output.depth):
            sample.pred_depth = depth
        return data_samples

    def _forward(self, inputs: dict, data_samples: list) -> tuple:
        """Raw outputs of the head."""
        return self.pts_bbox_head(self.extract_feat(inputs, data_samples)[1])


def check_cells(grid: BEVGrid, shape: tuple, head) -> None:
    """Make sure that a head looks for boxes where the features of their places are.

    Args:
        grid: Of the view transform.
        shape: (rows, columns) of the head's features.
        head: Says in ``bbox_coder`` and ``train_cfg`` what its cells are; one that does not is not checked.

    Raises:
        ValueError: If the cells of the one are other places than those of the other; names the settings.
    """
    coder, training = getattr(head, 'bbox_coder', None), getattr(head, 'train_cfg', None) or {}
    sources = {
        'pts_bbox_head.bbox_coder.pc_range': (vars(coder) if coder else {}, 'pc_range'),
        'train_cfg.pts.point_cloud_range': (training, 'point_cloud_range'),
    }
    bounds = np.array([grid.x[:2], grid.y[:2]]).T
    for where, (settings, key) in sources.items():
        if not all(settings.get(name) is not None for name in (key, 'voxel_size', 'out_size_factor')):
            continue
        low, cell = (np.asarray(settings[name][:2], dtype=float) for name in (key, 'voxel_size'))
        cell = cell * settings['out_size_factor']
        found = np.stack([low, low + cell * shape[::-1]])
        if not np.allclose(found, bounds, atol=1e-2 * cell.min()):
            raise ValueError(
                f'the head takes its {shape[1]}x{shape[0]} cells of {cell.tolist()} m (voxel_size * out_size_factor) for what '
                f'lies from {found[0].tolist()} to {found[1].tolist()}, by {where}, and view_transform.xbound and ybound lift '
                f'from {bounds[0].tolist()} to {bounds[1].tolist()}: change them together'
            )


def lidar_augmentation(metas: list) -> Tensor:
    """(B, 4, 4) what mmdet3d's transforms of points and boxes did to the LiDAR's frame, of the frames' metainfo."""
    corners = torch.cat([torch.zeros(1, 3), torch.eye(3)])
    matrices = torch.eye(4).repeat(len(metas), 1, 1)
    for matrix, meta in zip(matrices, metas):
        origin, *axes = apply_3d_transformation(corners, 'LIDAR', meta)
        matrix[:3, :3] = torch.stack(axes, 1) - origin[:, None]
        matrix[:3, 3] = origin
    return matrices
