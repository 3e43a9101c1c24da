"""The virtual cameras of a frame, at the views' own sizes."""

from dataclasses import dataclass

import numpy as np

from fsmde.rig import project_points
from fsmde.virtual_cameras import rotation_matrix


@dataclass(frozen=True)
class RectifiedRig:
    """The virtual cameras that stand for the cameras of a frame.

    Args:
        cam_names: M names.
        camera: (M,) int64: of which camera each one's images are made.
        rectifiers: M :class:`fsmde.rectification.Rectifier`.
    """

    cam_names: list
    camera: np.ndarray
    rectifiers: list

    @property
    def sizes(self) -> np.ndarray:
        """(M, 2) heights and widths of the views."""
        return np.array([rectifier.size[::-1] for rectifier in self.rectifiers])

    @property
    def original_sizes(self) -> np.ndarray:
        """(N, 2) heights and widths of the cameras' images."""
        first = np.unique(self.camera, return_index=True)[1]
        return np.array([self.rectifiers[n].camera.size[::-1] for n in first])

    def calibration(self, frame: dict) -> dict:
        """``cam2img`` at :attr:`sizes` and the poses of the virtual cameras.

        Args:
            frame: Has ``cam2ego``, ``lidar2cam`` and perhaps ``ori_cam2world`` (N, 4, 4) of the cameras.
        """
        view2cam = np.stack([rotation_matrix(rectifier.view2cam) for rectifier in self.rectifiers])
        matrices = dict(
            cam2img=np.stack([rectifier.cam2img for rectifier in self.rectifiers]),
            cam2ego=frame['cam2ego'][self.camera] @ view2cam,
            lidar2cam=view2cam.swapaxes(1, 2) @ frame['lidar2cam'][self.camera],
        )
        if frame.get('ori_cam2world') is not None:
            matrices['ori_cam2world'] = frame['ori_cam2world'][self.camera] @ view2cam
        return matrices

    def lidar_pixels(self, points, lidar2cam, masks: list, rounding: str) -> tuple:
        """LiDAR in the views at their own sizes, without what the original images do not show.

        Args:
            points: (P, 3) in the LiDAR's frame, metres.
            lidar2cam: (M, 4, 4) of the virtual cameras.
            masks: N (H, W) bool of the original images, False where the car itself is seen.
            rounding: See :func:`fsmde.rig.project_points`.

        Returns:
            :class:`fsmde.rig.PixelPoints` and (P,) bool, False where the original image shows the car itself.
        """
        cam2img = np.stack([rectifier.cam2img for rectifier in self.rectifiers])
        pixels = project_points(points, lidar2cam, cam2img, self.sizes, rounding)
        seen, visible = np.ones((2, len(pixels.z)), dtype=bool)
        for n, rectifier in enumerate(self.rectifiers):
            mine = np.flatnonzero(pixels.camera == n)
            u, v = pixels.u[mine], pixels.v[mine]
            if not rectifier.changes_nothing:
                # Of the pixels' centres, as the views' masks are, whatever the rounding.
                at = rectifier.pixels_of(
                    np.stack([u + 0.5, v + 0.5, np.ones(len(u))], -1) @ np.linalg.inv(cam2img[n]).T
                )
                seen[mine] = np.isfinite(at[:, 0])
                u, v = np.nan_to_num(at).astype(int).T
            visible[mine] = masks[self.camera[n]][v, u]
        return pixels[seen], visible[seen]

    def masks(self, masks: list) -> list:
        """M (height, width) bool of the views at their own sizes, of N (H, W) bool of the original images."""
        pairs = zip(self.rectifiers, self.camera)
        return [masks[n] if rectifier.changes_nothing else rectifier.mask(masks[n]) for rectifier, n in pairs]

    def dense_depth(self, maps: list, measure: str) -> list:
        """M (height, width) z-depths of the views of N dense depths of the original images, see
        :meth:`fsmde.rectification.Rectifier.dense`.
        """
        return [
            maps[n] if rectifier.changes_nothing and measure == 'z_depth' else rectifier.dense(maps[n], measure)
            for rectifier, n in zip(self.rectifiers, self.camera)
        ]
