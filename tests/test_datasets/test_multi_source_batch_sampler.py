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
