"""What an evaluation writes, and runs side by side."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from processes import load_tool

from fsmde.evaluation import SurroundDepthMetric, describe_run, result_files
from fsmde.evaluation.bootstrap import paired_gain
from fsmde.evaluation.compare import check_comparable, comparison_table, distinct_names, draw, gains, read_run
from fsmde.evaluation.report import Table, camera_table, caveats
from fsmde.evaluation.result_files import read_results, versions

from .frames import META, frame, points, random_frame


def evaluate(out_dir, error=1.0, scenes='aabb', num_points=100, **kwargs):
    metric = SurroundDepthMetric(out_dir=str(out_dir), **kwargs)
    metric.dataset_meta = META
    samples = [random_frame(seed, scene=scene, num_points=num_points) for seed, scene in enumerate(scenes)]
    for sample in samples:
        sample['pred_depth'] = sample['pred_depth'] * error
    metric.process(None, samples)
    return metric, metric.evaluate(len(samples))


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp('runs')
    protocols = ['fsmde', 'surrounddepth', 'vfdepth']
    for name, error in (('plain', 1.0), ('better', 0.5)):
        evaluate(root / name, error, protocol=protocols, run=dict(checkpoint='a.pth'))
    return root


def test_files_hold_what_the_table_says(folders):
    results = read_results(str(folders / 'plain/results.json'))
    assert results['run'] == dict(checkpoint='a.pth') and results['dataset'] == 'hand_made'
    assert len(results['versions']['git_commit']) == 40 and results['input_size'] == [12, 18]
    assert list(results['protocols']) == ['fsmde', 'surrounddepth', 'vfdepth']
    assert results['protocols']['vfdepth']['settings']['group_size'] == 4
    figures = results['protocols']['fsmde']['modes']['metric']
    with open(folders / 'plain/per_image.csv', newline='') as file:
        rows = [row for row in csv.DictReader(file) if row['protocol'] == 'fsmde' and row['mode'] == 'metric']
    assert len(rows) == 4 * 3
    means = [np.mean([float(r['abs_rel']) for r in rows if r['camera'] == camera]) for camera in META['cam_names']]
    assert figures['overall']['all']['abs_rel'] == pytest.approx(np.mean(means), abs=1e-12)
    assert figures['overall']['all']['pixels'] == sum(int(row['pixels']) for row in rows)
    markdown = (folders / 'plain/results.md').read_text()
    assert f'| overall | {figures["overall"]["all"]["abs_rel"]:.3f} |' in markdown
    assert 'surrounddepth: lidar ground truth at full size, 0.1-100 m, last point of a pixel, no mask' in markdown
    assert r'\begin{tabular}' in (folders / 'plain/results.tex').read_text()


def test_unknown_figures_are_null_in_json(tmp_path):
    evaluate(tmp_path, distances=(0, 50, 500, 900))
    text = (tmp_path / 'results.json').read_text()
    assert 'NaN' not in text
    regions = json.loads(text)['protocols']['fsmde']['modes']['metric']['overall']
    assert regions['500-900']['abs_rel'] is None and regions['500-900']['pixels'] == 0


def test_short_names(tmp_path):
    metric, short = evaluate(tmp_path, protocol=['surrounddepth', 'fsmde'])
    for key in ('abs_rel', 'median/rmse', 'CAMERA_05/abs_rel', 'fsmde/abs_rel', 'consistency/abs_rel', 'non_finite'):
        assert f'depth/{key}' in short
    modes = metric.results_dict['protocols']['surrounddepth']['modes']
    assert short['depth/abs_rel'] == modes['metric']['overall']['all']['abs_rel']


def test_frame_list_and_tags_file(tmp_path, logged):
    (tmp_path / 'frames.txt').write_text('b/0002\na/0001\n')
    (tmp_path / 'tags.json').write_text('{"b": ["night"], "a/0001": ["rain"]}')
    metric, _ = evaluate(
        tmp_path, frame_list=str(tmp_path / 'frames.txt'), tags_file=str(tmp_path / 'tags.json'), consistency=()
    )
    entry = metric.results_dict['protocols']['fsmde']
    assert (entry['frames'], entry['frames_left_out']) == (2, 2)
    assert set(entry['modes']['metric']['tags']) == {'night', 'rain'}
    (tmp_path / 'other.json').write_text('{"scene-0103": ["night"], "b": ["rain"]}')
    evaluate(tmp_path, tags_file=str(tmp_path / 'other.json'), consistency=())
    (line,) = [text for text in logged if 'file of tags' in text]
    assert "1 of 2 names in the file of tags, such as 'scene-0103', are none of" in line and "'a/0000'" in line
    (tmp_path / 'frames.txt').write_text('b/0002\na/0001\nb/0002\n')
    with pytest.raises(ValueError, match="the frame list has 1 frames more than once, such as 'b/0002'"):
        evaluate(tmp_path, frame_list=str(tmp_path / 'frames.txt'))
    (tmp_path / 'frames.txt').write_text('c/0000\n')
    with pytest.raises(ValueError, match="first is 'c/0000'"):
        evaluate(tmp_path, frame_list=str(tmp_path / 'frames.txt'))


def test_caveats_name_what_keeps_numbers_from_published_ones():
    settings = dict(flip_augmentation=True, group_size=1, mask=False, ground_truth='lidar')
    entry = dict(settings=settings, frames=3, published_frames=3950, masked_points=0)
    assert '3 frames counted, the published tables count 3950' in caveats(entry, True)
    assert 'flip' in caveats(dict(entry, frames=3950), False)
    assert caveats(dict(entry, frames=3950), True) == ''
    pooled = dict(settings, flip_augmentation=False, group_size=4, mask=True)
    dropped = dict(settings=pooled, frames=3848, published_frames=3850, masked_points=7)
    assert caveats(dropped, False) == ''
    assert 'give the data set its masks' in caveats(dict(dropped, masked_points=0), False)


def test_a_run_is_described_with_its_checksum(tmp_path):
    (tmp_path / 'a.pth').write_bytes(b'abc')
    run = describe_run('config.py', str(tmp_path / 'a.pth'))
    assert run['checkpoint_sha256'].startswith('ba7816bf') and run['flip_augmentation'] is False


@pytest.mark.parametrize('path', ['', None])
def test_versions_know_this_repositorys_commit_alone(tmp_path, monkeypatch, path):
    """Without git, and for a package that lies in somebody else's repository, there is none."""
    if path is None:
        code = tmp_path / 'installed.py'
        code.touch()
        git = 'git', '-C', tmp_path, '-c', 'user.name=a', '-c', 'user.email=a@b'
        subprocess.run([*git, 'init', '-q'], check=True)
        subprocess.run([*git, 'commit', '-q', '--allow-empty', '-m', 'theirs'], check=True)
        monkeypatch.setattr(result_files, '__file__', str(code))
    else:
        monkeypatch.setenv('PATH', path)
    assert versions()['git_commit'] is None and versions()['fsmde']


def test_table_formats():
    table = Table('a_b: 5 %', ['', 'δ1'], [['CAM_A', '0.5']], 'mind this')
    assert table.to_markdown() == '**a_b: 5 %**\n\n|  | δ1 |\n| --- | ---: |\n| CAM_A | 0.5 |\n\nmind this\n'
    assert r'CAM\_A & 0.5 \\' in table.to_latex() and r'$\delta$1' in table.to_latex()
    assert 'CAM_A' in table.to_terminal() and 'mind this' in table.to_terminal()


def test_paired_gain_by_hand():
    # Two scenes, one camera. Scene a: 1 -> 0.9, scene b: 3 -> 1.5, one image each.
    gain = paired_gain([1, 3], [0.9, 1.5], ['c', 'c'], ['a', 'b'])
    assert (gain.baseline, gain.value) == (2, 1.2)
    assert gain.gain == pytest.approx(0.4)
    # Draws are aa, ab, bb: gains 0.1, 0.4, 0.5; each end is drawn a quarter of the time.
    assert (gain.low, gain.high) == (pytest.approx(0.1), pytest.approx(0.5))
    # A uniform gain has no spread, however the scenes differ; one scene says nothing of others.
    gain = paired_gain([1, 3, 7], [0.5, 1.5, 3.5], ['c', 'c', 'd'], ['a', 'b', 'b'])
    assert (gain.low, gain.high) == (pytest.approx(0.5), pytest.approx(0.5))
    assert np.isnan(paired_gain([1, 2], [1, 2], ['c', 'c'], ['a', 'a']).low)


def test_images_unknown_in_one_run_are_left_out_of_both():
    gain = paired_gain([1, np.nan, 2], [2, 5, np.nan], ['c'] * 3, ['a', 'b', 'c'])
    assert (gain.baseline, gain.value) == (1, 2)


def test_compare_two_runs(folders):
    runs = [read_run(str(folders / name / 'results.json'), 'fsmde', 'metric') for name in ('plain', 'better')]
    check_comparable(runs, 'fsmde')
    gain = gains(*runs, 'abs_rel')
    of = lambda run: run.results['protocols']['fsmde']['modes']['metric']['overall']['all']['abs_rel']
    assert (gain.baseline, gain.value) == (pytest.approx(of(runs[0])), pytest.approx(of(runs[1])))
    assert gain.low <= gain.gain <= gain.high
    table = comparison_table(runs, 'fsmde', 'metric')
    assert table.rows[2][1] == f'{100 * (1 - of(runs[1]) / of(runs[0])):+.2f}'
    assert '2 scenes' in table.note


def test_a_cut_table_is_named(folders, tmp_path):
    for name in ('results.json', 'per_image.csv'):
        (tmp_path / name).write_bytes((folders / 'plain' / name).read_bytes())
    lines = (tmp_path / 'per_image.csv').read_text().splitlines()
    row = next(n for n, line in enumerate(lines) if 'fsmde' in line.split(',') and 'metric' in line.split(','))
    (tmp_path / 'per_image.csv').write_text('\n'.join([*lines[:row], ','.join(lines[row].split(',')[:-8])]))
    with pytest.raises(ValueError, match='per_image.csv is cut or not the table'):
        read_run(str(tmp_path / 'results.json'), 'fsmde', 'metric')


def test_runs_that_are_not_comparable_are_refused(folders, tmp_path):
    plain = read_run(str(folders / 'plain/results.json'), 'fsmde', 'metric')
    evaluate(tmp_path / 'fewer', scenes='aab')
    with pytest.raises(ValueError, match='3 images are in one of them only'):
        check_comparable([plain, read_run(str(tmp_path / 'fewer/results.json'), 'fsmde', 'metric')], 'fsmde')
    evaluate(tmp_path / 'other', protocol=dict(name='fsmde', mask=False))
    with pytest.raises(ValueError, match='fsmde mask is True and False'):
        check_comparable([plain, read_run(str(tmp_path / 'other/results.json'), 'fsmde', 'metric')], 'fsmde')
    evaluate(tmp_path / 'masked', num_points=60, protocol=['fsmde', 'vfdepth'])
    masked = read_run(str(tmp_path / 'masked/results.json'), 'fsmde', 'metric')
    with pytest.raises(ValueError, match='of frame a/0000 has [0-9]+ and [0-9]+ pixels of ground truth. Masks'):
        check_comparable([plain, masked], 'fsmde')
    # At the size of the input ground truth follows the network, unless that size is a published one.
    check_comparable(
        [
            read_run(str(folder / 'results.json'), 'vfdepth', 'metric')
            for folder in (folders / 'plain', tmp_path / 'masked')
        ],
        'vfdepth',
    )
    with pytest.raises(ValueError, match="it has {'fsmde'"):
        read_run(str(tmp_path / 'other/results.json'), 'vfdepth', 'metric')
    (tmp_path / 'other/per_image.csv').unlink()
    with pytest.raises(FileNotFoundError, match='both belong together'):
        read_run(str(tmp_path / 'other/results.json'), 'fsmde', 'metric')
    (tmp_path / 'other/results.json').write_text('{"schema": "else"}')
    with pytest.raises(ValueError, match='fsmde.evaluation/1'):
        read_results(str(tmp_path / 'other/results.json'))


def test_plots(folders, tmp_path):
    runs = [read_run(str(folders / name / 'results.json'), 'vfdepth', 'median') for name in ('plain', 'better')]
    draw(runs, 'vfdepth', 'median', str(tmp_path / 'plot.png'))
    assert (tmp_path / 'plot.png').stat().st_size > 5000


def test_command(folders, tmp_path, monkeypatch, capsys):
    tool = load_tool('analysis_tools/compare_results.py')
    paths = [str(folders / name / 'results.json') for name in ('plain', 'better')]
    monkeypatch.setattr(sys, 'argv', ['compare_results', *paths, '--out', str(tmp_path)])
    tool.main()
    assert 'better' in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {'compare.md', 'compare.tex', 'compare.png'}
    monkeypatch.setattr(sys, 'argv', ['compare_results', *paths, '--protocol', 'kitti'])
    with pytest.raises(SystemExit, match="no results under protocol 'kitti'"):
        tool.main()
    monkeypatch.setattr(sys, 'argv', ['compare_results', *paths, '--names', 'a', 'a'])
    with pytest.raises(SystemExit):
        tool.main()
    assert '--names must tell the runs apart, found a a' in capsys.readouterr().err


@pytest.mark.parametrize('edges', [(0, 50, 500), (0, 30, 90)])
def test_runs_of_other_distances_and_of_a_mixed_config_are_compared(tmp_path, monkeypatch, capsys, edges):
    """Bars are of the intervals that both have, if any; two data sets' folders are called as their runs."""
    paths = [str(tmp_path / run / 'ddad' / 'results.json') for run in ('sup', 'kd')]
    for path, distances in zip(paths, ((0, 50, 100), edges)):
        evaluate(tmp_path / path.removesuffix('/results.json'), distances=distances)
    tool = load_tool('analysis_tools/compare_results.py')
    monkeypatch.setattr(sys, 'argv', ['compare_results', *paths, '--out', str(tmp_path / 'out')])
    tool.main()
    assert 'Gains over sup/ddad' in capsys.readouterr().out
    assert (tmp_path / 'out/compare.png').stat().st_size > 5000


def test_names_tell_runs_apart():
    assert distinct_names(['/w/a/results.json', '/w/b/results.json']) == ['a', 'b']
    assert distinct_names(['/w/a/ddad/r.json', '/w/b/ddad/r.json']) == ['a/ddad', 'b/ddad']
    assert distinct_names(['/w/a/1/x/r.json', '/w/b/1/x/r.json']) == ['a/1/x', 'b/1/x']
    assert distinct_names(['/x/r.json', '/w/x/r.json']) == ['x', 'w/x']
    assert distinct_names(['/w/a/r.json', '/w/a/r.json']) == ['a', 'a']


def test_every_figure_says_over_how_many_images_it_is(tmp_path):
    """Three frames of three cameras: the first camera has points in all of them, the second in one, the third in none."""
    cloud = lambda cameras: points(cameras, range(len(cameras)), [0] * len(cameras), [10] * len(cameras))
    frames = [
        frame(np.full((3, 8, 12), 11.0), cloud(cameras), index, ori_cam2world=np.stack([np.eye(4)] * 3))
        for index, cameras in enumerate(([0, 1], [0], [0, 0]))
    ]
    metric = SurroundDepthMetric(out_dir=str(tmp_path), flicker=True, modes=('metric',))
    metric.dataset_meta = META
    metric.process(None, frames)
    short = metric.evaluate(5)
    assert short['depth/coverage'] == pytest.approx(4 / 9)
    entry = metric.results_dict['protocols']['fsmde']
    figures = entry['modes']['metric']
    counted = lambda f: (f['all']['images'], f['all']['of_images'])
    assert [counted(f) for f in (figures['overall'], *figures['cameras'].values())] == [(4, 9), (3, 3), (1, 3), (0, 3)]
    table = camera_table('fsmde', entry, 'metric')
    column = table.header.index('images')
    assert [row[column] for row in table.rows[:4]] == ['4 of 9', '3 of 3', '1 of 3', '0 of 3']
    assert 'no image of CAMERA_06 has ground truth: overall is over 2 of 3 cameras' in table.note
    assert 'images with ground truth: CAMERA_05 1 of 3' in table.note
    assert '2 frames of the data set were not evaluated' in table.note
    flicker = metric.results_dict['flicker']['cameras']
    assert [(flicker[c]['frames'], flicker[c]['of_frames']) for c in META['cam_names']] == [(2, 2), (0, 2), (0, 2)]
    pairs = metric.results_dict['consistency']['occlusion_tested']['pairs'].values()
    assert {(pair['frames'], pair['of_frames']) for pair in pairs} == {(0, 3)}
    for text in ('4 of 9', '0 of 3', '2 of 6'):
        assert text in (tmp_path / 'results.md').read_text()


def test_a_comparison_says_over_how_many_images_it_is(folders):
    runs = [read_run(str(folders / name / 'results.json'), 'fsmde', 'metric') for name in ('plain', 'better')]
    key = min(runs[0].images)
    runs[1].images[key]['abs_rel'] = float('nan')
    table = comparison_table(runs, 'fsmde', 'metric')
    assert [row[-1] for row in table.rows] == ['12 of 12', '12 of 12', '11 of 12', '']
    # A file of an earlier version lacks settings that did not exist; where they move a figure, it is refused.
    for run in runs[:1]:
        for name in ('fsmde', 'vfdepth'):
            del run.results['protocols'][name]['settings']['mask_size']
    check_comparable(runs, 'fsmde')
    with pytest.raises(ValueError, match="vfdepth mask_size is 'full' and 'input'"):
        check_comparable(runs, 'vfdepth')
