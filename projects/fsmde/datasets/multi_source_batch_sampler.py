"""Batches that hold frames of several data sets, or each of one of them."""

from collections.abc import Sequence

import numpy as np
from mmengine.dataset import DefaultSampler
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import BatchSampler

#: Epochs between the orders of a data set's first and second pass within one epoch: more than any training has.
PASS = 1_000_003


@DATA_SAMPLERS.register_module()
class MultiSourceBatchSampler(BatchSampler):
    """Every batch is of one group of the data sets of a ``ConcatDataset``, with equally many frames of each in it.

    - One group of all, the default: for students that learn from labelled and unlabelled frames. Without labels in a
      batch, its step would follow a teacher alone.
    - A group for each data set: for data sets whose rigs and image sizes differ, which one batch cannot hold.

    An epoch has as many batches as the groups' own epochs together, each of which ends with its shortest data set. With
    ``shares`` the same number is divided otherwise: a data set that has to give more frames than it has begins again, in
    another order; of one that has to give fewer, each epoch takes others at random.

    In distributed training every rank has a batch of the same group at the same step, and as many batches. All orders
    follow from the sampler's seed and epoch. The order within a data set is that of a ``DefaultSampler`` of its own.
    mmdet's ``MultiSourceSampler`` never ends, which is for loops that count iterations and not epochs.

    Args:
        sampler: A ``DefaultSampler`` of the ``ConcatDataset``; its ``seed``, ``shuffle`` and ``epoch`` are used.
        batch_size: Frames in a batch (of each rank), a multiple of the number of data sets in each group.
        groups: Lists of names of a :class:`fsmde.datasets.MixedSurroundDataset`, or of places in another
            ``ConcatDataset``; each data set belongs to one.
        shares: For each group its share of an epoch's batches, up to a common factor. By default in proportion to
            frames.

    Raises:
        ValueError: If the data set is not concatenated, a data set is in no group or in two, the batch cannot be divided, a
            data set gives a batch fewer frames than it takes, or a share is not positive or too small for a single batch.
    """

    def __init__(self, sampler: DefaultSampler, batch_size: int, groups: Sequence = None, shares: Sequence = None):
        datasets = getattr(sampler.dataset, 'datasets', None)
        if not datasets:
            raise ValueError(
                f'MultiSourceBatchSampler: the data set must be a ConcatDataset, found {type(sampler.dataset).__name__}'
            )
        names = list(getattr(sampler.dataset, 'names', range(len(datasets))))
        groups = [names] if groups is None else [list(group) for group in groups]
        if sorted(map(str, sum(groups, []))) != sorted(map(str, names)):
            raise ValueError(f'MultiSourceBatchSampler: groups must name each of {names} once, found {groups}')
        for group in groups:
            if batch_size < 1 or batch_size % len(group):
                raise ValueError(
                    f'MultiSourceBatchSampler: batch_size must be a multiple of the {len(group)} data sets'
                    f'{f" in {group}" if len(groups) > 1 else ""}, found {batch_size}'
                )
        super().__init__(sampler, batch_size, drop_last=True)
        self.sources = [DefaultSampler(frames, sampler.shuffle, sampler.seed) for frames in datasets]
        self.starts = [0, *sampler.dataset.cumulative_sizes[:-1]]
        self.groups = [[names.index(name) for name in group] for group in groups]
        # By shares a data set begins again as often as it has to.
        for group in self.groups if shares is None else ():
            for n in group:
                if len(self.sources[n]) < batch_size // len(group):
                    raise ValueError(
                        f'MultiSourceBatchSampler: a batch takes {batch_size // len(group)} frames of data set {names[n]!r}, '
                        f'which gives {len(self.sources[n])} to each process: choose a smaller batch_size'
                    )
        own = [min(len(self.sources[n]) for n in group) // (batch_size // len(group)) for group in self.groups]
        self.counts = divided(sum(own), own if shares is None else shares, groups)

    def __iter__(self):
        order = np.repeat(np.arange(len(self.groups)), self.counts)
        if self.sampler.shuffle:
            np.random.default_rng([self.sampler.seed, self.sampler.epoch]).shuffle(order)
        batches = [self._batches_of(group, count) for group, count in zip(self.groups, self.counts)]
        for group in order:
            yield next(batches[group])

    def _batches_of(self, group, count):
        """The batches of a group in this epoch."""
        share = self.batch_size // len(group)
        orders = [self._frames_of(n, count * share) for n in group]
        for first in range(0, count * share, share):
            yield [index for order in orders for index in order[first : first + share]]

    def _frames_of(self, n, count):
        """So many places in the ConcatDataset of frames of its n-th data set."""
        source, found = self.sources[n], []
        source.seed = self.sampler.seed  # Of a resumed run the one in its checkpoint, which is known by now.
        for number in range(-(-count // len(source))):
            source.set_epoch(self.sampler.epoch + number * PASS)
            found += [self.starts[n] + index for index in source]
        return found[:count]

    def __len__(self) -> int:
        return sum(self.counts)


def divided(total: int, shares: Sequence, groups: Sequence) -> list:
    """``total`` batches, divided between groups by shares; what is left after rounding goes to the largest remainders."""
    if len(shares) != len(groups) or not all(share >= 0 for share in shares) or not any(shares):
        raise ValueError(
            f'MultiSourceBatchSampler: shares must be a positive number for each of the groups {groups}, found {shares}'
        )
    exact = total * np.array(shares, dtype=float) / sum(shares)
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact, kind='stable')[: total - counts.sum()]] += 1
    if not counts.all():
        raise ValueError(
            f'MultiSourceBatchSampler: an epoch has {total} batches, of which the shares {shares} leave none for '
            f'{groups[int(np.argmin(counts))]}'
        )
    return counts.tolist()
