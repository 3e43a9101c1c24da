import importlib.util
import sys
from pathlib import Path

from .test_predictions import CONFIG

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/evaluation_cost.py'


def test_every_setting_has_a_time(toy_dgp, tmp_path, monkeypatch, capsys):
    (tmp_path / 'config.py').write_text(CONFIG.format(root=str(toy_dgp)))
    spec = importlib.util.spec_from_file_location('evaluation_cost', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr(
        sys, 'argv', ['evaluation_cost', str(tmp_path / 'config.py'), '--frames', '2', '--repeats', '1']
    )
    tool.main()
    lines = capsys.readouterr().out.splitlines()
    times = {
        line.split('|')[1].strip(): float(line.split('|')[2]) for line in lines if line.startswith(('| `', '| fl'))
    }
    assert len(times) == 6 and all(ms > 0 for ms in times.values())
    assert 'flicker alone, a pair of frames' in times
