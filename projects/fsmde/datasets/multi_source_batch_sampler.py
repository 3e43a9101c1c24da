"""Batches that hold frames of several data sets."""

from mmengine.dataset import DefaultSampler
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import BatchSampler


@DATA_SAMPLERS.register_module()
class MultiSourceBatchSampler(BatchSampler):
    """Every batch has equally many frames of each data set of a ``ConcatDataset``; an epoch ends with the shortest.

    For students that learn from labelled and unlabelled frames: without labels in a batch, its step would follow a
    teacher alone. mmdet's ``MultiSourceSampler`` never ends, which is for loops that count iterations and not epochs.
    The order within a data set is that of a ``DefaultSampler`` of its own with the same seed.

    Args:
        sampler: A ``DefaultSampler`` of the ``ConcatDataset``; its ``seed``, ``shuffle`` and ``epoch`` are used.
        batch_size: Frames in a batch, a multiple of the number of data sets.

    Raises:
        ValueError: If the data set is not concatenated, or the batch cannot be divided.
    """

    def __init__(self, sampler: DefaultSampler, batch_size: int):
        datasets = getattr(sampler.dataset, 'datasets', None)
        if not datasets:
            raise ValueError(
                f'MultiSourceBatchSampler: the data set must be a ConcatDataset, found {type(sampler.dataset).__name__}'
            )
        if batch_size < 1 or batch_size % len(datasets):
            raise ValueError(
                f'MultiSourceBatchSampler: batch_size must be a multiple of the {len(datasets)} data sets, '
                f'found {batch_size}'
            )
        super().__init__(sampler, batch_size, drop_last=True)
        self.sources = [DefaultSampler(frames, sampler.shuffle, sampler.seed) for frames in datasets]
        self.share = batch_size // len(datasets)
        self.starts = [0, *sampler.dataset.cumulative_sizes[:-1]]

    def __iter__(self):
        orders = []
        for source, start in zip(self.sources, self.starts):
            source.set_epoch(self.sampler.epoch)
            orders.append([start + index for index in source])
        for first in range(0, len(self) * self.share, self.share):
            yield [index for order in orders for index in order[first : first + self.share]]

    def __len__(self) -> int:
        return min(map(len, self.sources)) // self.share
