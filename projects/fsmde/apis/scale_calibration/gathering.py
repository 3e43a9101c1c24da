"""Evidence of a source's frames, and the rig that it leads to."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

from fsmde.datasets.transforms.point_clouds import load_points
from fsmde.output_names import output_path
from fsmde.rig_file import RigFile

from ..frame import Frame
from ..inferencer import SurroundDepthInferencer
from .evidence import Distance, distance_evidence, ground_evidence, lidar_evidence, pixels_of_points
from .fit import calibrate

#: What the evidence of :func:`ground_evidence` is.
GROUND = 'the ground'


def gather_evidence(
    source,
    inferencer: SurroundDepthInferencer,
    lidar=None,
    distances: dict = None,
    ego_height: float = None,
    lidar_dims: int = 4,
    max_depth: float = 80.0,
    every: int = 1,
) -> list:
    """What is known of the depth of a source's frames, beside what is predicted: of LiDAR, distances, or else the road.

    Args:
        source: Frames, such as :func:`fsmde.apis.sources.open_source` returns.
        inferencer: Of a rig file.
        lidar: True for the source's own, or the folder of ``<frame>.npz`` (array ``data``) or ``.bin`` (float32) of points
            x, y, z in the ego frame, metres; frames without are left out.
        distances: Measured ones, see :func:`read_distances`.
        ego_height: See :func:`ground_evidence`.
        lidar_dims: Numbers a point has in a ``.bin`` file.
        max_depth: Metres: LiDAR beyond it is left out.
        every: Take every n-th frame; of distances all that have some.

    Returns:
        :class:`Evidence` of views in the order of the frames.

    Raises:
        ValueError: If there is none, a frame of the distances is not in the source, or the source has no LiDAR of its own.
    """
    evidence, unseen, origin = [], set(distances or ()), getattr(source, 'origin', 'the input')
    for frame in islice(source, 0, None, 1 if distances else every):
        unseen.discard(frame.name)
        if distances and frame.name not in distances:
            continue
        pixels = _lidar_of(frame, inferencer.rig_of(frame), lidar, lidar_dims, origin) if lidar else None
        if lidar and not pixels:
            continue
        (result,) = inferencer.forward(inferencer.prepare(frame))
        if lidar:
            evidence += lidar_evidence(result, pixels, max_depth)
        elif distances:
            evidence += distance_evidence(result, distances[frame.name])
        else:
            evidence += ground_evidence(result, ego_height)
    if unseen:
        where = Distance(*distances[min(unseen)][0]).where
        raise ValueError(f'{where}: no frame {sorted(unseen)[:5]} in {origin}, of which there are distances')
    if not evidence:
        what = 'no road in any frame'
        if lidar:
            what = 'no frame has LiDAR' if lidar is True else f'no LiDAR for a frame in {lidar}'
        elif distances:
            what = 'nothing is predicted where distances were measured'
        raise ValueError(f'{origin}: nothing to calibrate with: {what}')
    return evidence


def _lidar_of(frame: Frame, rig, lidar, dims, origin):
    """LiDAR of a frame in its cameras' images; empty where a folder has none of it."""
    if lidar is True:
        if frame.lidar is None:
            raise ValueError(f'{origin} has no LiDAR of its own: give the folder of its clouds, --lidar DIR')
        return frame.lidar()
    paths = [Path(f'{output_path(lidar, frame.name)}{ending}') for ending in ('.npz', '.bin')]
    for path in paths:
        if path.is_file():
            without = [name for name in frame.images if rig[name].cam2ego is None]
            if without:
                raise ValueError(
                    f'{rig.origin}: cameras {without} have no cam2ego: LiDAR points cannot be brought into their images'
                )
            points = load_points(str(path), dims)[:, :3]
            return {name: pixels_of_points(points, rig[name]) for name in frame.images}
    return {}


def calibrate_rig(
    rig: RigFile, evidence: list, how: str, per_camera: bool = False, single_values: bool = False, say=print
) -> RigFile:
    """Multiply factors into ``depth_scale`` of a rig's cameras, where they help, see :func:`calibrate`.

    Args:
        evidence: Of :func:`gather_evidence`, from this rig's predictions.
        how: What the evidence is, for the notes: ``'LiDAR'``, or :data:`GROUND`.
        per_camera: One factor a camera instead of one for the rig.
        single_values: See :func:`calibrate`.
        say: Is given what was found, line by line.

    Returns:
        The rig with its factors, which its notes tell; the one that was given if none helps.
    """
    groups = {name: [name] for name in rig.names} if per_camera else {'the rig': list(rig.names)}
    factors = {}
    for what, names in groups.items():
        try:
            found = calibrate([view for view in evidence if view.camera in names], single_values)
        except ValueError as error:
            say(f'{what}: left as it is: {error}')
            continue
        say(f'{what}: {found}')
        say(f'{what}: {"multiplied into depth_scale" if found.helps else "left as it is: it does not help"}')
        if found.helps:
            factors.update(dict.fromkeys(names, found))
    if not factors:
        return rig
    cameras = [
        replace(camera, depth_scale=camera.depth_scale * factors[camera.name].factor)
        if camera.name in factors
        else camera
        for camera in rig.cameras
    ]
    if how == GROUND:
        say('only the road has spoken, for the road: walls and cars may be off, measure one (--distances)')
    lines = [f'depth_scale by {how}, {"cameras" if per_camera else "rig"}:']
    lines += dict.fromkeys(f'{name if per_camera else "rig"}: {found}' for name, found in factors.items())
    return replace(rig, cameras=cameras, notes='\n'.join(filter(None, [rig.notes, *lines])))
