"""A toy rig of two level cameras that look 60 degrees apart, a student and a teacher on it."""

from dataclasses import dataclass

import numpy as np
import torch

from fsmde.bins import DepthBins
from fsmde.models.distillers import DistillationStep
from fsmde.poses import quaternion_to_matrix
from fsmde.rig import RigBatch
from fsmde.structures import DepthTarget, StudentOutput, TeacherOutput
from toy_dgp import camera_quaternion

H, W, B, N, K = 24, 32, 2, 3, 16
BINS = DepthBins(K, 0.5, 80.0)


@dataclass
class Scene:
    """What a distiller's ``loss`` looks at; ``depth`` (B, N, H, W) is the truth."""

    depth: torch.Tensor
    student: StudentOutput
    teacher: TeacherOutput
    target: DepthTarget
    rig: RigBatch

    def step(self):
        return DistillationStep(self.student, self.teacher, self.target, self.rig)


def make_rig(azimuths=(0, 60, -60)):
    poses = np.stack([quaternion_to_matrix([0, 0, 0], camera_quaternion(a)) for a in azimuths])
    cam2img = torch.tensor([[20.0, 0, W / 2], [0, 20, H / 2], [0, 0, 1]]).repeat(B, len(azimuths), 1, 1)
    neighbors = torch.tensor([[1, 2], [2, 0], [0, 1]])
    return RigBatch(cam2img, torch.tensor(poses).float().repeat(B, 1, 1, 1), neighbors, (H, W))


def make_scene():
    """A scene with smooth depth, a perfect relative teacher and an untrained student."""
    generator = torch.Generator().manual_seed(0)
    smooth = torch.nn.functional.interpolate(
        torch.rand(B, N, 3, 4, generator=generator), size=(H, W), mode='bilinear', align_corners=True
    )
    depth = 3 + 20 * smooth
    mask = torch.rand(B, N, H, W, generator=generator) > 0.7
    visible = torch.ones(B, N, H, W, dtype=torch.bool)
    logits = torch.randn(B, N, K, H // 4, W // 4, generator=generator).requires_grad_()
    centers = BINS.centers().repeat(B, N, 1).requires_grad_()
    student_depth = BINS.decode(logits.softmax(2), centers[..., None, None], dim=2)
    student_depth = torch.nn.functional.interpolate(student_depth, size=(H, W), mode='bilinear')
    features = torch.randn(B * N, 8, H // 4, W // 4, generator=generator)
    student = StudentOutput(student_depth, logits, centers, features.clone().requires_grad_())
    teacher = TeacherOutput(1 / depth, 'disparity_affine_invariant', visible.clone(), features)
    return Scene(depth, student, teacher, DepthTarget(torch.where(mask, depth, 0.0), mask, visible), make_rig())
