"""The frames of a config's training data as a teacher is shown them."""

from mmdet3d.registry import DATASETS

from fsmde.config_types import type_name


def build_datasets(config: dict, with_lidar: bool = False, lidar_if_there: bool = False) -> list:
    """The data sets inside a data set's config, whatever wraps them, each with the teacher's pipeline.

    Args:
        with_lidar: Whether the teacher reads LiDAR.
        lidar_if_there: Whether LiDAR is wanted of those that load it before a teacher's answers.

    Raises:
        ValueError: If a pipeline has no place for a teacher's answers, or no LiDAR before it for one that reads it.
    """
    if 'datasets' in config:
        parts = config.datasets.values() if isinstance(config.datasets, dict) else config.datasets
        return [dataset for inner in parts for dataset in build_datasets(inner, with_lidar, lidar_if_there)]
    if 'dataset' in config:
        return build_datasets(config.dataset, with_lidar, lidar_if_there)
    if lidar_if_there:
        with_lidar = 'LoadSurroundLidar' in map(type_name, config.pipeline[: _place_of_answers(config.pipeline)])
    # In test mode a frame that cannot be read is an error here, and is not replaced by another one.
    return [DATASETS.build(dict(config, pipeline=_teacher_views(config.pipeline, with_lidar), test_mode=True))]


def _teacher_views(pipeline, with_lidar):
    """The transforms that make what the teacher is shown: those before its place in a pipeline; LiDAR's if it reads them."""
    place = _place_of_answers(pipeline)
    before = pipeline[:place]
    if with_lidar:
        if 'LoadSurroundLidar' not in map(type_name, before):
            raise ValueError(f'this teacher reads LiDAR: put LoadSurroundLidar before {type_name(pipeline[place])}')
        return [*before, dict(type='mmdet3d.KeepTeacherViews', lidar=True)]
    return [transform for transform in before if type_name(transform) not in ('LoadSurroundLidar', 'SubsampleLidar')]


def _place_of_answers(pipeline):
    """Where in a pipeline a teacher is shown the views, or its answers are read."""
    for place, name in enumerate(map(type_name, pipeline)):
        if name in ('KeepTeacherViews', 'LoadTeacherAnswers'):
            return place
    raise ValueError('neither KeepTeacherViews nor LoadTeacherAnswers is in the training pipeline')


def frame_ids(datasets: list) -> list:
    """Each data set's frame_ids in its order.

    Raises:
        ValueError: If frames of two data sets have one name and are not the same frame: a cache has one answer a name.
    """
    seen, ids = {}, []
    for dataset in datasets:
        ids.append([])
        for i in range(len(dataset)):
            info = dataset.get_data_info(i)
            name, paths = info['frame_id'], info['img_path']
            if seen.setdefault(name, paths) != paths:
                raise ValueError(
                    f'frame {name} is in two data sets, as {seen[name][0]} and {paths[0]}: write a cache for each'
                )
            ids[-1].append(name)
    return ids
