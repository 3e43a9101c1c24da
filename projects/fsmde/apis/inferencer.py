"""From images to metric depth, in the manner of mmdet3d's inferencers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.infer import BaseInferencer

from fsmde.models import BinDepthEstimator
from fsmde.plain_data import nearest
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile, read_rig
from fsmde.virtual_cameras import pinholes_of

from .frame import Frame
from .load_model import load_model
from .prefetch import prefetch
from .result import DepthResult, ViewDepth
from .runtimes import OnnxRuntime, TorchRuntime
from .sources import open_source
from .views import ViewMaker

NO_CALIBRATION = (
    'camera {camera} has no calibration. Give a rig file (rig=..., --rig FILE), or for pinhole cameras their horizontal '
    'field of view (hfov=..., --hfov DEGREES). A network sees angles, not metres: through twice the focal length a thing '
    'twice as far away looks the same, so that depth is metric only with the focal length in pixels'
)


@dataclass
class PreparedFrame:
    """The views of a frame as the network takes them.

    Args:
        frame: The frame.
        rig: Its calibration.
        cameras: Names of the N cameras whose images the views are made of, in the rig's order; a fisheye may make several.
        pinholes: N :class:`fsmde.rig_camera.RigCamera`, the views as cameras.
        images: (N, H, W, 3) uint8 RGB.
        cam2img: (N, 3, 3) in pixels of these images.
        visible: (N, H, W) bool.
    """

    frame: Frame
    rig: RigFile
    cameras: tuple
    pinholes: tuple
    images: np.ndarray
    cam2img: np.ndarray
    visible: np.ndarray


class SurroundDepthInferencer(BaseInferencer):
    """Metric depth of a rig's images.

    Args:
        model: A published model's folder or hub name, an ONNX graph (``.onnx``), a config together with ``checkpoint``, or
            a loaded :class:`BinDepthEstimator`, or a runtime such as :class:`fsmde.apis.OpenVinoRuntime`.
        checkpoint: See :func:`fsmde.apis.load_model`.
        rig: A rig file or :class:`RigFile`. Frames that bring their own calibration do not need one.
        hfov: Without a rig: horizontal field of view in degrees of pinhole cameras, or ``{camera: degrees}``.
        device: As :func:`fsmde.apis.load_model` takes it; ONNX graphs run on the CPU.
        threads: Of ONNX Runtime, None for its own choice; for graphs alone.
        show_progress: Whether calls draw a progress bar.

    Raises:
        FileNotFoundError, ValueError: If model or rig cannot be read, both ``rig`` and ``hfov`` are given, or ``checkpoint``,
            ``device`` or ``threads`` where they would change nothing.

    Examples:
        >>> inferencer = SurroundDepthInferencer('student', rig='rig.yaml')
        >>> result = inferencer({'FRONT': 'front.jpg', 'LEFT': 'left.jpg'})['predictions'][0]
        >>> result.depth['FRONT']  # (H, W) float32 metres
    """

    preprocess_kwargs: set = set()
    forward_kwargs: set = set()
    visualize_kwargs: set = {'return_vis', 'max_depth'}
    postprocess_kwargs: set = set()

    def __init__(
        self,
        model,
        checkpoint=None,
        rig=None,
        hfov=None,
        device=None,
        threads: int = None,
        show_progress: bool = False,
    ):
        # The base class's own __init__ builds a model from a config of Python, visualizer and pipeline included.
        if rig is not None and hfov is not None:
            raise ValueError('rig and hfov both say what the cameras are: give one of them')
        if hfov is not None and not isinstance(hfov, dict) and not np.isscalar(hfov):
            raise ValueError(f'hfov must be degrees or {{camera: degrees}}, found {hfov!r}')
        self.runtime = _runtime(model, checkpoint, device, threads)
        self.rig = rig if rig is None or isinstance(rig, RigFile) else read_rig(rig)
        self.hfov, self._made = hfov, {}
        self.make_views = ViewMaker(self.runtime.input_size)
        self.pipeline, self.show_progress = self._init_pipeline(), show_progress

    def _init_pipeline(self, cfg=None):
        return self.prepare

    def _inputs_to_list(self, inputs):
        return open_source(inputs)

    def preprocess(self, inputs, batch_size: int = 1):
        """Yield the :class:`PreparedFrame` of each frame of a source, read and rectified one ahead in a thread.

        Raises:
            ValueError: If ``batch_size`` is not 1: a frame is a batch of its cameras already.
        """
        if batch_size != 1:
            raise ValueError(f'batch_size must be 1, a frame is a batch of its cameras already; found {batch_size}')
        yield from prefetch(inputs, self.pipeline)

    def prepare(self, frame: Frame) -> PreparedFrame:
        """Read, rectify and resize the images of a frame.

        Raises:
            ValueError: If a camera's calibration is not known or does not fit its image; names the camera.
        """
        rig = self.rig_of(frame)
        made = {name: self.make_views(frame, rig[name]) for name in rig.names if name in frame.images}
        cameras = tuple(name for name, views in made.items() for _ in views)
        pinholes, *arrays = zip(*(view for views in made.values() for view in views))
        return PreparedFrame(frame, rig, cameras, pinholes, *map(np.stack, arrays))

    def view_names(self, frame: Frame) -> tuple:
        """What the views of a frame will be called, before its images are read."""
        rig = self.rig if self.rig is not None or callable(frame.rig) else frame.rig
        names = []
        for name in frame.images:
            known = rig is not None and name in rig.names
            names += [pinhole.name for pinhole in pinholes_of(rig[name])] if known else [name]
        return tuple(names)

    def rig_of(self, frame: Frame) -> RigFile:
        """The calibration of a frame: the rig file's, what ``hfov`` makes of its images, or else the frame's own.

        Raises:
            ValueError: If a camera is in none of them; names it.
        """
        rig = self.rig
        if rig is None and self.hfov is None:
            rig = frame.rig() if callable(frame.rig) else frame.rig
        if rig is None:
            for camera in frame.images:
                if camera not in self._made:
                    self._made[camera] = self._from_field_of_view(frame, camera)
            return RigFile([self._made[camera] for camera in self._made])
        for camera in frame.images:
            if camera not in rig.names:
                raise ValueError(
                    f'frame {frame.name}: camera {camera!r} is not in {rig.origin}{nearest(camera, rig.names)}; '
                    f'it has {list(rig.names)}'
                )
        return rig

    def _from_field_of_view(self, frame, camera):
        degrees = self.hfov.get(camera) if isinstance(self.hfov, dict) else self.hfov
        if degrees is None:
            raise ValueError(NO_CALIBRATION.format(camera=camera))
        height, width = frame.read(camera).shape[:2]
        return RigCamera.from_field_of_view(camera, (width, height), degrees)

    def forward(self, inputs: PreparedFrame) -> list:
        """The :class:`DepthResult` of a frame, in a list."""
        depth, confidence = self.runtime(inputs.images, inputs.cam2img)
        views = {}
        for n, (name, pinhole) in enumerate(zip(inputs.cameras, inputs.pinholes)):
            views[pinhole.name] = ViewDepth(
                pinhole,
                inputs.cam2img[n],
                inputs.images[n],
                np.asarray(depth[n] * np.float32(pinhole.depth_scale)),
                inputs.visible[n],
                None if confidence is None else confidence[n],
                inputs.rig[name],
            )
        frame, rig = inputs.frame, RigFile([p for camera in inputs.rig.cameras for p in pinholes_of(camera)])
        missing = tuple(dict.fromkeys([*(n for n in inputs.rig.names if n not in inputs.cameras), *frame.missing]))
        return [DepthResult(frame.name, views, rig, frame.time, frame.times, missing, inputs.rig)]

    def stream(self, inputs, skip=None):
        """Yield the :class:`DepthResult` of one frame after the other, without keeping any.

        Args:
            inputs: As the inferencer takes them.
            skip: Called with a :class:`Frame`; frames for which it returns True are left out before their images are read.
        """
        source = self._inputs_to_list(inputs)
        frames = source if skip is None else (frame for frame in source if not skip(frame))
        for prepared in self.preprocess(frames):
            yield from self.forward(prepared)

    def visualize(self, inputs, preds: list, return_vis: bool = False, max_depth: float = 80.0) -> list:
        """Panels of the frames, (h, w, 3) uint8 RGB, if ``return_vis``; colours end at ``max_depth`` metres."""
        from .sinks.panels import panel_of

        return [panel_of(result, max_depth) for result in preds] if return_vis else []

    def postprocess(self, preds: list, visualization: list, return_datasamples: bool = False) -> dict:
        """``predictions``: a :class:`DepthResult` a frame, or with ``return_datasamples`` a
        :class:`fsmde.structures.SurroundDepthSample`, for rigs with poses; ``visualization``: see :meth:`visualize`.
        """
        predictions = [result.to_sample() for result in preds] if return_datasamples else preds
        return dict(predictions=predictions, visualization=visualization)


def _runtime(model, checkpoint, device, threads):
    given = dict(checkpoint=checkpoint, device=device, threads=threads)
    if isinstance(model, BinDepthEstimator) or hasattr(model, 'input_size'):
        _refuse(given, f'a {type(model).__name__} is there already')
        if not isinstance(model, BinDepthEstimator):
            return model
    elif isinstance(model, (str, Path)) and str(model).endswith('.onnx'):
        elsewhere = None if str(device) == 'cpu' else device
        _refuse(dict(checkpoint=checkpoint, device=elsewhere), f'{model} holds its weights, and runs on the CPU')
        return OnnxRuntime(model, threads)
    else:
        _refuse(dict(threads=threads), 'it is of ONNX graphs, and torch has OMP_NUM_THREADS')
        model = load_model(model, checkpoint, device)
    if getattr(model, 'input_size', None) is None:
        raise ValueError("the model does not say the size of its input: its config's test pipeline has no ResizeViews")
    return TorchRuntime(model, model.input_size)


def _refuse(options, why):
    """Raise ValueError if one of some options is given: nobody would read it."""
    for name, value in options.items():
        if value is not None:
            raise ValueError(f'{name}={value} (--{name}) would change nothing: {why}. Leave it out')
