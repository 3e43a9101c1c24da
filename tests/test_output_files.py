"""Results, graphs and pictures are whole or absent, and a full disk is named."""

import json
import re
import resource

import numpy as np
import pytest
from processes import start

from fsmde.output_files import replace_when_written, write_bytes, write_figure, write_text


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / 'new' / 'results.json'
    with replace_when_written(path) as temporary:
        temporary.write_text('half')
        assert not path.exists()
    write_text(path, 'wholé')
    assert path.read_text(encoding='utf-8') == 'wholé' and list(path.parent.iterdir()) == [path]


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / 'a.bin'
    write_bytes(path, b'old')
    with pytest.raises(KeyError), replace_when_written(path) as temporary:
        temporary.write_bytes(b'new')
        raise KeyError('x')
    assert path.read_bytes() == b'old' and list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_read_meanwhile_is_named_and_not_taken_for_what_is_written(tmp_path):
    with pytest.raises(FileNotFoundError) as raised, replace_when_written(tmp_path / 'a'):
        with replace_when_written(tmp_path / 'b'):
            open(tmp_path / 'absent')
    assert raised.value.filename == str(tmp_path / 'absent')
    with pytest.raises(OSError, match='^no such file: x$'), replace_when_written(tmp_path / 'a'):
        raise FileNotFoundError('no such file: x')


@pytest.mark.parametrize('there', [True, False])
def test_a_link_stays_and_leads_to_what_is_written(tmp_path, there):
    target, link = tmp_path / 'shared' / 'rig.yaml', tmp_path / 'link.yaml'
    target.parent.mkdir()
    link.symlink_to('shared/rig.yaml')
    if there:
        target.write_text('old')
    write_text(link, 'new')
    assert link.is_symlink() and not target.is_symlink() and target.read_text() == 'new'
    assert list(target.parent.iterdir()) == [target] and sorted(tmp_path.iterdir()) == [link, target.parent]


def test_a_folder_that_is_a_file_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(OSError, match=re.escape(f'cannot write {tmp_path}/file/a')):
        write_bytes(tmp_path / 'file' / 'a', b'')


def write_everything(folder):
    """Each writer on a disk that takes 1 kB a file; the errors as json."""
    import onnx
    from matplotlib.figure import Figure
    from onnx import TensorProto, helper

    from fsmde.deployment.onnx_float16 import to_float16
    from fsmde.evaluation.report import Table
    from fsmde.evaluation.result_files import write_results
    from fsmde.kd_benchmark.record import write_json
    from fsmde.visualization.frames import write_jpeg
    from fsmde.visualization.point_cloud import write_ply

    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1])
    graph = helper.make_graph(
        [helper.make_node('Add', ['x', 'x'], ['y'], 'add')], 'g' * 5000, [value('x')], [value('y')]
    )
    onnx.save(helper.make_model(graph), folder / 'graph.onnx')
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    writers = {
        'results.json': lambda path: write_results(dict(long='x' * 9000), [], str(path.parent)),
        'record.json': lambda path: write_json(path, ['x' * 9000]),
        'results.md': lambda path: write_text(path, Table('x' * 9000, ['a'], []).to_markdown()),
        'panel.jpg': lambda path: write_jpeg(path, noise),
        'gains.png': lambda path: write_figure(path, Figure(figsize=(9, 9))),
        'cloud.ply': lambda path: write_ply(path, np.zeros((900, 3)), np.zeros((900, 3), np.uint8)),
        'half.onnx': lambda path: to_float16(folder / 'graph.onnx', path),
    }
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    errors = {}
    for name, write in writers.items():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        try:
            write(folder / 'out' / name)
        except OSError as error:
            errors[name] = str(error)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    (folder / 'errors.json').write_text(json.dumps(errors))


def test_a_full_disk_is_named_by_every_writer(tmp_path):
    pytest.importorskip('onnx')
    process = start(write_everything, tmp_path, log=tmp_path / 'log')
    process.join(120)
    assert process.exitcode == 0, (tmp_path / 'log').read_text()
    errors = json.loads((tmp_path / 'errors.json').read_text())
    assert len(errors) == 7
    for name, error in errors.items():
        assert f'cannot write {tmp_path}/out/{name}' in error and 'File too large' in error
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['per_image.csv']
