"""Any trained estimator of this project as a teacher."""

import copy
import os

import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from torch import Tensor

from .base import DepthTeacher


@MODELS.register_module()
class EstimatorTeacher(DepthTeacher):
    """A trained :class:`~fsmde.models.estimators.BinDepthEstimator` as a teacher.

    A distilled estimator teaches as the plain student it is: its own teacher is not built.

    Args:
        config: Path of the config it was trained with, or the Config.
        checkpoint: Path of its checkpoint.
        space: ``'depth_metric'``; or ``'depth_scale_invariant'`` to trust its shapes and not its scale, as for one that
            was trained on other rigs; or ``'disparity_affine_invariant'`` to be read as Depth Anything is: its answers
            are then 1 / depth.
        feature_size: See :class:`DepthTeacher`.

    Raises:
        FileNotFoundError: If the config or the checkpoint is not there.
        ValueError: If the config has no model, or the checkpoint is not of that model.
    """

    def __init__(self, config, checkpoint: str, space: str = 'depth_metric', feature_size: tuple = None):
        for path in (config, checkpoint):
            if isinstance(path, (str, os.PathLike)) and not os.path.isfile(path):
                raise FileNotFoundError(
                    f'no such file: {path}. EstimatorTeacher needs the config an estimator was trained with and its '
                    'checkpoint, both as tools/train.py leaves them in its work directory'
                )
        name = config if isinstance(config, (str, os.PathLike)) else 'the given config'
        config = config if isinstance(config, Config) else Config.fromfile(config)
        if 'model' not in config:
            raise ValueError(f'{name} has no model: expected the config an estimator was trained with')
        model = copy.deepcopy(config.model)
        if model.pop('teacher', None) is not None:
            model.pop('distillers', None)
            model.type = 'BinDepthEstimator'
        # A student with a teacher starts from the same weights as one without.
        with torch.random.fork_rng(devices=[]):
            network = MODELS.build(model)
        _load(network, checkpoint, name)
        super().__init__(network, space, network.neck.out_channels, feature_size)
        # What no weight tells, such as the focal reference and the range of the bins.
        self.settings = str({key: model[key] for key in ('neck', 'head', 'data_preprocessor') if key in model})

    def identity(self) -> dict:
        """See :meth:`DepthTeacher.identity`."""
        return dict(super().identity(), settings=self.settings)

    def predict(self, images: Tensor, cam2img: Tensor) -> tuple:
        """See :meth:`DepthTeacher.predict`."""
        output = self.network.extract(self.network.data_preprocessor.normalize(images), cam2img)
        disparity = self.space.startswith('disparity')
        return 1 / output.depth if disparity else output.depth, output.features


def _load(network, checkpoint, config_name):
    state = torch.load(checkpoint, map_location='cpu', weights_only=True)
    try:
        network.load_state_dict(state.get('state_dict', state))
    except RuntimeError as error:
        raise ValueError(
            f'{checkpoint} does not fit the model in {config_name}; give the config it was trained with. {error}'
        ) from error
