"""Real-time, metric, full-surround depth for MMDetection3D, distilled from depth foundation models.

Importing the package registers its modules in mmdet3d's registries and allows torch's weights-only loader the few
classes that mmengine's checkpoints hold (see :mod:`fsmde.weight_files`), makes mmengine's ``Pretrained`` refuse weights of
another network and its checkpoints of local files weights-only (see :mod:`fsmde.engine.checkpoint`), and puts a stand-in
where mmcv has no compiled ops (see :mod:`fsmde.mmcv_ops`). It does nothing else.
"""

from . import mmcv_ops  # isort: skip
from . import datasets, engine, evaluation, models, visualization
from .version import __version__

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'mmcv_ops', 'models', 'visualization']
