import pytest
from mmengine.dataset import DefaultSampler
from mmengine.runner import Runner
from torch.utils.data import ConcatDataset

from fsmde.datasets import MultiSourceBatchSampler


def loader_of(sizes, batch_size=4):
    frames = ConcatDataset([range(100 * i, 100 * i + size) for i, size in enumerate(sizes)])
    return Runner.build_dataloader(
        dict(
            dataset=frames,
            batch_size=batch_size,
            num_workers=0,
            sampler=dict(type=DefaultSampler, shuffle=True),
            batch_sampler=dict(type=MultiSourceBatchSampler),
            collate_fn=dict(type='default_collate'),
        ),
        seed=3,
    )


def test_every_batch_has_frames_of_both():
    loader = loader_of([5, 9])
    batches = [batch.tolist() for batch in loader]
    # The shorter one has five frames, two a batch.
    assert len(loader) == len(batches) == 2
    assert all(max(batch[:2]) < 100 <= min(batch[2:]) for batch in batches)
    seen = sum(batches, [])
    assert len(set(seen)) == len(seen)


def test_order_is_the_one_without_a_second_source_and_changes_with_the_epoch():
    loader = loader_of([8, 8])
    alone = DefaultSampler(range(8), shuffle=True, seed=3)
    orders = []
    for epoch in (0, 1):
        loader.batch_sampler.sampler.set_epoch(epoch)
        alone.set_epoch(epoch)
        orders.append([index for batch in loader for index in batch[:2].tolist()])
        assert orders[-1] == list(alone)
    assert orders[0] != orders[1]


def test_what_cannot_be_divided():
    with pytest.raises(ValueError, match='multiple of the 2 data sets, found 3'):
        loader_of([4, 4], batch_size=3)
    with pytest.raises(ValueError, match='must be a ConcatDataset, found range'):
        MultiSourceBatchSampler(DefaultSampler(range(4)), 2)


def grouped_batches(sizes, monkeypatch, rank=0, world=1, epoch=0, seed=3, batch_size=2, **kwargs):
    """Batches of an epoch of a rank, where every group is one data set and frames of the n-th are 100 n and more."""
    monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: (rank, world))
    frames = ConcatDataset([range(size) for size in sizes])
    sampler = DefaultSampler(frames, shuffle=True, seed=seed)
    groups = kwargs.pop('groups', [[n] for n in range(len(sizes))])
    batches = MultiSourceBatchSampler(sampler, batch_size, groups=groups, **kwargs)
    sampler.set_epoch(epoch)
    starts = [0, *frames.cumulative_sizes]
    which = lambda index: next(n for n in range(len(sizes)) if index < starts[n + 1])
    found = [[100 * which(index) + index - starts[which(index)] for index in batch] for batch in batches]
    assert len(found) == len(batches)
    return found


def test_batches_of_one_data_set_each_in_proportion_to_frames(monkeypatch):
    batches = grouped_batches([4, 8, 21], monkeypatch)
    assert all(len({frame // 100 for frame in batch}) == 1 for batch in batches)
    counts = [sum(batch[0] // 100 == n for batch in batches) for n in range(3)]
    assert counts == [2, 4, 10]  # The last of 21 frames has no partner.
    seen = sum(batches, [])
    assert len(set(seen)) == len(seen) == 32
    order = [batch[0] // 100 for batch in batches]
    assert order != sorted(order) and order != [b[0] // 100 for b in grouped_batches([4, 8, 21], monkeypatch, epoch=1)]
    assert batches == grouped_batches([4, 8, 21], monkeypatch)
    assert batches != grouped_batches([4, 8, 21], monkeypatch, seed=4)


def test_shares_divide_the_same_number_of_batches(monkeypatch):
    """4 + 20 frames make twelve batches, of which each gives six: four frames are seen three times each."""
    batches = grouped_batches([4, 20], monkeypatch, shares=[1, 1])
    small = [frame for batch in batches for frame in batch if frame < 100]
    large = [frame for batch in batches for frame in batch if frame >= 100]
    assert len(batches) == 12 and len(small) == len(large) == 12
    assert all(small.count(frame) == 3 for frame in range(4)) and len(set(large)) == 12
    passes = [tuple(small[i : i + 4]) for i in (0, 4, 8)]
    assert len(set(passes)) > 1
    others = grouped_batches([4, 20], monkeypatch, shares=[1, 1], epoch=1)
    assert set(large) != {frame for batch in others for frame in batch if frame >= 100}
    # 24 batches, 24 / 7 = 3.43, 6.86 and 13.71: the two largest remainders are rounded up.
    counts = [
        sum(batch[0] // 100 == n for batch in grouped_batches([16, 16, 16], monkeypatch, shares=[1, 2, 4]))
        for n in range(3)
    ]
    assert counts == [3, 7, 14]


def test_ranks_have_the_same_data_set_at_the_same_step_and_other_frames(monkeypatch):
    first, second = (grouped_batches([8, 13, 30], monkeypatch, rank, 2, shares=[1, 1, 2]) for rank in (0, 1))
    assert len(first) == len(second) == 12  # 2 + 3 + 7 batches of two frames on each of two ranks.
    assert [batch[0] // 100 for batch in first] == [batch[0] // 100 for batch in second]
    # Of the largest nothing repeats: 6 batches of two frames on each rank.
    seen = [frame for batch in first + second for frame in batch if frame >= 200]
    assert len(seen) == len(set(seen)) == 24


def test_a_group_of_two_beside_a_group_of_one(monkeypatch):
    batches = grouped_batches([6, 10, 8], monkeypatch, groups=[[0, 2], [1]])
    kinds = [tuple(frame // 100 for frame in batch) for batch in batches]
    assert sorted(kinds) == [(0, 2)] * 6 + [(1, 1)] * 5


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(groups=[[0], [0]]), r'groups must name each of \[0, 1\] once, found \[\[0\], \[0\]\]'),
        (dict(groups=[[0]]), 'groups must name each'),
        (dict(shares=[1]), 'shares must be a positive number for each of the groups'),
        (dict(shares=[1, -1]), 'shares must be a positive number'),
        (dict(shares=[1, 1000]), r'an epoch has 8 batches, of which the shares \[1, 1000\] leave none for \[0\]'),
        (dict(sizes=[1, 8]), 'a batch takes 2 frames of data set 0, which gives 1 to each process'),
    ],
)
def test_groups_and_shares_that_do_not_fit(monkeypatch, options, message):
    with pytest.raises(ValueError, match=message):
        grouped_batches(options.pop('sizes', [8, 8]), monkeypatch, **options)
