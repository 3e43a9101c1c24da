"""The main job on the built-in world, in minutes and without data or a GPU: ``make demo``.

Makes a world, distils a student on it from sparse LiDAR and the mini teacher of models/mini_teacher, trains its twin without
the teacher for as long, evaluates both on held-out scenes beside the student of models/student, which was trained for longer
and on more, and writes a page. Each step is a command of this project that is printed before it runs; the two students are
trained side by side. What is there already is not made again.
"""

import argparse
import html
import os
import os.path as osp
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

from fsmde.command_line import mistakes_in_one_line
from fsmde.concurrency import start_tied
from fsmde.engine.config_files import read_config_file
from fsmde.output_files import write_text
from fsmde.plain_data import read_json

OUT = 'work_dirs/demo'
ARMS = {'sup': 'student, LiDAR only', 'kd': 'student, LiDAR and teacher'}
SHIPPED = 'models/student'
STUDENTS = {**ARMS, 'shipped': f'{SHIPPED}, trained for longer'}
PROTOCOLS = dict(fsmde='LiDAR', fsmde_dense='dense')
METRICS = dict(abs_rel='AbsRel', sq_rel='SqRel', rmse='RMSE / m', rmse_log='RMSElog', silog='SILog', d1='δ1')
PROGRESS = re.compile(r'Epoch\((?:train|test|val)\).*|\d+ of \d+ scenes.*')


def run(name, *command, threads=None):
    """Run a Python tool with its output in a log, showing its progress lines; stop the demo if it fails.

    Args:
        threads: On how many it computes; as many as the machine has cores by default.
    """
    print(f'\n$ python {" ".join(command)}', flush=True)
    path = osp.join(OUT, f'{name}.log')
    environ = dict(os.environ, **({'OMP_NUM_THREADS': str(threads)} if threads else {}))
    with open(path, 'w') as log:
        process = start_tied(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
            env=environ,
        )
        for line in process.stdout:
            log.write(line)
            found = PROGRESS.search(line)
            if found:
                print(f'  {name}: {found.group(0)[:140]}', flush=True)
    if process.wait():
        with open(path) as log:
            sys.exit(f'{"".join(log.readlines()[-15:])}\nThis step failed; its whole output is in {path}')


def make_world():
    run('world', 'tools/dataset_converters/make_synthetic.py', 'data/synthetic', '--size', '192x320')


def checkpoint_of(arm):
    return osp.join(OUT, arm, f'epoch_{read_config_file(config_of(arm)).max_epochs}.pth')


def config_of(arm):
    return f'configs/demo/demo_{arm}.py'


def train(arm, threads):
    if osp.exists(checkpoint_of(arm)):
        print(f'\n{checkpoint_of(arm)} is there already')
        return
    command = ['tools/train.py', config_of(arm), '--work-dir', osp.join(OUT, arm), '--resume', 'auto']
    run(f'train_{arm}', *command, threads=threads)


def evaluate(student, weights, threads=None):
    """Evaluate on held-out scenes: the distilled student is the same network, so its twin's config serves all."""
    command = ['tools/test.py', config_of('sup'), weights, '--work-dir', osp.join(OUT, student)]
    command += ['--show-dir', osp.join(OUT, 'pictures', student), '--show-interval', '8', '--overwrite']
    run(f'test_{student}', *command, threads=threads)
    return str(max(Path(OUT, student).glob('test_*/results.json')))


def train_and_evaluate():
    """Both students at once, each on half of the cores: faster than one after the other on all of them."""
    threads = max(1, (os.cpu_count() or 2) // 2)

    def one(arm):
        train(arm, threads)
        return evaluate(arm, checkpoint_of(arm), threads)

    with ThreadPoolExecutor(len(ARMS)) as pool:
        return dict(zip(ARMS, pool.map(one, ARMS)))


def compare(results):
    """Print students side by side with scene-clustered intervals, for LiDAR and dense ground truth."""
    for protocol in PROTOCOLS:
        command = ['tools/analysis_tools/compare_results.py', results['sup'], results['kd'], '--protocol', protocol]
        command += ['--names', 'LiDAR only', 'LiDAR + teacher']
        command += ['--out', osp.join(OUT, f'compare_{protocol}'), '--overwrite']
        print(f'\n$ python {" ".join(command)}', flush=True)
        if start_tied([sys.executable, *command]).wait():
            sys.exit('This step failed')


def rows_of(results):
    """One row an arm and ground truth: name, ground truth, figures in metric scale, cross-view consistency."""
    rows = []
    for arm, path in results.items():
        content = read_json(path)
        for protocol, truth in PROTOCOLS.items():
            figures = content['protocols'][protocol]['modes']['metric']['overall']['all']
            rows.append([STUDENTS[arm], truth, *[f'{figures[key]:.3f}' for key in METRICS]])
    return rows


def write_page(results, seconds):
    head = ''.join(f'<th>{name}</th>' for name in ('', 'ground truth', *METRICS.values()))
    body = ''.join(
        '<tr>' + ''.join(f'<td>{html.escape(cell)}</td>' for cell in row) + '</tr>' for row in rows_of(results)
    )
    gains = ''.join(
        f'<pre>{html.escape(Path(OUT, f"compare_{protocol}", "compare.md").read_text(encoding="utf-8"))}</pre>'
        for protocol in PROTOCOLS
    )
    folder = Path(OUT, 'pictures', 'kd')
    frames = sorted(path.relative_to(folder).as_posix()[: -len('_panel.jpg')] for path in folder.rglob('*_panel.jpg'))
    pictures = ''
    for frame in frames:
        pictures += f'<h2>Held-out frame {html.escape(frame)}</h2>'
        for arm, name in STUDENTS.items():
            pictures += f'<h3>{html.escape(name)}</h3>'
            pictures += ''.join(f'<img src="pictures/{arm}/{quote(frame)}_{kind}.jpg">' for kind in ('panel', 'bev'))
    page = f"""<!doctype html><meta charset="utf-8"><title>fsmde demo</title>
<style>body{{font-family:sans-serif;max-width:1400px;margin:2em auto;padding:0 1em}}
pre{{overflow-x:auto}}
td,th{{padding:.3em .8em;text-align:right}}td:first-child,td:nth-child(2){{text-align:left}}
tr:nth-child(even){{background:#f2f2f2}}img{{max-width:100%}}</style>
<h1>fsmde: the demo</h1>
<p>One network, trained with and without the teacher, and {SHIPPED}: the same network on images of twice the size, which
began as a teacher of dense depth of 480 other scenes and was distilled on 72, two hours on a core together. On held-out
scenes of the built-in world, metric scale, no median scaling; figures are means over images, then cameras (protocol
<code>fsmde</code>).</p>
<p>Training sees LiDAR on 3 % of the pixels, as at the size and density of DDAD; all points judge. The teacher answers for
every pixel; its depth and the steps in it are learned (<code>AlignedDepthKD</code>), the sky is not. One seed and minutes of
training: the intervals below are over scenes, another seed is another doubt. What distillation adds to a student that is
trained for longer, where labels are scarce, or in a town without any, is in docs/benchmark.md of the repository. All steps
took {seconds / 60:.1f} minutes here.</p>
<table><tr>{head}</tr>{body}</table>
<h2>What the teacher adds</h2>{gains}
<h2>By camera and by distance</h2><img src="compare_fsmde/compare.png"><img src="compare_fsmde_dense/compare.png">
<p>Panels: image, prediction, LiDAR, relative error (blue: too near, red: too far), one colour scale for the rig. Bird's-eye
views: the predictions of all cameras fused in the vehicle's frame.</p>
{pictures}"""
    write_text(osp.join(OUT, 'index.html'), page)


@mistakes_in_one_line('demo')
def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    start = time.time()
    os.makedirs(OUT, exist_ok=True)
    make_world()
    results = train_and_evaluate()
    compare(results)
    results['shipped'] = evaluate('shipped', SHIPPED)
    print()
    for name, truth, *figures in [['', 'truth', *METRICS.values()], *rows_of(results)]:
        print(f'{name:58}{truth:7}' + ''.join(f'{figure:>10}' for figure in figures))
    write_page(results, time.time() - start)
    print(f'\n{time.time() - start:.0f} s. Pictures and tables: {OUT}/index.html')
    print(f'In 3D: python tools/infer.py {SHIPPED} {config_of("sup")} --view')


if __name__ == '__main__':
    main()
