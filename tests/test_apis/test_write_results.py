import numpy as np

from fsmde.apis import Frame, SurroundDepthInferencer, write_results
from fsmde.apis.sinks.base import Sink


class Runtime:
    """Says that everything is five metres away."""

    input_size = (48, 64)

    def __call__(self, images, cam2img):
        return np.full((len(images), 48, 64), 5, np.float32), None


class Notes(Sink):
    """Remembers what it was told."""

    def __init__(self, there=()):
        self.there, self.told = there, []

    def write(self, result):
        self.told.append(('write', result.name, result.cameras))

    def has(self, name, cameras):
        return name in self.there

    def saw(self, name):
        self.told.append(('saw', name))

    def close(self):
        self.told.append('close')


def test_frames_into_sinks(arrays):
    """A camera that is missing is said once and counted; a sink is told of each frame, and closed behind all of them."""
    inferencer = SurroundDepthInferencer(Runtime(), hfov=90)
    two = {camera: arrays[camera] for camera in ('FRONT', 'LEFT')}
    frames = [Frame('0', arrays), *(Frame(str(number), two, missing=('REAR',)) for number in (1, 2))]
    sinks, said, steps = [Notes(), Notes(there=('1',))], [], []
    written = write_results(
        inferencer, frames, sinks, say=said.append, progress=lambda done, skipped: steps.append((done, skipped))
    )
    assert written == (3, 0, dict(REAR=2)) and steps == [(1, 0), (2, 0), (3, 0)]
    assert said == ['frame 1 has no image of REAR; the other cameras go on']
    for sink in sinks:
        writes = [entry for entry in sink.told if entry[0] == 'write']
        assert [name for _, name, _ in writes] == ['0', '1', '2'] and sink.told[-1] == 'close'
        assert [len(cameras) for _, _, cameras in writes] == [3, 2, 2]
        assert [entry[1] for entry in sink.told if entry[0] == 'saw'] == ['0', '1', '2']


def test_what_all_sinks_have_is_left_out(arrays):
    inferencer = SurroundDepthInferencer(Runtime(), hfov=90)
    frames = [Frame(str(number), arrays) for number in range(3)]
    sinks = [Notes(there=('0', '1')), Notes(there=('1', '2'))]
    assert write_results(inferencer, frames, sinks, resume=True) == (2, 1, {})
    assert all([entry[1] for entry in sink.told if entry[0] == 'write'] == ['0', '2'] for sink in sinks)
