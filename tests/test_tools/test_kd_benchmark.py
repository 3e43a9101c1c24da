"""A suite of two arms and two seeds on a tiny world, from nothing to its table."""

import json
import runpy
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from fsmde.kd_benchmark.gains import Cells

ROOT = Path(__file__).parents[2]
TOOL = ROOT / 'tools/analysis_tools/kd_benchmark.py'
SUITE = """
baseline = 'sup'
_tiny = {{
    'model.backbone.base_channels': 8, 'model.neck.channels': 16, 'model.head.channels': 16,
    'train_cfg.max_epochs': 2, 'default_hooks.checkpoint.interval': 2, 'optim_wrapper.optimizer.lr': {lr},
}}
arms = [
    dict(name='sup', config='{root}/configs/benchmark/sup.py', cfg_options=_tiny),
    dict(name='dense', title='bound', config='{root}/configs/benchmark/dense.py', cfg_options=_tiny),
    dict(name='lost', config='{root}/configs/benchmark/lost.py', seeds=[0]),
]
"""


@pytest.fixture
def tool(tmp_path, tiny_world, monkeypatch, capsys):
    """Runs the tool in this process; returns what it printed and its exit code."""
    for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS'):
        monkeypatch.setenv(name, '1')
    handler = signal.getsignal(signal.SIGTERM)

    def run(*options, lr=1e-3):
        suite = tmp_path / 'toy.py'
        suite.write_text(SUITE.format(root=ROOT, lr=lr))
        folders = [
            '--data-root',
            str(tiny_world),
            '--out',
            str(tmp_path / 'out'),
            '--work-dir',
            str(tmp_path / 'work'),
        ]
        monkeypatch.setattr(sys, 'argv', [str(TOOL), '--suite', str(suite), '--jobs', '2', *folders, *options])
        code = 0
        try:
            runpy.run_path(str(TOOL), run_name='__main__')
        except SystemExit as error:
            code = error.code
        return capsys.readouterr().out, code

    yield run
    signal.signal(signal.SIGTERM, handler)


def test_from_nothing_to_the_table(tool, tmp_path):
    out = tmp_path / 'out/toy'
    printed, code = tool('--seeds', '0', '1')
    # A failing arm is reported, and the others go on.
    assert code == '2 of 6 runs failed: toy/lost seed 0, toy/lost seed 1'
    assert 'toy/lost seed 0: FAILED' in printed and 'lost.py' in printed
    records = {
        (arm, seed): json.loads((out / arm / f'seed{seed}.json').read_text()) for arm in ('sup', 'dense') for seed in (0, 1)
    }  # fmt: skip
    first = records['sup', 0]
    assert first['trained_with'] == first['versions']
    assert first['steps'] == 2 and first['threads'] == 1 and first['split'] == 'test' and first['teacher'] is None
    assert first['world']['test_scenes'] == 2 and first['versions']['torch']
    assert (out / 'sup/seed0.json').stat().st_size < 50_000
    check_cells(first)
    check_table(json.loads((out / 'table.json').read_text()), records)
    assert (out / 'gains.png').is_file() and (out / 'frame.jpg').is_file()
    assert '| bound | sup |' in (out / 'table.md').read_text()

    # Only what is missing is made, and from its checkpoint, if there is one.
    (out / 'dense/seed1.json').unlink()
    printed, code = tool('--seeds', '0', '1', '--arms', 'sup', 'dense')
    assert code == 0 and '3 of 4 runs are there already, 1 to do' in printed
    again = json.loads((out / 'dense/seed1.json').read_text())
    assert again == records['dense', 1]

    # Tables outlive checkpoints, and a picture of all arms that of those whose predictions are still there.
    table, frame = (out / 'table.md').read_text(), (out / 'frame.jpg').read_bytes()
    for lost in ('work/toy/dense', 'work'):
        shutil.rmtree(tmp_path / lost)
        printed, code = tool('--table-only')
        assert code == 0 and 'no new frame.jpg' in printed and (out / 'table.md').read_text() == table
        assert (out / 'frame.jpg').read_bytes() == frame

    # The other way round: what the baseline loses over an arm.
    printed, code = tool('--table-only', '--over', 'dense')
    over = json.loads((out / 'table_over_dense.json').read_text())['arms']
    assert code == 0 and over['sup']['baseline'] == 'dense' and not over['dense']['gains']
    gains = [json.loads((out / 'table.json').read_text())['arms']['dense']['gains'], over['sup']['gains']]
    assert gains[0]['fsmde']['mean'] * gains[1]['fsmde']['mean'] < 0
    assert (out / 'table.md').read_text() == table

    # Another config does not mix with what is there, nor does another split.
    printed, code = tool(lr=2e-3)
    assert "arm 'sup'" in code and 'now differs in optim_wrapper' in code and 'to make its runs again' in code
    printed, code = tool('--split', 'val')
    assert 'split (test there, val now)' in code


def check_cells(record):
    """Figures by scene and camera average to those of the protocols."""
    for measure, figures in [*record['protocols'].items(), ('consistency', record['consistency'])]:
        figures = figures['overall']['metric'] if measure != 'consistency' else figures
        averaged = Cells.of(record, measure).averaged(np.ones((1, 2)))[0]
        names = ['abs_rel', 'sq_rel', 'rmse', 'rmse_log'] if measure != 'consistency' else ['abs_rel']
        assert averaged[: len(names)] == pytest.approx([figures[name] for name in names], rel=1e-4)


def check_table(table, records):
    gain = table['arms']['dense']['gains']['fsmde']
    by_seed = []
    for seed in (0, 1):
        sup, dense = (records[arm, seed]['protocols']['fsmde']['overall']['metric'] for arm in ('sup', 'dense'))
        gains = [1 - dense[name] / sup[name] for name in ('abs_rel', 'sq_rel', 'rmse', 'rmse_log')]
        by_seed.append(np.mean([*gains, 1 - (1 - dense['d1']) / (1 - sup['d1'])]))
    assert gain['mean'] == pytest.approx(np.mean(by_seed), abs=1e-4)
    assert gain['low'] <= gain['mean'] <= gain['high']
