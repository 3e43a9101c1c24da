"""Files of weights run nothing and change nothing, whichever torch reads them."""

import io
import os
import pickle
import tarfile

import numpy as np
import pytest
import torch
from mmengine.logging.history_buffer import HistoryBuffer
from mmengine.runner import load_checkpoint
from safetensors.torch import save_file

from fsmde.weight_files import load_weights


class Calls:
    """Pickles as a call."""

    def __init__(self, function, *args, state=None):
        self.call = (function, args) if state is None else (function, args, state)

    def __reduce__(self):
        return self.call


@pytest.fixture(params=[True, False], ids=['zip', 'legacy'])
def save(request, tmp_path):
    """Saves in torch's format of today, and in the one that published weights may still have."""

    def to_file(content):
        torch.save(content, tmp_path / 'file.pth', _use_new_zipfile_serialization=request.param)
        return str(tmp_path / 'file.pth')

    return to_file


def test_what_checkpoints_of_mmengine_hold_is_read(save):
    history = HistoryBuffer([3.0, 1.0], [1, 1])
    kinds = dict(score=np.float64(0.5), count=np.int64(7), flag=np.bool_(True), values=np.arange(3.0, dtype='float32'))
    weights = torch.nn.Conv2d(2, 3, 1).state_dict()
    dtypes = [torch.tensor([1], dtype=getattr(torch, name)) for name in ('bool', 'uint8', 'bfloat16', 'int64')]
    path = save(
        dict(
            state_dict=weights, history=history, seen={1, 2}, raw=b'ab', dtypes=dtypes, shape=torch.Size([4]), **kinds
        )
    )
    for content in (load_weights(path), load_checkpoint(torch.nn.Identity(), path)):
        assert torch.equal(content['state_dict']['weight'], weights['weight'])
        assert content['history'].data[0].tolist() == [3, 1] and content['history'].min() == 1
        assert (content['score'], content['count'], content['flag'], content['seen']) == (0.5, 7, True, {1, 2})
        assert type(content['score']) is np.float64 and content['values'].tolist() == [0, 1, 2]
        assert [tensor.dtype for tensor in content['dtypes']] == [tensor.dtype for tensor in dtypes]
        assert content['raw'] == b'ab' and content['shape'] == (4,)


HOSTILE = dict(
    call=lambda owned: Calls(os.mkdir, owned),
    builtin=lambda owned: Calls(exec, f'import os; os.mkdir({owned!r})'),
    attribute=lambda owned: Calls(getattr, HistoryBuffer, '__init__'),
    attribute_of_another_class=lambda owned: Calls(getattr, np.ndarray, 'tofile'),
    state_of_a_class=lambda owned: Calls(getattr, HistoryBuffer, 'mean', state=(None, dict(owned=1))),
)


@pytest.mark.parametrize('kind', HOSTILE)
def test_nothing_else_runs(save, tmp_path, kind):
    """By neither of the two doors: ours, and mmengine's for ``load_from`` and pretrained weights."""
    path = save(dict(state_dict={}, meta=HOSTILE[kind](str(tmp_path / 'owned'))))
    with pytest.raises((pickle.UnpicklingError, RuntimeError)):
        load_weights(path)
    with pytest.raises(ValueError, match='cannot be loaded as weights'):
        load_checkpoint(torch.nn.Identity(), path)
    assert not (tmp_path / 'owned').exists() and not hasattr(HistoryBuffer.mean, 'owned')


def test_archives_that_hold_code_are_refused(tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), tmp_path / 'script.pt')
    with pytest.raises((pickle.UnpicklingError, RuntimeError)):
        load_weights(tmp_path / 'script.pt')
    with tarfile.open(tmp_path / 'old.tar', 'w') as archive:
        for name in ('sys_info', 'pickle', 'storages', 'tensors'):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises((pickle.UnpicklingError, RuntimeError)):
        load_weights(tmp_path / 'old.tar')


def test_the_folder_of_a_published_model_is_its_weights(tmp_path):
    """By ``load_from``, which is what becomes of a published model that training begins with."""
    net, other = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    save_file(net.state_dict(), tmp_path / 'model.safetensors')
    torch.save(net.state_dict(), tmp_path / 'bare.pth')
    for path in (tmp_path, tmp_path / 'model.safetensors', tmp_path / 'bare.pth'):
        # mmengine's EMAHook reads this key of whatever a run begins with.
        assert load_checkpoint(other, str(path))['state_dict'].keys() == net.state_dict().keys()
        assert all(torch.equal(other.state_dict()[name], value) for name, value in net.state_dict().items())
    (tmp_path / 'model.safetensors').write_bytes(b'cut')
    with pytest.raises(ValueError, match='model.safetensors cannot be loaded as weights: it is cut'):
        load_checkpoint(other, str(tmp_path))
    (tmp_path / 'model.safetensors').unlink()
    with pytest.raises(FileNotFoundError, match='no checkpoint at .*model.safetensors'):
        load_checkpoint(other, str(tmp_path))
