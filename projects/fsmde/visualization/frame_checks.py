"""What is wrong with a frame of a data set, in plain words. For people who bring their own rig."""

from dataclasses import dataclass

import numpy as np

from .edge_alignment import find_edge_shift

# Of LiDAR points per pixel: six DDAD or nuScenes cameras have 2 to 4 % at network size.
FEWEST_POINTS = 0.001
# Metres. Outside of it units or extrinsics are wrong: streets have a median of 5 to 30 m.
MEDIAN_DEPTH = (1.0, 100.0)
FARTHEST_DEPTH = 1000.0
# Degrees.
FIELD_OF_VIEW = (15.0, 130.0)
MOST_HIDDEN = 0.6
MOST_ANISOTROPY = 0.1
MOST_OFF_CENTRE = 0.25
# Of the image's width. Good rigs show up to 0.006, with motion and the finite distance of LiDAR points.
MOST_EDGE_SHIFT = 0.008


@dataclass
class CameraReport:
    """What a check of one camera of a frame measured.

    Args:
        name: Of the camera.
        points: Pixels with a LiDAR point.
        coverage: The same as a fraction of the image.
        depth: (3,) nearest, median and farthest LiDAR depth in metres, nan without points.
        field_of_view: Horizontal, in degrees.
        overlap: With the left neighbour in degrees, negative for a gap, nan for a rig of one.
        hidden: Fraction of the image where the car itself is seen.
        edge_shift: Pixels from depth edges to image edges, None where it is not clear.
        problems: Sentences.
    """

    name: str
    points: int
    coverage: float
    depth: np.ndarray
    field_of_view: float
    overlap: float
    hidden: float
    edge_shift: int
    problems: list


def check_frame(sample, images, has_lidar: bool = True) -> list:
    """Measure a frame and say what is wrong with it.

    Args:
        sample: :class:`fsmde.structures.SurroundDepthSample` with ``gt_depth``, ``valid_mask`` and calibration.
        images: (N, 3, H, W) uint8 RGB.
        has_lidar: False for a frame that is stated to have none: then its absence is no fault.

    Returns:
        N :class:`CameraReport`.
    """
    images, depth, mask = np.asarray(images), np.asarray(sample.gt_depth), np.asarray(sample.valid_mask)
    H, W = depth.shape[1:]
    borders = view_borders(sample.cam2img, sample.cam2ego, H, W)
    reports = []
    for n, name in enumerate(sample.cam_names):
        left = sample.neighbors[n][0]
        measured = depth[n][depth[n] > 0]
        report = CameraReport(
            name=name,
            points=measured.size,
            coverage=measured.size / (H * W),
            depth=np.percentile(measured, [0, 50, 100]) if measured.size else np.full(3, np.nan),
            field_of_view=(borders[n, 0] - borders[n, 1]) % 360,
            overlap=(borders[n, 0] - borders[left, 1] + 180) % 360 - 180 if left >= 0 else np.nan,
            hidden=1 - mask[n].mean(),
            edge_shift=find_edge_shift(images[n], depth[n]),
            problems=[],
        )
        neighbor = sample.cam_names[left] if left >= 0 else None
        report.problems += _lidar_problems(report) if has_lidar else []
        report.problems += _view_problems(report, neighbor)
        report.problems += [
            *_edge_problems(report, sample.cam2img[n], W),
            *_intrinsics_problems(sample.cam2img[n], H, W),
        ]
        reports.append(report)
    return reports


def view_borders(cam2img, cam2ego, height: int, width: int) -> np.ndarray:
    """(N, 2) ego azimuths of the middles of the left and right image borders, in degrees counter-clockwise."""
    pixels = np.array([[0, height / 2, 1], [width, height / 2, 1]])
    rays = np.einsum('nij,pj->npi', np.linalg.inv(cam2img), pixels)
    rays = np.einsum('nij,npj->npi', np.asarray(cam2ego)[:, :3, :3], rays)
    return np.degrees(np.arctan2(rays[..., 1], rays[..., 0]))


def check_timestamps(scenes, timestamps) -> list:
    """Say which frames of a data set carry no time, or not a later one than the frame before in their scene.

    Args:
        scenes: F scene names.
        timestamps: F times, numbers or ISO 8601 texts in UTC, None where there is none.
    """
    absent = sum(time is None for time in timestamps)
    if absent:
        return [f'{absent} of {len(timestamps)} frames have no timestamp']
    # Whole seconds may have no fraction, and a Z comes behind any digit.
    timestamps = [time.removesuffix('Z') if isinstance(time, str) else time for time in timestamps]
    steps = zip(scenes, timestamps, scenes[1:], timestamps[1:])
    late = [i + 1 for i, (scene, time, next_scene, after) in enumerate(steps) if scene == next_scene and after <= time]
    if late:
        return [
            f'{len(late)} frames are not later than the frame before in their scene; the first is number {late[0]}'
        ]
    return []


def _lidar_problems(report: CameraReport) -> list:
    if not report.points:
        return [
            'no LiDAR point falls into the image: is lidar2cam the inverse of what it should be, or cam2img that of '
            'another image size?'
        ]
    problems = []
    if report.coverage < FEWEST_POINTS:
        problems.append(f'only {report.points} LiDAR points fall into the image')
    _, median, farthest = report.depth
    if not MEDIAN_DEPTH[0] < median < MEDIAN_DEPTH[1] or farthest > FARTHEST_DEPTH:
        problems.append(f'the median depth is {median:.4g} m, the farthest {farthest:.4g} m: is the LiDAR in metres?')
    return problems


def _edge_problems(report: CameraReport, cam2img, width: int) -> list:
    shift = report.edge_shift
    if shift is None or abs(shift) <= MOST_EDGE_SHIFT * width:
        return []
    degrees, side = np.degrees(np.arctan(abs(shift) / cam2img[0, 0])), 'left' if shift > 0 else 'right'
    return [
        f'depth edges lie {abs(shift)} pixels ({degrees:.1f} degrees) to the {side} of the edges of the image: '
        'extrinsics, intrinsics or the motion between the two times may be wrong'
    ]


def _view_problems(report: CameraReport, neighbor) -> list:
    problems = []
    if report.overlap <= 0:
        problems.append(
            f'{-report.overlap:.1f} degrees lie between its view and that of its left neighbour {neighbor}: nothing '
            'relates the two'
        )
    if report.hidden > MOST_HIDDEN:
        problems.append(
            f'the mask hides {report.hidden:.0%} of the image: is `valid` in self_occlusion the other grey value?'
        )
    if not FIELD_OF_VIEW[0] < report.field_of_view < FIELD_OF_VIEW[1]:
        problems.append(
            f'it sees {report.field_of_view:.0f} degrees, unusual for a pinhole: check fx and the image size'
        )
    return problems


def _intrinsics_problems(cam2img, height: int, width: int) -> list:
    problems = []
    fx, fy, cx, cy = cam2img[0, 0], cam2img[1, 1], cam2img[0, 2], cam2img[1, 2]
    if abs(fx / fy - 1) > MOST_ANISOTROPY:
        problems.append(f'fx = {fx:.1f} and fy = {fy:.1f} differ by more than {MOST_ANISOTROPY:.0%}')
    if max(abs(cx / width - 0.5), abs(cy / height - 0.5)) > MOST_OFF_CENTRE:
        problems.append(
            f'the principal point ({cx:.1f}, {cy:.1f}) is far from the centre of {width} x {height} pixels'
        )
    return problems
