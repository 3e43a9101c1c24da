"""Several data sets in one training or evaluation, each with a rig of its own."""

from mmdet3d.registry import DATASETS
from mmengine.dataset import ConcatDataset


@DATASETS.register_module()
class MixedSurroundDataset(ConcatDataset):
    """Data sets one behind the other, each known by a name.

    Number and names of cameras, image sizes, depth ranges and pipelines may differ, which mmengine's ConcatDataset
    refuses. Batches must hold frames of one rig: :class:`fsmde.datasets.MultiSourceBatchSampler` makes them, and
    ``batch_size=1`` in evaluation. :class:`fsmde.evaluation.MixedEvaluator` evaluates each data set by itself.

    Args:
        datasets: ``{name: config}`` of :class:`fsmde.datasets.SurroundDepthDataset`. The names are yours: a class's own
            name is inherited, as the built-in world's is DDAD's.
        lazy_init: See :class:`mmengine.dataset.ConcatDataset`.

    Raises:
        ValueError: If there is no data set, or they are not named.
    """

    def __init__(self, datasets: dict, lazy_init: bool = False):
        if not isinstance(datasets, dict) or not datasets:
            raise ValueError(f'MixedSurroundDataset: datasets must be {{name: config}}, found {datasets!r}')
        self.names = list(datasets)
        built = [DATASETS.build(one) if isinstance(one, dict) else one for one in datasets.values()]
        super().__init__(built, lazy_init, ignore_keys=list(set().union(*(one.metainfo for one in built))))

    @property
    def metainfo(self) -> dict:
        """``dataset``: the names, joined with ``+``; ``parts``: by name the metainfo of each data set, with ``frames``,
        their number, and ``source``, which its frames carry.
        """
        self.full_init()
        parts = {
            name: dict(one.metainfo, frames=len(one), source=one.source)
            for name, one in zip(self.names, self.datasets)
        }
        return dict(dataset='+'.join(self.names), parts=parts)
