"""The same table whatever the batch size, the number of ranks, the order and the padding."""

import os
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from processes import PATIENCE

from fsmde.evaluation import SurroundDepthMetric

from .frames import META, random_frame

WORKER = """
import sys, pickle
sys.path.insert(0, {tests!r})
import torch.distributed as dist
from test_evaluation.test_exactness import evaluate, frames
rank, world = map(int, sys.argv[1:3])
dist.init_process_group('gloo', init_method='file://' + sys.argv[3], rank=rank, world_size=world)
indices = list(range(11))
indices += indices[: -len(indices) % world]  # as mmengine's sampler fills up
results = [evaluate(frames(), indices[rank::world], batch) for batch in (1, 3)]
pickle.dump(results, open(sys.argv[4] + str(rank), 'wb'))
"""


def frames():
    made = []
    for index in range(11):
        # Two frames at a time have one cloud and pose, so that flicker finds points to compare.
        sample = random_frame(index // 2, index, 'ab'[index > 5], num_points=120, tags=['night'][index % 2 :])
        pred = sample['pred_depth'] * (1 + index / 50)
        made.append(dict(sample, pred_depth=pred, ori_cam2world=sample['cam2ego']))
    return made


def evaluate(samples, indices, batch, **kwargs):
    kwargs = dict(dict(protocol=['fsmde', 'surrounddepth', 'vfdepth']), **kwargs)
    metric = SurroundDepthMetric(consistency=('occlusion_tested', 'cylinderdepth'), flicker=True, **kwargs)
    metric.dataset_meta = META
    for start in range(0, len(indices), batch):
        metric.process(None, [samples[index] for index in indices[start : start + batch]])
    short = metric.evaluate(len(samples))
    # The commit may change while the tests run.
    return {key: value for key, value in (metric.results_dict or {}).items() if key != 'versions'}, short


def same(a, b):
    # NaN is not equal to itself: compare what would be written.
    return repr(a) == repr(b)


@pytest.fixture(scope='module')
def expected():
    tables, short = evaluate(frames(), list(range(11)), 1)
    assert tables['flicker']['frames'] == 9 and tables['flicker']['overall']['points'] > 100
    return tables, short


@pytest.mark.parametrize('batch', [3, 11])
def test_batches_leave_no_trace(expected, batch):
    assert same(evaluate(frames(), list(range(11)), batch), expected)


def test_order_and_repeated_frames_leave_no_trace(expected):
    assert same(evaluate(frames(), [*reversed(range(11)), 3, 3, 0], 2), expected)


def test_two_ranks_equal_one(expected, tmp_path):
    code = WORKER.format(tests=os.path.dirname(os.path.dirname(__file__)))
    arguments = ['2', str(tmp_path / 'store'), str(tmp_path / 'results')]
    command = [sys.executable, '-W', 'ignore', '-c', code]
    ranks = [subprocess.Popen([*command, str(rank), *arguments], cwd=tmp_path) for rank in range(2)]
    assert [rank.wait(PATIENCE) for rank in ranks] == [0, 0]
    for rank in range(2):
        for tables, short in pickle.loads((tmp_path / f'results{rank}').read_bytes()):
            assert same(short, expected[1])
            assert same(tables, expected[0] if rank == 0 else {})


def test_memory_does_not_grow_beyond_the_rows():
    metric = SurroundDepthMetric(protocol=['fsmde', 'vfdepth'], consistency=())
    metric.dataset_meta = META
    sample = random_frame(0, num_points=400)
    sizes = []
    tracemalloc.start()
    for index in range(500):
        metric.process(None, [dict(sample, sample_idx=index, frame_id=f'a/{index}')])
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
