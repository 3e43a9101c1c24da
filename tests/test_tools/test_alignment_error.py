import json
import sys

import cv2
import pytest
from mmengine.config import Config, ConfigDict
from processes import load_tool
from toy_run import toy_config

from toy_dgp import AZIMUTHS


@pytest.fixture
def tool():
    return load_tool('analysis_tools/alignment_error.py')


def run(tool, monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['alignment_error.py', *map(str, arguments)])
    tool.main()


def test_the_teacher_of_a_config(tool, toy_dgp, tmp_path, monkeypatch, capsys):
    toy_config(toy_dgp).dump(tmp_path / 'config.py')
    run(tool, monkeypatch, tmp_path / 'config.py', '--frames', '1')
    rows = [
        [cell.strip() for cell in line.split('|')]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith('|')
    ]
    assert rows[0][3:7] == ['withheld LiDAR AbsRel', 'δ1', 'views', '% of pixels']
    assert [row[2] for row in rows[2:]] == [
        'scale and shift of 1 / depth for each view', 'corrected near LiDAR', 'LiDAR alone'
    ]  # fmt: skip
    assert [row[1] for row in rows[2:]] == ['ToyTeacher', '', ''] and rows[2][-2] == 'not known'
    assert all(0 < float(row[3]) < 1 for row in rows[2:])
    assert all(row[5].endswith(f' of {len(AZIMUTHS)}') and 0 < float(row[6]) <= 100 for row in rows[2:])


@pytest.mark.parametrize('options', [('--fraction', '0'), ('--fraction', '50'), ('--frames', '0'), ('--frames', '-1')])
def test_numbers_that_leave_nothing_to_judge(tool, monkeypatch, capsys, options):
    with pytest.raises(SystemExit):
        run(tool, monkeypatch, 'config.py', *options)
    assert f'{options[0]} must be' in capsys.readouterr().err


def test_several_candidates_in_one_table_and_one_picture_a_frame(tool, toy_dgp, tmp_path, monkeypatch, capsys):
    config, out = tmp_path / 'config.py', tmp_path / 'out'
    toy_config(toy_dgp).dump(config)
    teachers = dict(
        rig=dict(type='ToyRigTeacher'), prompted=dict(type='ToyLidarTeacher'), single=dict(type='ToyTeacher')
    )
    Config(dict(teachers=teachers)).dump(tmp_path / 'teachers.py')
    options = config, '--teachers', tmp_path / 'teachers.py', '--frames', '2', '--out', out, '--pictures', '1'
    run(tool, monkeypatch, *options)
    results = json.loads((out / 'results.json').read_text())['teachers']
    assert sorted(results) == ['prompted', 'rig', 'single']
    assert (
        results['rig']['licence'] == 'CC-BY-NC-4.0' and results['rig']['space'] == 'depth_scale_invariant_multi_view'
    )
    assert list(results['rig']['readings'])[:2] == ['one scale for the rig', 'a scale for each view']
    assert 0 < results['rig']['readings']['one scale for the rig']['agreement']['abs_rel'] < 1
    # It repeats the LiDAR that it is prompted with, and says one metre where it gets none: of the rest it knows nothing.
    withheld = results['prompted']['readings']['a scale for each view']['withheld LiDAR']
    assert withheld['abs_rel'] > 0.05
    assert '| rig | one scale for the rig |' in (out / 'table.md').read_text()
    pictures = list((out / 'pictures').rglob('*.jpg'))
    assert len(pictures) == 1
    # Images, LiDAR and three candidates of six views.
    height, width = cv2.imread(str(pictures[0])).shape[:2]
    assert height > 5 * 240 and width > 6 * 320
    with pytest.raises(SystemExit, match='holds results already'):
        run(tool, monkeypatch, *options)


def test_what_a_candidate_raises_is_not_hidden(tool, toy_dgp, tmp_path, monkeypatch):
    toy_config(toy_dgp).dump(tmp_path / 'config.py')
    teachers = dict(mine=dict(type='ToyTeacher', setting=1))
    Config(dict(teachers=teachers)).dump(tmp_path / 'teachers.py')
    with pytest.raises(TypeError, match="'setting'"):
        run(tool, monkeypatch, tmp_path / 'config.py', '--teachers', tmp_path / 'teachers.py')
    teachers = dict(mine=dict(type='EstimatorTeacher', config='absent', checkpoint=None))
    Config(dict(teachers=teachers)).dump(tmp_path / 'teachers.py')
    with pytest.raises(SystemExit, match='alignment_error: no published model at absent'):
        run(tool, monkeypatch, tmp_path / 'config.py', '--teachers', tmp_path / 'teachers.py')
    Config(dict(some=1)).dump(tmp_path / 'teachers.py')
    with pytest.raises(SystemExit, match=r'has no teachers: expected teachers = dict\(NAME=dict\(type'):
        run(tool, monkeypatch, tmp_path / 'config.py', '--teachers', tmp_path / 'teachers.py')


class Named:
    """A data set whose frames a file names."""


def test_data_sets_without_splits_by_name_are_judged_as_they_are(tool):
    with pytest.raises(SystemExit, match='--split val: Named has no splits .* infos.pkl; .*ann_file='):
        tool.choose_split(ConfigDict(type=Named, ann_file='infos.pkl'), 'val')
    dataset = ConfigDict(type='Named', ann_file='infos.pkl')
    tool.choose_split(dataset, None)
    assert 'split' not in dataset
    dataset = ConfigDict(split='test')
    tool.choose_split(dataset, None)
    assert dataset.split == 'val'
    tool.choose_split(dataset, 'train')
    assert dataset.split == 'train'
