"""Students and teachers in a form in which their speed can be compared: one call for one frame of a rig."""

import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from fsmde.models.teachers import HuggingFaceDepthTeacher
from fsmde.models.teachers.hf_families import input_size

from .deployable import DeployableEstimator, build_student
from .latency import count_multiply_adds, time_runs
from .onnx_export import check_exporter, export_onnx, quiet_exporter

DTYPES = dict(float32=torch.float32, bfloat16=torch.bfloat16, float16=torch.float16)


class StudentContender:
    """A student of a config, with random weights: speed does not depend on them.

    Args:
        model: Config of the model; teacher and distillers are left out.
        size: (H, W) of the images.
        views: Cameras of a frame.
    """

    def __init__(self, model: dict, size: tuple, views: int):
        self.estimator = build_student(model)
        rng = np.random.default_rng(0)
        self.size, self.views = tuple(size), views
        self.images = rng.integers(0, 256, (1, views, *size, 3), dtype=np.uint8)
        self.fx = np.full((1, views), 0.6 * size[1], np.float32)
        self.network = DeployableEstimator(self.estimator)

    @property
    def parameters(self) -> int:
        """Numbers in the weights."""
        return sum(p.numel() for p in self.network.parameters())

    def multiply_adds(self):
        """Multiply-adds of a frame."""
        inputs = torch.from_numpy(self.images[:, :1]), torch.from_numpy(self.fx[:, :1])
        return self.views * count_multiply_adds(lambda: self.network(*inputs))

    def eager(self, device, dtype, end_to_end, compiled=False):
        """A function that computes one frame in torch: from normalised images, or from uint8 on the host to the host."""
        deployable = DeployableEstimator(self.estimator, dtype=dtype).to(device)
        fx = torch.from_numpy(self.fx).to(device)
        if not end_to_end:
            images = deployable.preprocessor.normalize(torch.from_numpy(self.images).to(device).permute(0, 1, 4, 2, 3))
            predict = torch.compile(deployable.predict) if compiled else deployable.predict
            return lambda: predict(images, fx)
        forward = torch.compile(deployable) if compiled else deployable
        return lambda: forward(torch.from_numpy(self.images).to(device), fx).cpu()

    def graph(self, form, end_to_end, open_session):
        """A function that computes one frame in a runtime of graphs, from uint8 images in both scopes.

        Args:
            form: The file's: 'float32', 'float16' or 'int8'.
            open_session: Makes a session of a path.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'float32.onnx'
            export_onnx(self.network, path, self.size)
            if form == 'int8':
                from .onnx_int8 import to_int8

                # Speed does not depend on the ranges; accuracy is measured by tools/deployment/export_onnx.py.
                to_int8(path, Path(folder) / 'int8.onnx', [(self.images, self.fx)])
            elif form == 'float16':
                from .onnx_float16 import to_float16

                to_float16(path, Path(folder) / 'float16.onnx')
            session = open_session(Path(folder) / f'{form}.onnx')
        return lambda: session(self.images, self.fx)


class TeacherContender:
    """A transformers depth model, called as :class:`~fsmde.models.HuggingFaceDepthTeacher` calls it.

    Args:
        model: As for :class:`~fsmde.models.HuggingFaceDepthTeacher`; ``'random-small'``, ``'random-base'`` and
            ``'random-large'`` have Depth Anything V2's sizes.
        size, views: As for :class:`StudentContender`.
    """

    def __init__(self, model, size: tuple, views: int):
        teacher = HuggingFaceDepthTeacher(model)
        self.network = PlainNetwork(teacher.network.eval()).requires_grad_(False)
        self.images = np.random.default_rng(0).integers(0, 256, (1, views, *size, 3), dtype=np.uint8)
        self.input_size = input_size(teacher.network.config, *size)
        self.mean, self.std = (torch.tensor(value)[:, None, None] for value in (teacher.mean, teacher.std))

    def pixels(self, device='cpu'):
        """Normalised (N, 3, h, w) float32 images at the size that the network takes."""
        images = torch.from_numpy(self.images[0]).to(device).permute(0, 3, 1, 2).float() / 255
        images = F.interpolate(images, self.input_size, mode='bicubic', antialias=True).clamp(0, 1)
        return (images - self.mean.to(device)) / self.std.to(device)

    @property
    def parameters(self) -> int:
        """Numbers in the weights."""
        return sum(p.numel() for p in self.network.parameters())

    def multiply_adds(self):
        """Multiply-adds of a frame."""
        network, pixels = self.network.to('cpu', torch.float32), self.pixels()
        return len(pixels) * count_multiply_adds(lambda: network(pixels[:1]))

    def eager(self, device, dtype, end_to_end, compiled=False):
        """A function that computes one frame in torch, in the faster of the two memory formats."""
        functions = []
        for memory_format in (torch.channels_last, torch.contiguous_format):
            network = self.network.to(device, dtype, memory_format=memory_format)
            run = torch.compile(network) if compiled else network
            pixels = self.pixels(device).to(dtype)
            function = (
                (lambda run=run: run(self.pixels(device).to(dtype)).cpu())
                if end_to_end
                else (lambda run=run, pixels=pixels: run(pixels))
            )
            functions.append((min(time_runs(function, device, warmup=1, repeats=1)), memory_format, function))
        _, memory_format, function = min(functions, key=lambda item: item[0])
        self.network.to(memory_format=memory_format)
        return function

    def graph(self, form, end_to_end, open_session):
        """A function that computes one frame in a runtime of graphs, behind resizing and normalisation in torch."""
        check_exporter()
        pixels = self.pixels()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / 'teacher.onnx'
            with quiet_exporter():
                program = torch.onnx.export(self.network, (pixels,), dynamo=True, verbose=False)
            program.save(str(path))
            del program
            session = open_session(path)
        return lambda: session(self.pixels().numpy() if end_to_end else pixels.numpy())


class PlainNetwork(nn.Module):
    """A transformers depth network that returns its prediction as a tensor."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, pixels):
        return self.network(pixels).predicted_depth
