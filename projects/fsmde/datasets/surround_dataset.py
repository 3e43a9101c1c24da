"""The base of all surround data sets."""

import os.path as osp
import zlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from mmengine.dataset import BaseDataset, force_full_init
from mmengine.logging import MMLogger

from fsmde.image_files import image_size
from fsmde.masks import all_visible, check_self_occlusion, load_visible
from fsmde.rig import ROUNDINGS
from fsmde.structures import PackedMask

from .index_checks import check_ground_truth, check_index, refuse_lenses
from .labels import with_labels
from .transforms.loading import check_sizes
from .transforms.point_clouds import load_frame_points
from .transforms.rectification import RectifyViews


class SurroundDepthDataset(BaseDataset):
    """Frames of a rig of N cameras with calibration and a LiDAR.

    A subclass sets the class constants and writes :meth:`load_data_list`, whose entries hold

    - ``frame_id``, which no other frame has, and ``scene``;
    - ``img_path``: N paths. ``stated_sizes``, if the index has them: N (height, width) or None, compared with the images;
    - ``lidar_path``, None in a frame without LiDAR, ``lidar_dims`` and, optionally, ``lidar_columns``, see
      :func:`fsmde.datasets.transforms.point_clouds.load_points`; where a scan is not free of the car's motion,
      ``lidar_turn`` (4, 4) or None, see :func:`fsmde.datasets.transforms.point_clouds.without_turn`;
    - where a camera is no pinhole, ``lenses``, N :class:`fsmde.lenses.Lens`: its pipeline then needs
      :class:`fsmde.datasets.RectifyViews`;
    - ``cam2img`` (N, 3, 3), ``cam2ego`` and ``lidar2cam`` (N, 4, 4), float64 and at the images' original size;
    - where it is known, ``lidar2ego`` (4, 4) float64, NaN for unknown, which the others are compared with;
    - where poses are known, ``ori_cam2world`` (N, 4, 4) float64, each camera's at its own time; no augmentation changes
      it, temporal flicker is measured with it.

    Args:
        cameras: Camera names, in the order of the N axis. All of the data set's, in ring order, by default.
        self_occlusion: Where masks of the car's own body are: ``dict(root=..., template='{scene}/{camera}.png',
            valid=255)``. ``root`` is taken relative to ``data_root``, ``valid`` is the grey value that marks pixels of
            the world: 255 or 0, the two public families of DDAD masks differ in it.
        labelled_fraction: Share of the frames with LiDAR that keep it in training, evenly spread over the index and so
            over the scenes, and the same for every seed; at least one, unless it is 0. The others are loaded with an
            empty cloud, as frames without LiDAR are: a student learns from a teacher there, and from nothing else. With
            0, images alone, the data set belongs beside a labelled one. See :func:`fsmde.datasets.labels.evenly_spread`.
        only_labelled: Labelled frames take the places of the others, each as often: what a student without a teacher
            learns from in as many steps. Repetitions of a frame are augmented differently.
        rounding, max_depth: In place of the class's constants, below.
        max_refetch: How many frames after a broken one are tried in training before the error is raised.
        kwargs: Those of :class:`mmengine.dataset.BaseDataset`.

    A frame that cannot be read is logged and replaced by the next one in training; in evaluation it raises.
    Random choices of the pipeline follow (seed, epoch, frame index): transforms draw from ``results['rng']``.
    """

    CAMERAS = ()
    #: How the data set's own code turns a projected point into a pixel: 'truncate' or 'round'.
    ROUNDING = 'truncate'
    #: Farthest depth in metres that its evaluation protocols look at.
    MAX_DEPTH = 200.0
    #: Whether ``ann_file`` names a folder rather than a file.
    INDEX_IS_FOLDER = False

    def __init__(
        self,
        *args,
        cameras: Sequence = None,
        self_occlusion: dict = None,
        labelled_fraction: float = 1.0,
        only_labelled: bool = False,
        rounding: str = None,
        max_depth: float = None,
        max_refetch: int = 20,
        **kwargs,
    ):
        if isinstance(cameras, str):
            raise ValueError(f'cameras must be a list of names, found {cameras!r}')
        own = dict(max_depth='max_depth=', rounding='rounding=', cam_names='cameras=')
        for name in own.keys() & dict(kwargs.get('metainfo') or {}).keys():
            raise ValueError(f'{type(self).__name__}: metainfo has no say in {name}: it is set by {own[name]}')
        self.cameras = list(cameras or self.CAMERAS)
        if len(set(self.cameras)) != len(self.cameras):
            raise ValueError(f'cameras are named twice: {self.cameras}')
        if not 0 <= labelled_fraction <= 1:
            raise ValueError(f'labelled_fraction must be in [0, 1], found {labelled_fraction}')
        self.ROUNDING, self.MAX_DEPTH = rounding or self.ROUNDING, max_depth or self.MAX_DEPTH
        if self.ROUNDING not in ROUNDINGS or not self.MAX_DEPTH > 0:
            raise ValueError(
                f'rounding must be of {ROUNDINGS} and max_depth positive (metres), found {rounding!r} and {max_depth}'
            )
        self.labelled_fraction, self.only_labelled = labelled_fraction, only_labelled
        self.self_occlusion = self_occlusion and check_self_occlusion(**self_occlusion)
        # In shared memory: workers that outlive an epoch see it change. (-1: nobody set it, draw fresh entropy.)
        self._seed_and_epoch = torch.full((2,), -1, dtype=torch.int64).share_memory_()
        super().__init__(*args, max_refetch=max_refetch, **kwargs)

    @property
    def metainfo(self):
        """``dataset``, ``cam_names``, ``max_depth`` (metres) and ``rounding`` beside what the configuration gave.

        Where the pipeline rectifies, ``cam_names`` are those of the virtual cameras, and ``views_of`` are the cameras in whose
        place views of stated directions and sizes stand.
        """
        meta = dict(super().metainfo, cam_names=self.cameras, max_depth=self.MAX_DEPTH, rounding=self.ROUNDING)
        if self.rectification:
            meta['cam_names'] = self.rectification.names(self.cameras)
            if self.rectification.views:
                meta['views_of'] = sorted(self.rectification.views)
        return meta

    @property
    def rectification(self) -> RectifyViews:
        """The :class:`fsmde.datasets.RectifyViews` of the pipeline, None where it has none."""
        return next((t for t in self.pipeline.transforms if isinstance(t, RectifyViews)), None)

    def _rig(self, info, sizes):
        """The :class:`RectifiedRig` of a frame: its own cameras where the pipeline does not rectify."""
        if self.rectification is None:
            refuse_lenses(info, f'the pipeline of {type(self).__name__}')
        return (self.rectification or RectifyViews()).rig(info, sizes)

    def full_init(self):
        """Load and check the index; an absent root or index is reported with the setting that names it.

        Raises:
            ValueError: See :func:`fsmde.datasets.index_checks.check_index` and, in training, ``check_ground_truth``.
        """
        if self._fully_initialized:
            return
        if self.data_root and not osp.isdir(self.data_root):
            raise FileNotFoundError(
                f'{type(self).__name__}: data_root={self.data_root!r} is no directory; pass --data-root'
            )
        if not (osp.isdir if self.INDEX_IS_FOLDER else osp.isfile)(self.ann_file):
            raise FileNotFoundError(
                f'{type(self).__name__}: no index {self.ann_file!r}; data_root or ann_file is wrong'
            )
        super().full_init()
        if not self.test_mode:
            check_ground_truth(self)

    def filter_data(self) -> list:
        """Check all entries, mark those that have labels, and replace the others if they are not wanted."""
        check_index(self.data_list, self.cameras)
        if self.pipeline.transforms and self.rectification is None:
            for info in self.data_list:
                refuse_lenses(dict(info, cam_names=self.cameras), f'the pipeline of {type(self).__name__}')
        return with_labels(self.data_list, self.labelled_fraction, self.only_labelled, self.ann_file)

    def set_epoch(self, seed: int, epoch: int) -> None:
        """Fix the random choices of all frames until the next call, in this process and in its loader's workers."""
        self._seed_and_epoch[:] = torch.tensor([seed, epoch])

    @force_full_init
    def get_data_info(self, idx: int) -> dict:
        """The index entry of a frame with its cameras, masks' paths and random generator, before the pipeline."""
        info = super().get_data_info(idx)
        seed, epoch = self._seed_and_epoch.tolist()
        info.update(
            source=self.source,
            cam_names=list(self.cameras),
            rounding=self.ROUNDING,
            rng=np.random.default_rng(None if seed < 0 else [seed, epoch, info['sample_idx']]),
        )
        if self.self_occlusion:
            root = osp.join(self.data_root, self.self_occlusion['root'])
            template = self.self_occlusion['template']
            info['mask_path'] = [osp.join(root, template.format(scene=info['scene'], camera=c)) for c in self.cameras]
            info['mask_valid_value'] = self.self_occlusion['valid']
        return info

    @cached_property
    def source(self) -> str:
        """What tells its frames from those of a data set beside it in a ConcatDataset, where indices restart."""
        names = '\n'.join(super(SurroundDepthDataset, self).get_data_info(i)['frame_id'] for i in range(len(self)))
        return f'{osp.join(self.data_root, self.ann_file)} {zlib.crc32(names.encode()):08x}'

    def __getitem__(self, idx: int) -> dict:
        if self.test_mode:
            return super().__getitem__(idx)
        if not self._fully_initialized:
            self.full_init()
        if idx >= len(self):
            raise IndexError(f'frame {idx} of {len(self)}')
        for attempt in range(self.max_refetch + 1):
            frame = (idx + attempt) % len(self)
            try:
                data = self.prepare_data(frame)
                if data is not None:
                    return data
                error = ValueError('its pipeline returned None')
            except Exception as exception:  # Whatever is broken in one frame must not end a week's training.
                error = exception
            info = super().get_data_info(frame)
            MMLogger.get_current_instance().warning(
                f'frame {info["frame_id"]} is left out and replaced by the next one: {type(error).__name__}: {error}'
            )
        MMLogger.get_current_instance().error(
            f'{self.max_refetch + 1} frames in a row could not be read: is the pipeline or the data set as a whole wrong?'
        )
        # As it came: what it says of file or setting is what the user has to mend, and its trace leads to whose fault it is.
        raise error

    def load_cloud(self, info: dict) -> np.ndarray:
        """(P, 3) LiDAR points of a frame in metres, in the LiDAR's frame; none of a frame without LiDAR."""
        if info['lidar_path'] is None:
            return np.empty((0, 3))
        return load_frame_points(info)

    def visible_masks(self, idx: int) -> list:
        """N :class:`fsmde.structures.PackedMask` of a frame at its images' original size, None without masks.

        Where the pipeline rectifies they are of the virtual cameras.
        """
        info = self.get_data_info(idx)
        if 'mask_path' not in info:
            return None
        sizes = [image_size(path) for path in info['img_path']]
        masks = self._rig(info, sizes).masks(self.load_masks(info, sizes))
        return [PackedMask.pack(mask) for mask in masks]

    def load_masks(self, info: dict, sizes) -> list:
        """N (H, W) bool of a frame's original images, False where the car itself is seen.

        Args:
            info: See :meth:`get_data_info`.
            sizes: N (height, width).
        """
        if 'mask_path' not in info:
            return [all_visible(size) for size in sizes]
        value = info['mask_valid_value']
        return [load_visible(path, value, size) for path, size in zip(info['mask_path'], sizes)]

    def lidar_pixels(self, idx: int, rounding: str = None):
        """LiDAR of a frame in its images at their original size, or in its rectified views at theirs.

        Args:
            rounding: See :func:`fsmde.rig.project_points`; the data set's own rule by default.

        Returns:
            tuple: :class:`fsmde.rig.PixelPoints`, (P,) bool whether each pixel shows the world rather than the car
            itself, and (N, 2) the images' heights and widths. Empty for a frame without LiDAR.

        Raises:
            FileNotFoundError, ValueError: If a file cannot be read, an image has another size than the index states, or a
                camera with a lens is not rectified.
        """
        info = self.get_data_info(idx)
        sizes = [image_size(path) for path in info['img_path']]
        check_sizes(info, sizes)
        points = self.load_cloud(info)
        rig, masks = self._rig(info, sizes), self.load_masks(info, sizes)
        pixels, visible = rig.lidar_pixels(
            points, rig.calibration(info)['lidar2cam'], masks, rounding or self.ROUNDING
        )
        return pixels, visible, rig.sizes
