"""Reading what the teacher said of a frame, instead of asking it."""

import zlib

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet3d.registry import TRANSFORMS

from fsmde.teacher_cache import open_cache

from .geometric import remember_views
from .lidar_depth import DenseDepthAsTarget


@TRANSFORMS.register_module()
class LoadTeacherAnswers(BaseTransform):
    """Read a frame's answers from a cache that ``tools/cache_teacher.py`` wrote.

    Stands where :class:`KeepTeacherViews` stands for a live teacher: behind the first resize and before the first random
    transform. Adds ``teacher_depth`` (N, h, w) float16, NaN where the teacher saw nothing, perhaps ``teacher_features``
    (N, C, h', w') float16, the folder as ``teacher_cache``, by which the model knows whose they are, and the same
    ``teacher_shape``, ``teacher_cam2img``, ``teacher_cam2ego`` and ``teacher_ori2img``. Reading happens in the loader's
    workers, and the teacher's images need not travel.

    Args:
        cache: Folder of the cache.

    Raises:
        FileNotFoundError, ValueError: See :meth:`fsmde.teacher_cache.TeacherCache.read`.
    """

    def __init__(self, cache: str):
        self.cache = open_cache(cache)

    def transform(self, results):
        views = dict(cam2ego=results['cam2ego'], lidar_points=len(results.get('lidar_points', ())))
        depth, features = self.cache.read(results['frame_id'], results['img'], results['cam2img'], **views)
        results.update(teacher_depth=depth, teacher_cache=str(self.cache.root))
        if features is not None:
            results['teacher_features'] = features
        return remember_views(results)


@TRANSFORMS.register_module()
class OracleTeacherAnswers(BaseTransform):
    """Make the answers of :class:`fsmde.models.OracleTeacher` from dense ground truth, for bounds of distillation.

    Stands where :class:`LoadTeacherAnswers` stands, behind :class:`LoadDenseDepth`. Adds ``teacher_depth`` (N, H, W)
    float32: a / depth + b, with a scale a in [1/3, 3] and a shift b in [-0.1, 0.1] of each view that only the frame's
    name decides, so that nothing metric is left in it. Where the world is seen and has no depth (the sky, and what lies
    beyond the range of the dense maps) 1 / depth is taken as 0; the car itself is NaN.
    """

    def __init__(self):
        self.look_up = DenseDepthAsTarget()

    def transform(self, results):
        if 'dense_depth' not in results:
            raise ValueError(
                f'frame {results["frame_id"]} has no dense_depth: put LoadDenseDepth before this transform'
            )
        depth = self.look_up.transform(dict(results))['gt_depth']
        disparity = np.where(depth > 0, 1 / np.maximum(depth, 1e-3), 0)
        # Not results['rng']: the augmentation stays that of the same seed without an oracle.
        rng = np.random.default_rng(zlib.crc32(results['frame_id'].encode()))
        views = (len(depth), 1, 1)
        answers = 3 ** rng.uniform(-1, 1, views) * disparity + rng.uniform(-0.1, 0.1, views)
        results['teacher_depth'] = np.where(np.stack(results['visible']), answers, np.nan).astype(np.float32)
        return remember_views(results)
