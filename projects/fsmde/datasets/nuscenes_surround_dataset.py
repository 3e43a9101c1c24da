"""nuScenes, read from mmdet3d's v2 infos as they are."""

from mmdet3d.registry import DATASETS

from .infos_surround_dataset import InfosSurroundDataset


@DATASETS.register_module()
class NuScenesSurroundDataset(InfosSurroundDataset):
    """Key frames of nuScenes (Caesar et al., CVPR 2020) with depth from the single key-frame sweep.

    ``scene`` is the log that a frame was cut from, since the infos do not name scenes; ``frame_id`` is the sample's token.
    What is recorded between key frames: :class:`NuScenesSweepDataset`.

    Args:
        ann_file, data_prefix, kwargs: See :class:`InfosSurroundDataset`.
    """

    METAINFO = dict(dataset='nuscenes')
    CAMERAS = ('CAM_FRONT', 'CAM_FRONT_LEFT', 'CAM_BACK_LEFT', 'CAM_BACK', 'CAM_BACK_RIGHT', 'CAM_FRONT_RIGHT')
    ROUNDING = 'round'
    MAX_DEPTH = 80.0
    #: (height, width) of all images; mmdet3d's infos state none.
    IMAGE_SIZE = (900, 1600)

    def __init__(self, ann_file='nuscenes_infos_train.pkl', *args, data_prefix: dict = None, **kwargs):
        data_prefix = dict(img='samples', lidar='samples/LIDAR_TOP') if data_prefix is None else data_prefix
        super().__init__(ann_file, *args, data_prefix=data_prefix, **kwargs)

    def load_data_list(self) -> list:
        """One entry a frame, in the order of the infos."""
        frames = super().load_data_list()
        for frame in frames:
            frame['stated_sizes'] = [size or self.IMAGE_SIZE for size in frame['stated_sizes']]
        return frames
