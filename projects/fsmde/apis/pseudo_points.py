"""Predicted depth as point clouds in files that a stock LiDAR detector reads."""

import os.path as osp

import torch

from fsmde.datasets import PseudoPointsFromDepth
from fsmde.deployment.deployable import refuse_teachers
from fsmde.models.bev import bin_confidence
from fsmde.output_files import write_bytes
from fsmde.output_names import check_names, output_path


def export_points(model, loader, out, fuse: PseudoPointsFromDepth, progress=iter, overwrite: bool = False) -> tuple:
    """Write one ``.bin`` a frame: five float32 a point, x, y, z in metres, confidence in [0, 1] and 0; perhaps r, g, b.

    Args:
        model: Of :func:`fsmde.apis.load_model`.
        loader: Of a config's test data, see :meth:`mmengine.runner.Runner.build_dataloader`.
        out: Folder to write to.
        fuse: What makes points of depth, with ``depth_key='pred_depth'``.
        progress: Wraps the iterable of batches, to show how far it is.
        overwrite: Whether files of the same names are replaced. Those of another split may lie beside them.

    Returns:
        Number of frames, and of points in all of them.

    Raises:
        FileExistsError: If a file is there already and ``overwrite`` is not given.
        ValueError: If two frames would have one file, files of the LiDAR would be replaced, the depth is relative, or a least
            confidence is asked of a model without bins.
        OSError: If a file cannot be written.
    """
    refuse_teachers(model)
    if fuse.min_confidence > 0 and not hasattr(model.head, 'bins'):
        raise ValueError(
            f'min_confidence={fuse.min_confidence}: {type(model.head).__name__} has no bins and so no confidence: leave it out'
        )
    frames, points = 0, 0
    files = file_names(loader.dataset, out)
    there = [path for path in files.values() if osp.exists(path)]
    if there and not overwrite:
        raise FileExistsError(
            f'{len(there)} of {len(files)} files are there already, such as {there[0]}: name another folder, or --overwrite, '
            'in Python overwrite=True, replaces them'
        )
    for batch in progress(loader):
        for frame, frame_id in _frames_of(model, batch):
            cloud = fuse(frame)['points'].tensor.numpy()
            write_bytes(files[frame_id], cloud.tobytes())
            frames, points = frames + 1, points + len(cloud)
    return frames, points


def file_names(dataset, folder) -> dict:
    """Path of each frame's file by ``frame_id``.

    The LiDAR file's own name only where all of them lie in one folder: then no two frames have the same.
    """
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    check_names(folder, (info['frame_id'] for info in infos))
    lidar = {info['frame_id']: info['lidar_path'] or '' for info in infos}  # There may be frames without.
    flat = len(set(map(osp.dirname, lidar.values()))) == 1 and len(set(lidar.values())) == len(lidar)
    if flat and all(path.endswith('.bin') for path in lidar.values()):
        names = {frame_id: osp.join(folder, osp.basename(path)) for frame_id, path in lidar.items()}
    else:
        names = {frame_id: f'{output_path(folder, frame_id)}.bin' for frame_id in lidar}
    if not set(map(osp.realpath, lidar.values())).isdisjoint(map(osp.realpath, names.values())):
        raise ValueError(f"{folder} holds the data set's LiDAR, which would be replaced: name another folder")
    return names


@torch.no_grad()
def _frames_of(model, batch):
    """What :class:`PseudoPointsFromDepth` reads, of each frame of a collated batch, and the frame's id."""
    images = batch['inputs']['img']
    data = model.data_preprocessor(batch)
    output = model(**data, mode='tensor')
    size = output.depth.shape[-2:]
    confidence = torch.ones_like(output.depth) if output.logits is None else bin_confidence(output.logits, size)
    for b, sample in enumerate(data['data_samples']):
        frame = {key: getattr(sample, key) for key in ('cam2img', 'cam2ego', 'lidar2cam')}
        frame.update(
            pred_depth=output.depth[b].cpu().numpy(),
            confidence=confidence[b].cpu().numpy(),
            visible=sample.valid_mask.cpu().numpy(),
            img=images[b].permute(0, 2, 3, 1).numpy(),
        )
        yield frame, sample.frame_id
