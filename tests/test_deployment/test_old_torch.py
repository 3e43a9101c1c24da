"""Export says what it needs where torch is too old for it; needs no onnx."""

import pytest
import torch

from fsmde.deployment import export_onnx


def test_a_torch_without_dynamic_shapes_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(torch.onnx, 'export', lambda model, args, f, dynamic_axes=None: None)
    with pytest.raises(
        ImportError, match='export needs torch 2.5 or newer, found .*: torch.onnx.export has no dynamic'
    ):
        export_onnx(torch.nn.Identity(), tmp_path / 'student.onnx', (48, 64))
