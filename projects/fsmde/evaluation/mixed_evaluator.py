"""Evaluation of several data sets in one loop, each by itself."""

import math

from mmdet3d.registry import EVALUATOR
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger


@EVALUATOR.register_module()
class MixedEvaluator(Evaluator):
    """Metrics of each data set of a :class:`fsmde.datasets.MixedSurroundDataset`, and their means.

    A frame belongs to the data set whose ``source`` it carries. Figures are called ``<name>/<figure>``, such as
    ``ddad/depth/abs_rel``. ``<figure>`` alone, such as ``depth/abs_rel``, is the mean over the data sets, each counted
    once, of a figure that all of them have: for choosing a checkpoint, not for a table.

    Args:
        metrics: ``{name: config of a metric or a list of them}``, with the data set's names.

    Raises:
        ValueError: If the data set is no mixed one, has other names, or two of its parts hold the same frames, so that
            nothing would tell whose a frame is.

    Example:
        >>> val_evaluator = dict(
        >>>     type=MixedEvaluator, metrics=dict(ddad=dict(type=SurroundDepthMetric), mine=dict(type=SurroundDepthMetric))
        >>> )
    """

    def __init__(self, metrics: dict):
        if not isinstance(metrics, dict) or 'type' in metrics:
            raise ValueError(f'MixedEvaluator: metrics must be {{name of a data set: metric}}, found {metrics!r}')
        self.parts = {name: Evaluator(of_part) for name, of_part in metrics.items()}
        super().__init__([metric for part in self.parts.values() for metric in part.metrics])
        for name, part in self.parts.items():
            for metric in part.metrics:
                metric.prefix = f'{name}/{metric.prefix}' if metric.prefix else name
        self._names = {}

    @property
    def dataset_meta(self) -> dict:
        """``metainfo`` of the data set; setting it tells each part its own."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, meta: dict) -> None:
        found = list((meta or {}).get('parts', ()))
        if sorted(found) != sorted(self.parts):
            raise ValueError(
                f'MixedEvaluator has metrics for {list(self.parts)}, the data set holds {found or "no named parts"}: the '
                'names of a MixedSurroundDataset and those of its metrics must be the same'
            )
        self._dataset_meta = meta
        self._names = {part['source']: name for name, part in meta['parts'].items()}
        if len(self._names) < len(found):
            raise ValueError(f'two of the data sets {found} hold the same frames: evaluate them in calls of their own')
        for name, part in self.parts.items():
            part.dataset_meta = meta['parts'][name]

    def process(self, data_samples, data_batch=None) -> None:
        """Hand each frame to the metrics of its data set."""
        for sample in data_samples:
            source = sample['source'] if isinstance(sample, dict) else sample.source
            self.parts[self._names[source]].process([sample])

    def evaluate(self, size: int) -> dict:
        """Figures of each data set, and the means; ``size`` is not needed."""
        figures = {}
        for name, part in self.parts.items():
            MMLogger.get_current_instance().info(f'Data set {name}:')
            figures[name] = part.evaluate(self.dataset_meta['parts'][name]['frames'])
        found = {key: value for of_part in figures.values() for key, value in of_part.items()}
        for key in self._common({name: list(of_part) for name, of_part in figures.items()}):
            found[key] = math.fsum(of_part[f'{name}/{key}'] for name, of_part in figures.items()) / len(figures)
        return found

    def names_of_figures(self) -> list:
        """Keys of what :meth:`evaluate` returns, before anything is evaluated.

        Raises:
            AttributeError: If a metric does not know them.
        """
        names = {
            name: [key for metric in part.metrics for key in metric.names_of_figures(part.dataset_meta)]
            for name, part in self.parts.items()
        }
        return [key for keys in names.values() for key in keys] + self._common(names)

    @staticmethod
    def _common(names):
        """What is called ``<name>/<key>`` in each part."""
        keys = [[key.removeprefix(f'{name}/') for key in of_part] for name, of_part in names.items()]
        return [key for key in keys[0] if all(key in others for others in keys)]
