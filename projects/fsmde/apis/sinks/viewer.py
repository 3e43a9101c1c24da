"""A page in the browser: images, depth, and what all cameras see together in 3D."""

import signal
import socket
import threading
from dataclasses import dataclass, replace

import cv2
import numpy as np

from fsmde.evaluation.spool import Spool, read_spooled
from fsmde.output_names import output_name
from fsmde.visualization.color_scale import depth_scale

from ..result import DepthResult
from .base import Sink

#: Points of a frame: pixels are left out evenly above it.
MOST_POINTS = 200_000
#: Pixels across an image on the page.
PICTURE_WIDTH = 240
#: End of the slider for range in metres.
FARTHEST = 200.0
#: Pose of a single camera that has none: at the origin, looking ahead.
AHEAD = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


@dataclass
class _Shown:
    """A frame on the page; ``file`` holds its points and pictures, see :class:`Spool`."""

    name: str
    time: int
    missing: tuple
    cameras: tuple
    cam2img: np.ndarray
    cam2ego: np.ndarray
    size: tuple
    file: str


class Viewer(Sink):
    """Serves a page with all frames so far; sliders choose the frame, the range and the confidence of its points.

    What is shown lies in a temporary folder (see :class:`fsmde.evaluation.spool.Spool`), about 5 MB a frame, so that
    memory does not grow with the frames. Needs poses, except of a single camera.

    Args:
        max_depth: End of the colours of depth in metres; farther pixels give no point until the slider is moved.
        min_confidence: Less sure pixels give no point until the slider is moved.
        host: Address to listen on. Others than the default let other machines in, without a password.
        port: To listen on, 0 for any that is free; if it is taken, the next free one.

    Attributes:
        url: Of the page.
        server: The :class:`viser.ViserServer`, to add things of your own to its scene.
        frame, range, confidence: Its sliders.
        points: Its cloud, None before the first frame.
        cameras: By name the frustum in the scene and the picture beside it.

    Raises:
        ImportError: If viser is not installed.
        ValueError: If this machine cannot listen on ``host`` or ``port``.
    """

    def __init__(
        self, max_depth: float = 80.0, min_confidence: float = 0.0, host: str = '127.0.0.1', port: int = 8080
    ):
        self.colors, self.frames, self.spool = depth_scale(max_depth), [], Spool()
        self.min_confidence = min_confidence
        self.server = _serve(host, port)
        self.url = f'http://{host}:{self.server.get_port()}'
        self._lock, self._drawn = threading.Lock(), (None, None, None)
        gui = self.server.gui
        gui.configure_theme(dark_mode=True, show_logo=False, show_share_button=False, control_width='large')
        self.frame = gui.add_slider('Frame', 0, 0, 1, 0)
        self.range = gui.add_slider('Range / m', 1.0, max(FARTHEST, max_depth), 0.5, float(max_depth))
        self.confidence = gui.add_slider('Confidence', 0.0, 1.0, 0.01, float(min_confidence))
        # Names come from files: as text, never as markup, which could have the page load something.
        self.text = gui.add_text('Shown', 'no frame yet', disabled=True)
        self.folder = gui.add_folder(f'Images, depth: 1 m red, {max_depth:g} m blue')
        self.points, self.cameras = None, {}
        self.server.scene.world_axes.visible = True
        self.server.initial_camera.position, self.server.initial_camera.look_at = (-14.0, 0.0, 9.0), (6.0, 0.0, 0.0)
        for slider in (self.frame, self.range, self.confidence):
            slider.on_update(self._draw)

    def write(self, result: DepthResult) -> None:
        """Add a frame to the page. It is shown at once if the newest one was.

        Raises:
            ValueError: If there are several cameras and a pose is not known, or there is no confidence for
                ``min_confidence``.
            OSError: If the disk is full.
        """
        result.check_confidence(self.min_confidence)
        if len(result.views) == 1 and not result.has_poses:
            ((name, view),) = result.views.items()
            result = replace(result, views={name: replace(view, camera=replace(view.camera, cam2ego=AHEAD))})
        stride = int(np.ceil(np.sqrt(result.stacked('depth').size / MOST_POINTS)))
        depth = result.stacked('depth')[:, ::stride, ::stride]
        confidence = result.stacked('confidence')[:, ::stride, ::stride] if result.confidence else np.ones_like(depth)
        points, colors = result.points(stride=stride)
        # As the points: camera by camera, row by row.
        taken = np.isfinite(depth) & (depth > 0)
        file = self.spool.put(
            points=points,
            colors=colors,
            depth=depth[taken],
            confidence=confidence[taken],
            pictures=np.stack([self._picture(view) for view in result.views.values()]),
        )
        newest = self.frame.value == self.frame.max
        self.confidence.disabled = not result.confidence
        geometry = result.stacked('cam2img'), result.cam2ego, result.stacked('depth').shape[1:]
        self.frames.append(_Shown(result.name, result.time, result.missing, tuple(result.views), *geometry, file))
        self.frame.max = len(self.frames) - 1
        if newest:
            self.frame.value = self.frame.max
        self._draw()

    def wait(self) -> None:
        """Serve the page until Ctrl-C or SIGTERM, whose handling it takes over. For the main thread."""
        over = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: over.set())
        over.wait()
        self.stop()

    def stop(self) -> None:
        """End the page and remove its files."""
        self.server.stop()
        self.spool.close()

    def _picture(self, view) -> np.ndarray:
        """(h, 2 * PICTURE_WIDTH, 3) uint8 RGB: image and coloured depth, black where nothing is seen."""
        depth = self.colors(view.depth) * (view.depth > 0)[..., None].astype(np.uint8)
        height, width = view.depth.shape
        size = PICTURE_WIDTH, max(1, round(PICTURE_WIDTH * height / width))
        return np.hstack([cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (view.image, depth)])

    def _draw(self, _=None) -> None:
        """Bring the page to what the sliders say. Of many calls while a slider is dragged the first draws its latest
        state, and the others find nothing to do.
        """
        with self._lock:
            number, farthest, least = wanted = self.frame.value, self.range.value, self.confidence.value
            if wanted == self._drawn or not self.frames:
                return
            shown = self.frames[number]
            arrays = read_spooled(shown.file)
            keep = (arrays['depth'] < farthest) & (arrays['confidence'] >= least)
            with self.server.atomic():
                self.points = self.server.scene.add_point_cloud(
                    '/points', arrays['points'][keep], arrays['colors'][keep], point_size=0.08, precision='float32'
                )
                if number != self._drawn[0]:
                    self._draw_cameras(shown, arrays['pictures'])
                self.text.value = self._describe(shown, np.count_nonzero(keep))
            self._drawn = wanted

    def _draw_cameras(self, shown: _Shown, pictures: np.ndarray) -> None:
        from viser.transforms import SO3

        for name, handles in self.cameras.items():
            for handle in handles:
                handle.visible = name in shown.cameras
        height, width = shown.size
        for name, K, pose, picture in zip(shown.cameras, shown.cam2img, shown.cam2ego, pictures):
            frustum = self.server.scene.add_camera_frustum(
                f'/cameras/{output_name(name)}',
                fov=2 * np.arctan(height / 2 / K[1, 1]),
                aspect=(width / K[0, 0]) / (height / K[1, 1]),
                scale=0.6,
                color=(255, 200, 0),
                image=picture[:, :PICTURE_WIDTH],
                wxyz=SO3.from_matrix(pose[:3, :3]).wxyz,
                position=pose[:3, 3],
            )
            if name in self.cameras:
                image = self.cameras[name][1]
                image.image = picture
            else:
                with self.folder:
                    image = self.server.gui.add_image(picture, label=name)
            self.cameras[name] = frustum, image

    def _describe(self, shown: _Shown, points: int) -> str:
        start = self.frames[0].time
        clock = f', {(shown.time - start) / 1e9:.2f} s' if None not in (shown.time, start) else ''
        missing = f', without {", ".join(shown.missing)}' if shown.missing else ''
        return f'{shown.name}{clock}{missing}: {points} points'


def _serve(host, port):
    try:
        import viser
    except ImportError as error:
        raise ImportError("the page needs viser: pip install 'viser>=1.1.1'") from error

    class Server(viser.ViserServer):
        def request_share_url(self, verbose: bool = True):
            """Refused: a visitor of the page could have viser open a tunnel to its makers' server."""

    if not 0 <= port < 2**16:
        raise ValueError(f'port must be 0 to 65535, found {port}')
    try:
        # viser goes on with the next port whatever is wrong, and for ever.
        with socket.create_server((host, 0)):
            pass
    except OSError as error:
        raise ValueError(f'cannot listen on {host!r}: {error}; expected an IPv4 address of this machine') from error
    return Server(host, port, verbose=False)
