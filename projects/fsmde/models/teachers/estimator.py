"""Any trained estimator of this project as a teacher."""

import os

from mmdet3d.registry import MODELS
from torch import Tensor

from fsmde.structures import METRIC

from .base import DepthTeacher
from .licence import joined
from .zoo import licence_of, short_name


@MODELS.register_module()
class EstimatorTeacher(DepthTeacher):
    """A trained :class:`~fsmde.models.estimators.BinDepthEstimator` as a teacher.

    A distilled estimator teaches as the plain student it is: its own teacher is not built.

    Args:
        config: Path of the config it was trained with, or the Config; or the folder or hub name of a published model.
        checkpoint: Path of its checkpoint; None for a published model.
        space: By default what the published model or the config's loss says, ``'depth_metric'`` of most;
            ``'depth_scale_invariant'`` to trust its shapes and not its scale, as for one that was trained on other rigs, and
            ``'depth_scale_invariant_multi_view'`` of an :class:`~fsmde.models.AnyViewDepthEstimator`; or
            ``'disparity_affine_invariant'`` to be read as Depth Anything is: its answers are then 1 / depth.
        feature_size: See :class:`DepthTeacher`.
        licence: Of the weights; by default what is known of them and of the teacher that they were distilled from.

    Raises:
        FileNotFoundError, ValueError: See :func:`fsmde.apis.load_model`.
    """

    def __init__(
        self,
        config,
        checkpoint: str = None,
        space: str = None,
        feature_size: tuple = None,
        licence: str = None,
    ):
        # The inferencer's package knows all others; this is the one way from files to a student.
        from fsmde.apis.load_model import load_model

        network = load_model(config, checkpoint, 'cpu')
        origin = network.description.get('origin', {})
        # A model that was published before there was such a field has it on its card.
        own = origin.get('licence') or licence_of(config)
        teacher = origin.get('teacher')
        # Weights that were trained here are nobody else's: only their teacher's licence can bind.
        parts = [own] if own or checkpoint is None else []
        licence = licence or joined([*parts, *([teacher.get('licence')] if teacher else [])])
        space = space or network.description.get('space', METRIC)
        super().__init__(network, space, network.neck.out_channels, feature_size, licence)
        path = str(getattr(config, 'filename', config))
        self._name = os.path.splitext(short_name(path))[0] if path.endswith('.py') else short_name(path)
        self.reads = ('cam2ego',) if network.reads_poses else ()
        # What no weight tells, such as the focal reference and the range of the bins.
        model = network.description['model']
        self.settings = str(
            {key: model[key] for key in ('neck', 'head', 'data_preprocessor', 'views') if key in model}
        )

    @property
    def name(self) -> str:
        """Of its config, or of the published model."""
        return self._name

    def identity(self) -> dict:
        """See :meth:`DepthTeacher.identity`."""
        return dict(super().identity(), settings=self.settings)

    def predict(self, images: Tensor, cam2img: Tensor, **views) -> tuple:
        """See :meth:`DepthTeacher.predict`."""
        output = self.network.extract(self.network.data_preprocessor.normalize(images), cam2img, **views)
        disparity = self.space.startswith('disparity')
        return 1 / output.depth if disparity else output.depth, output.features
