"""A drive in the layout of KITTI-360, as its documentation has it."""

import cv2
import numpy as np
from scipy.spatial.transform import Rotation
from world_drive import OFFSET, level_camera

SEQUENCE = '2013_05_28_drive_0000_sync'
#: The frame of poses: x forward, y right, z down.
TO_POSE = np.diag([1.0, -1, -1, 1])
SIZE, FISHEYE_SIZE = (96, 240), (200, 200)
#: How the perspective cameras are turned by their rectification.
RECTIFICATION = np.eye(4)
RECTIFICATION[:3, :3] = Rotation.from_euler('xyz', [0.4, -0.7, 0.2], degrees=True).as_matrix()
FISHEYE = """%YAML:1.0
---
model_type: MEI
camera_name: {name}
image_width: 200
image_height: 200
mirror_parameters:
   xi: 2.2134047507854890e+00
distortion_parameters:
   k1: 1.6798235660113681e-02
   k2: 1.6548773243373522e+00
   p1: 4.2223943394772046e-04
   p2: 4.2462134260997584e-04
projection_parameters:
   gamma1: 1.9090315465500000e+02
   gamma2: 1.9082690700000000e+02
   u0: 1.0242050000000000e+02
   v0: 1.0082360000000000e+02
"""
#: First frame that has a pose, as where the car stood before.
FIRST = 7


def kitti360_world(root):
    """Write two frames under ``root``; returns ``root``, scans, the pose before them, and image and z-depth ahead."""
    from fsmde.synthetic.render import Renderer
    from fsmde.synthetic.scene import Scene

    scans, before = scan_while_driving(2)
    front, fronts = rig()[0][0], []
    scene = Scene(0, 'student', 0, 0, 3, 0.1, (48, 80))
    for number in (1, 2):
        rays, ego2world = scene.world(0.1 * number)
        image, depth = Renderer(rays, scene.look).image(front, ego2world @ front.cam2ego, np.random.default_rng(0))
        fronts.append((image[..., ::-1], depth))
    return write_kitti360(root, scans, before, [image for image, _ in fronts]), scans, before, fronts


def rig():
    """Cameras by name, with the pose of what their images are (rectified), and the Velodyne's pose in the ego frame."""
    front = level_camera('image_00', 0, [1.7, 0.3, 1.6], 0.4, SIZE)
    cameras = [front, level_camera('image_02', 90, [0.9, 0.8, 1.6], 1, FISHEYE_SIZE)]
    cameras.append(level_camera('image_03', -90, [0.9, -0.8, 1.6], 1, FISHEYE_SIZE))
    lidar2ego = np.eye(4)
    lidar2ego[:3, :3] = Rotation.from_euler('xyz', [0.6, -0.3, 1.5], degrees=True).as_matrix()
    lidar2ego[:3, 3] = [0.8, 0.1, 1.95]
    return cameras, lidar2ego


def scan_while_driving(count, interval=0.1, groups=36):
    """``count`` scans of a Velodyne that turns clockwise while the car drives through the built-in world.

    Returns:
        tuple: (P, 4) float32 as the sensor gives them, (P, 3) float64 where they are in the world, and the (4, 4) pose of
        the vehicle at the frame's time, of each; and the pose an interval before the first.
    """
    from fsmde.synthetic.scene import Scene

    scene = Scene(0, 'student', 0, 0, count + 1, interval, (48, 80))
    lidar2ego = rig()[1]

    def ego2world(time):
        return scene.drive.pose(scene.road, time)

    scans = []
    up = np.radians(np.linspace(-14, 2, 20))
    for number in range(1, count + 1):
        time = number * interval
        world, found = scene.world(time)[0], []
        raw = []
        for share in (np.arange(groups) + 0.5) / groups - 0.5:
            azimuth, elevation = np.meshgrid(2 * np.pi * (share + np.array([-0.3, 0, 0.3]) / groups), up)
            rays = [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
            rays = np.stack(rays, -1).reshape(-1, 3)
            # On the left before the frame's time, on the right after it.
            now = ego2world(time - share * interval) @ lidar2ego
            directions = rays @ now[:3, :3].T
            hits = world.cast(now[:3, 3], directions)
            seen = (hits.reach < 80) & (hits.part != len(world.parts) - 1)
            raw.append(rays[seen] * hits.reach[seen, None])
            found.append(now[:3, 3] + directions[seen] * hits.reach[seen, None] + OFFSET)
        points = np.concatenate(raw).astype(np.float32)
        cloud = np.concatenate([points, np.full((len(points), 1), 0.5, np.float32)], 1)
        pose = ego2world(time)
        pose[:3, 3] += OFFSET
        scans.append((cloud, np.concatenate(found), pose))
    before = ego2world(0.0)
    before[:3, 3] += OFFSET
    return scans, before


def write_kitti360(root, scans, before, fronts):
    """Write the data set and return ``root``.

    Args:
        scans, before: See :func:`scan_while_driving`.
        fronts: Images of ``image_00``, (H, W, 3) uint8 BGR.
    """
    cameras, lidar2ego = rig()
    calibration = root / 'calibration'
    calibration.mkdir(parents=True)

    def numbers(matrix):
        return ' '.join(f'{value:.12e}' for value in np.ravel(matrix[:3]))

    # calib_cam_to_pose.txt is of the cameras before their rectification.
    cam2pose = {
        camera.name: TO_POSE @ camera.cam2ego @ (RECTIFICATION if camera.name == 'image_00' else np.eye(4))
        for camera in cameras
    }
    cam2pose['image_01'] = cam2pose['image_00']
    lines = [f'{name}: {numbers(cam2pose[name])}' for name in sorted(cam2pose)]
    (calibration / 'calib_cam_to_pose.txt').write_text('\n'.join(lines) + '\n')
    cam2velo = np.linalg.inv(TO_POSE @ lidar2ego) @ cam2pose['image_00']
    (calibration / 'calib_cam_to_velo.txt').write_text(numbers(cam2velo) + '\n')
    P = np.concatenate([cameras[0].cam2img - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]], np.zeros((3, 1))], 1)
    lines = []
    for number, shift in (('00', 0.0), ('01', -328.318735)):
        P[0, 3] = shift
        rotation = ' '.join(f'{value:.12e}' for value in np.ravel(RECTIFICATION[:3, :3]))
        lines += [
            f'S_{number}: 250.000000 100.000000',
            f'R_rect_{number}: {rotation}',
            f'S_rect_{number}: {SIZE[1]}.000000 {SIZE[0]}.000000',
            f'P_rect_{number}: {numbers(P)}',
        ]
    (calibration / 'perspective.txt').write_text('calib_time: 01-Jan-2013 12:00:00\n' + '\n'.join(lines) + '\n')
    for name in ('image_02', 'image_03'):
        (calibration / f'{name}.yaml').write_text(FISHEYE.format(name=name))
    poses = [before, *(pose for _, _, pose in scans)]
    lines = [f'{FIRST - 1 + n} {numbers(pose @ TO_POSE)}' for n, pose in enumerate(poses)]
    (root / 'data_poses' / SEQUENCE).mkdir(parents=True)
    (root / 'data_poses' / SEQUENCE / 'poses.txt').write_text('\n'.join(lines) + '\n')
    images = root / 'data_2d_raw' / SEQUENCE
    for n, ((cloud, _, _), front) in enumerate(zip(scans, fronts)):
        path = root / 'data_3d_raw' / SEQUENCE / f'velodyne_points/data/{FIRST + n:010d}.bin'
        path.parent.mkdir(parents=True, exist_ok=True)
        cloud.tofile(path)
        side = np.full((*FISHEYE_SIZE, 3), 128, np.uint8)
        for folder, image in (('image_00/data_rect', front), ('image_02/data_rgb', side), ('image_03/data_rgb', side)):
            (images / folder).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(images / folder / f'{FIRST + n:010d}.png'), image)
    return root
