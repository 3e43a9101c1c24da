"""Reading what the teacher said of a frame, instead of asking it."""

from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from fsmde.teacher_cache import TeacherCache


@TRANSFORMS.register_module()
class LoadTeacherAnswers(BaseTransform):
    """Read a frame's answers from a cache that ``tools/cache_teacher.py`` wrote.

    Stands where :class:`KeepTeacherViews` stands for a live teacher: behind the first resize and before the first random
    transform. Adds ``teacher_depth`` (N, h, w) float16, NaN where the teacher saw nothing, perhaps ``teacher_features``
    (N, C, h', w') float16, and the same ``teacher_shape``, ``teacher_cam2img`` and ``teacher_ori2img``. Reading happens
    in the loader's workers, and the teacher's images need not travel.

    Args:
        cache: Folder of the cache.

    Raises:
        FileNotFoundError, ValueError: See :meth:`fsmde.teacher_cache.TeacherCache.read`.
    """

    def __init__(self, cache: str):
        self.cache = TeacherCache(cache)

    def transform(self, results):
        depth, features = self.cache.read(results['frame_id'], results['img'], results['cam2img'])
        results['teacher_depth'] = depth
        if features is not None:
            results['teacher_features'] = features
        results['teacher_shape'] = results['img'][0].shape[:2]
        results['teacher_cam2img'] = results['cam2img'].copy()
        results['teacher_ori2img'] = results['ori2img'].copy()
        return results
