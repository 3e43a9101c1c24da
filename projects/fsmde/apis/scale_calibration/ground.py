"""How high a camera stands over the road that its predicted depth shows."""

import numpy as np

from fsmde.rig import unproject_depth

from ..result import ViewDepth

#: Metres along the road from the camera, and to both sides of the vehicle's middle: its own lane.
NEAR, FAR, HALF_WIDTH = 3.0, 15.0, 2.0
LEAST_PIXELS = 30
#: Relative deviation of a road pixel's depth from the plane.
INLIER = 0.05
LEAST_INLIERS = 0.5
#: Degrees between the plane's normal and the vehicle's vertical: mounting, suspension and a change of slope.
MOST_TILT = 10.0
TRIALS = 100


def camera_height(view: ViewDepth, height: float) -> float:
    """Metres over the road of a camera, by a plane through the predicted depth of the vehicle's own lane.

    Assumed: the road is flat from 3 to 15 m along the vehicle's axis, before it or behind, 2 m to both sides, and at
    least half of what is seen there is road. Where that lies in the image follows from ``height`` and the camera's pose; it
    need not be exact. The plane is free to tilt, so that slopes, pitch and an error of the pose do not matter: in inverse
    depth a plane is linear, 1 / z = m . ray, and its distance from the camera is 1 / |m|.

    Args:
        view: With the pose of its camera.
        height: Metres over the road, as measured.

    Returns:
        The height, or None where no such plane is seen.
    """
    rays = unproject_depth(np.ones(view.predicted.shape), view.cam2img)
    rotation, position = view.camera.cam2ego[:3, :3], view.camera.cam2ego[:3, 3]
    in_ego = rays @ rotation.T
    with np.errstate(divide='ignore', invalid='ignore'):
        foot = in_ego * np.where(in_ego[..., 2] < 0, -height / in_ego[..., 2], np.inf)[..., None]
    along, across = np.abs(foot[..., 0]), np.abs(foot[..., 1] + position[1])
    region = (along > NEAR) & (along < FAR) & (across < HALF_WIDTH) & view.visible & (view.predicted > 0)
    if region.sum() < LEAST_PIXELS:
        return None
    rays, depth = rays[region], view.predicted[region].astype(np.float64)
    plane, inliers = _fit(rays * depth[:, None])
    if plane is None or inliers.mean() < LEAST_INLIERS:
        return None
    size = np.linalg.norm(plane)
    tilt = np.degrees(np.arccos(np.clip(-(rotation @ plane)[2] / size, -1, 1)))
    return 1 / size if tilt < MOST_TILT else None


def _fit(points):
    """Plane m with m . point = 1 of most of the (P, 3) points, and (P,) bool, those that lie on it."""
    rng = np.random.default_rng(0)
    best = np.zeros(len(points), bool)
    for _ in range(TRIALS):
        three = points[rng.choice(len(points), 3, replace=False)]
        if abs(np.linalg.det(three)) < 1e-9:
            continue
        inliers = np.abs(points @ np.linalg.solve(three, np.ones(3)) - 1) < INLIER
        if inliers.sum() > best.sum():
            best = inliers
    plane = None
    for _ in range(5):
        if best.sum() < LEAST_PIXELS:
            return None, best
        # m . ray z = 1: the ray is exact, and an error of z is relative to it, so that all pixels weigh the same.
        plane = np.linalg.lstsq(points[best], np.ones(best.sum()), rcond=None)[0]
        best = np.abs(points @ plane - 1) < INLIER
    return plane, best
