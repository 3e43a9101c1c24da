"""Where code waits for an accelerator, told without one: it is run on torch's meta device in the accelerator's place.

On that device there is nothing but shapes. What lies there and what lies on the host are told apart as they would be on a
GPU, and each operation that needs a number, or moves one while the host waits, is seen when it is called.
"""

import traceback
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from unittest import mock

import torch
import torch.fx.experimental._config as meta_settings
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
#: Sizes of results, or errors, depend on numbers that only the device knows.
NEEDS_NUMBERS = {
    aten.nonzero,
    aten.masked_select,
    aten._unique2,
    aten.unique_dim,
    aten.unique_consecutive,
    aten.bincount,
    aten.equal,
    aten._linalg_check_errors,
}
INDEXING = {aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_}
MAKES_TENSORS = {torch.tensor, torch.as_tensor, Tensor.new_tensor}
TORCH = str(Path(torch.__file__).parent)


@contextmanager
def host_waits():
    """Yields a list that fills with what would make the host wait for a device: (what, file:line) of each.

    For code that runs on the meta device. A number that is asked for is 1, a mask is taken to be True everywhere.

    - numbers that go to the host, ``item()``, ``if tensor``, ``cpu()``;
    - results whose size depends on numbers: masks as indices, ``nonzero``, ``unique``; errors that do: ``linalg.inv``;
    - copies from the host that were not asked for as ``non_blocking``, constants made on the device among them.
    """
    found = []
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(meta_settings, 'meta_nonzero_assume_all_nonzero', True))
        # There is no mixed precision on this device.
        stack.enter_context(mock.patch.object(torch, 'autocast', lambda *args, **kwargs: nullcontext()))
        stack.enter_context(_Functions(found))
        stack.enter_context(_Operations(found))
        yield found


class _Operations(TorchDispatchMode):
    def __init__(self, found):
        super().__init__()
        self.found = found

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        operation, first = function.overloadpacket, args[0] if args else None
        if not isinstance(first, Tensor):
            return function(*args, **kwargs)
        if operation is aten._local_scalar_dense and first.is_meta:
            self._note('item')
            return first.new_ones((), device='cpu').item()
        if operation is aten._to_copy:
            target = kwargs.get('device')
            if first.is_meta and target is not None and target.type == 'cpu':
                self._note('copy to the host')
                return torch.ones(first.shape, dtype=kwargs.get('dtype') or first.dtype)
            if not first.is_meta and target is not None and target.type == 'meta' and not kwargs.get('non_blocking'):
                self._note('copy from the host')
        elif operation is aten.copy_ and first.is_meta != args[1].is_meta and not (args[2:] + (False,))[0]:
            self._note('copy between host and device')
        elif operation in NEEDS_NUMBERS and first.is_meta:
            self._note(operation.__name__)
        elif operation in INDEXING and first.is_meta:
            indices = [index for index in args[1] if index is not None]
            if any(index.dtype in (torch.bool, torch.uint8) for index in indices):
                self._note('mask as an index')
            if any(not index.is_meta for index in indices):
                self._note('index from the host')
        return function(*args, **kwargs)

    def _note(self, what):
        self.found.append((what, _place()))


class _Functions(TorchFunctionMode):
    """Constants that are made on the device, and lists as indices, never reach :class:`_Operations` as a copy."""

    def __init__(self, found):
        super().__init__()
        self.found = found

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        if function in MAKES_TENSORS and result.is_meta:
            if not isinstance(args[1] if function is Tensor.new_tensor else args[0], Tensor):
                self.found.append(('constant from the host', _place()))
        elif function is Tensor.__getitem__ and args[0].is_meta:
            if any(isinstance(index, list) for index in (args[1] if isinstance(args[1], tuple) else args[1:])):
                self.found.append(('index from the host', _place()))
        return result


def _place():
    """file:line of the innermost call that is neither torch's nor this file's."""
    for frame, line in traceback.walk_stack(None):
        file = frame.f_code.co_filename
        if not file.startswith(TORCH) and file != __file__ and '<' not in file:
            return f'{"/".join(Path(file).parts[-3:])}:{line}'
