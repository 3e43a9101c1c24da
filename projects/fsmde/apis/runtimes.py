"""What computes the depth of a rig's views: torch, ONNX Runtime or OpenVINO, behind one interface."""

import os

import numpy as np
import torch

from fsmde.deployment.deployable import refuse_teachers
from fsmde.models.bev import bin_confidence


class TorchRuntime:
    """An estimator in torch.

    Args:
        model: A :class:`fsmde.models.BinDepthEstimator` in eval mode.
        input_size: (H, W) of the views it takes.

    Attributes:
        input_size: (H, W).

    Raises:
        ValueError: If the model needs poses, or its depth is relative.
    """

    def __init__(self, model, input_size: tuple):
        refuse_teachers(model)
        self.model, self.input_size = model, tuple(input_size)

    @torch.inference_mode()
    def __call__(self, images: np.ndarray, cam2img: np.ndarray) -> tuple:
        """Predict the views of one frame.

        Args:
            images: (N, H, W, 3) uint8 RGB.
            cam2img: (N, 3, 3) intrinsics in pixels of these images.

        Returns:
            (N, H, W) float32 z-depth in metres, and (N, H, W) float32 confidence in [0, 1] or None without bins.
        """
        device = next(self.model.parameters()).device
        views = torch.as_tensor(images).to(device).permute(0, 3, 1, 2)[None]
        cam2img = torch.as_tensor(cam2img, dtype=torch.float32).to(device)[None]
        output = self.model.extract(self.model.data_preprocessor.normalize(views), cam2img)
        confidence = None
        if output.logits is not None:
            confidence = bin_confidence(output.logits, self.input_size)[0].cpu().numpy()
        return output.depth[0].cpu().numpy(), confidence


class OnnxRuntime:
    """A graph of ``tools/deployment/export_onnx.py`` in ONNX Runtime; interface as :class:`TorchRuntime`.

    Confidence needs a graph that was exported ``--with-bins``.

    Args:
        path: The graph.
        threads, providers: See :class:`fsmde.deployment.OnnxSession`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the graph is not one of ours; says what it takes.
    """

    NAME = 'ONNX Runtime'

    def __init__(self, path, threads: int = None, providers: tuple = ('CPUExecutionProvider',)):
        from fsmde.deployment.onnx_session import OnnxSession

        self._open(path, lambda: OnnxSession(path, threads, providers))

    def _open(self, path, open_session):
        if not os.path.isfile(path):
            raise FileNotFoundError(f'no ONNX graph at {path}')
        try:
            self.session = open_session()
        except ImportError:
            raise
        except Exception as error:  # The runtimes' own classes, for files that are cut, hostile or of another kind.
            raise ValueError(f'{path} is no graph that {self.NAME} can load: {error}') from error
        shapes = self.session.shapes
        images = shapes.get('images', ())
        fits = set(shapes) == {'images', 'fx'} and len(images) == 5 and images[4] == 3
        if not fits or not all(isinstance(side, int) for side in images[2:4]) or 'depth' not in self.session.outputs:
            raise ValueError(
                f'{path} takes {shapes} and returns {self.session.outputs}: expected images (B, N, H, W, 3), fx (B, N) '
                'and depth, as tools/deployment/export_onnx.py writes graphs'
            )
        self.input_size = tuple(images[2:4])

    def __call__(self, images: np.ndarray, cam2img: np.ndarray) -> tuple:
        """See :meth:`TorchRuntime.__call__`."""
        found = self.session(images[None], np.asarray(cam2img[None, :, 0, 0], dtype=np.float32))
        found = dict(zip(self.session.outputs, found))
        confidence = None
        if 'probabilities' in found:
            logits = torch.from_numpy(found['probabilities']).clamp(min=1e-12).log()
            confidence = bin_confidence(logits, self.input_size)[0].numpy()
        return found['depth'][0], confidence


class OpenVinoRuntime(OnnxRuntime):
    """The same graphs in OpenVINO, on CPUs of Intel and others; the first frame of each number of views takes longer.

    Args:
        path, threads, precision: See :class:`fsmde.deployment.openvino_session.OpenVinoSession`.

    Raises:
        ImportError: If openvino is not installed.
        FileNotFoundError, ValueError: As :class:`OnnxRuntime` does.
    """

    NAME = 'OpenVINO'

    def __init__(self, path, threads: int = None, precision: str = 'float32'):
        from fsmde.deployment.openvino_session import OpenVinoSession

        self._open(path, lambda: OpenVinoSession(path, threads, precision))
