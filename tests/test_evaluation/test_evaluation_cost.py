import sys

from processes import load_tool

from .test_predictions import CONFIG


def test_every_setting_has_a_time(toy_dgp, tmp_path, monkeypatch, capsys):
    (tmp_path / 'config.py').write_text(CONFIG.format(root=str(toy_dgp)))
    tool = load_tool('analysis_tools/evaluation_cost.py')
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
