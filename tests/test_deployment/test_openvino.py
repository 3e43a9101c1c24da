"""OpenVINO says what ONNX Runtime says of the same graphs."""

import builtins
import re

import numpy as np
import pytest
from test_onnx import SIZE, frame, student

from fsmde.apis import OnnxRuntime, OpenVinoRuntime
from fsmde.deployment import DeployableEstimator, OnnxSession, export_onnx
from fsmde.deployment.openvino_session import OpenVinoSession


@pytest.fixture(scope='module')
def graphs(tmp_path_factory):
    """A float32 graph with bins and its int8 form."""
    pytest.importorskip('openvino')
    pytest.importorskip('onnxscript')
    from fsmde.deployment.onnx_int8 import to_int8

    folder = tmp_path_factory.mktemp('openvino')
    export_onnx(DeployableEstimator(student(), with_bins=True), folder / 'float32.onnx', SIZE)
    to_int8(folder / 'float32.onnx', folder / 'int8.onnx', [frame(seed=seed) for seed in range(4)])
    return folder / 'float32.onnx', folder / 'int8.onnx'


def difference(found, expected):
    """Mean relative difference of depth."""
    return float((np.abs(found - expected) / expected).mean())


def test_float32_is_the_same_for_any_number_of_views(graphs):
    session, reference = OpenVinoSession(graphs[0], 1), OnnxSession(graphs[0], 1)
    assert session.inputs == ['images', 'fx'] and session.outputs == ['depth', 'probabilities', 'centers']
    for B, N in ((1, 1), (1, 6), (2, 3), (1, 1)):
        for found, expected in zip(session(*frame(B, N)), reference(*frame(B, N)), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert len(session.requests) == 3


def test_inputs_of_another_kind_are_refused(graphs):
    """Grey values in [0, 1] would become bytes, all of them 0; without focal lengths there would be no frame."""
    images, fx = frame()
    for kind in (OpenVinoSession, OnnxSession):
        session, path = kind(graphs[0], 1), re.escape(str(graphs[0]))
        with pytest.raises(ValueError, match=f'{path}: images must be uint8 of .*48, 64, 3.*, found float32'):
            session((images / 255).astype(np.float32), fx)
        with pytest.raises(ValueError, match=r'images must be .* found uint8 of \(1, 2, 64, 48, 3\)'):
            session(images.swapaxes(2, 3), fx)
        with pytest.raises(ValueError, match=f'{path} takes images and fx, found 1 of these 2 arrays'):
            session(images)


def test_answers_are_not_overwritten_by_the_next_frame(graphs):
    session = OpenVinoSession(graphs[0], 1)
    first = session(*frame(seed=0))[0]
    kept = first.copy()
    assert difference(session(*frame(seed=1))[0], kept) > 1e-4
    np.testing.assert_array_equal(first, kept)


def test_reduced_precisions(graphs):
    """bfloat16 rounds to 8 bits, where the processor has it; int8 rounds like ONNX Runtime's, in another order."""
    expected = OnnxSession(graphs[0], 1)(*frame())[0]
    assert difference(OpenVinoSession(graphs[0], 1, 'bfloat16')(*frame())[0], expected) < 0.02
    int8 = OpenVinoSession(graphs[1], 1)(*frame())[0]
    assert difference(int8, OnnxSession(graphs[1], 1)(*frame())[0]) < 0.02 and difference(int8, expected) < 0.04
    with pytest.raises(ValueError, match="float32 or bfloat16, found 'int4'"):
        OpenVinoSession(graphs[0], 1, 'int4')


def test_runtimes_agree_on_depth_and_confidence(graphs):
    images, fx = frame(1, 3)
    cam2img = np.zeros((3, 3, 3))
    cam2img[:, 0, 0] = fx[0]
    runtimes = [kind(graphs[0], 1) for kind in (OpenVinoRuntime, OnnxRuntime)]
    assert runtimes[0].input_size == SIZE
    for found, expected in zip(*(runtime(images[0], cam2img) for runtime in runtimes)):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_file_that_is_no_graph(graphs, tmp_path):
    (tmp_path / 'cut.onnx').write_bytes(graphs[0].read_bytes()[:1000])
    with pytest.raises(ValueError, match='no graph that OpenVINO can load'):
        OpenVinoRuntime(tmp_path / 'cut.onnx')


def test_a_missing_package_is_named(monkeypatch, tmp_path):
    (tmp_path / 'student.onnx').touch()
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == 'openvino':
            raise ModuleNotFoundError("No module named 'openvino'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, '__import__', without)
    with pytest.raises(ImportError, match='pip install openvino'):
        OpenVinoRuntime(tmp_path / 'student.onnx')
