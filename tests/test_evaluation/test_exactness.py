"""The same table whatever the batch size, the number of ranks, the order and the padding."""

import os
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from fsmde.evaluation import SurroundDepthMetric

from .frames import META, random_frame

WORKER = """
import sys, pickle
sys.path.insert(0, {tests!r})
import torch.distributed as dist
from test_evaluation.test_exactness import evaluate, frames
rank, world, batch = map(int, sys.argv[1:4])
dist.init_process_group('gloo', init_method='file://' + sys.argv[4], rank=rank, world_size=world)
indices = list(range(11))
indices += indices[: -len(indices) % world]  # as mmengine's sampler fills up
results, short = evaluate(frames(), indices[rank::world], batch)
if rank == 0:
    pickle.dump((results, short), open(sys.argv[5], 'wb'))
"""


def frames():
    return [random_frame(seed, scene='ab'[seed > 5], num_points=120, tags=['night'][seed % 2 :]) for seed in range(11)]


def evaluate(samples, indices, batch, **kwargs):
    kwargs = dict(dict(protocol=['fsmde', 'surrounddepth', 'vfdepth']), **kwargs)
    metric = SurroundDepthMetric(consistency=('occlusion_tested', 'cylinderdepth'), **kwargs)
    metric.dataset_meta = META
    for start in range(0, len(indices), batch):
        metric.process(None, [samples[index] for index in indices[start : start + batch]])
    short = metric.evaluate(len(samples))
    # The commit may change while the tests run.
    return {key: value for key, value in metric.results_dict.items() if key != 'versions'}, short


def same(a, b):
    # NaN is not equal to itself: compare what would be written.
    return repr(a) == repr(b)


@pytest.fixture(scope='module')
def expected():
    return evaluate(frames(), list(range(11)), 1)


@pytest.mark.parametrize('batch', [3, 11])
def test_batches_leave_no_trace(expected, batch):
    assert same(evaluate(frames(), list(range(11)), batch), expected)


def test_order_and_repeated_frames_leave_no_trace(expected):
    assert same(evaluate(frames(), [*reversed(range(11)), 3, 3, 0], 2), expected)


@pytest.mark.parametrize(('world', 'batch'), [(2, 1), (2, 3)])
def test_two_ranks_equal_one(expected, world, batch, tmp_path):
    code = WORKER.format(tests=os.path.dirname(os.path.dirname(__file__)))
    out = tmp_path / 'results.pkl'
    arguments = [str(world), str(batch), str(tmp_path / 'store'), str(out)]
    ranks = [
        subprocess.Popen([sys.executable, '-W', 'ignore', '-c', code, str(rank), *arguments], cwd=tmp_path)
        for rank in range(world)
    ]
    assert [rank.wait(100) for rank in ranks] == [0, 0]
    assert same(pickle.loads(out.read_bytes()), expected)


def test_memory_does_not_grow_beyond_the_rows():
    metric = SurroundDepthMetric(protocol=['fsmde', 'vfdepth'], consistency=())
    metric.dataset_meta = META
    sample = random_frame(0, num_points=400)
    sizes = []
    tracemalloc.start()
    for index in range(500):
        metric.process(None, [dict(sample, sample_idx=index)])
        if index in (99, 299, 499):
            rows = sum(row.sums[name].nbytes for row in metric.results for name in row.sums)
            sizes.append(tracemalloc.get_traced_memory()[0] - rows)
    tracemalloc.stop()
    # Beside its sums a row keeps names and containers, some kB; a frame's pixels would be 15.
    assert (sizes[2] - sizes[0]) / 400 < 4000
    metric.evaluate(500)
    assert metric.results_dict['protocols']['vfdepth']['frames'] == 500


def test_tags_are_broken_down(expected):
    figures = expected[0]['protocols']['fsmde']['modes']['metric']
    night, _ = evaluate(frames()[::2], list(range(6)), 1)
    assert figures['tags']['night'] == night['protocols']['fsmde']['modes']['metric']['overall']
    assert np.isfinite(figures['tags']['night']['all']['abs_rel'])
