"""What a reader may answer to a damaged file: the right ground truth, an error or a log line that names it."""

import logging
import os

import numpy as np
from mmengine.logging import MMLogger

#: Errors that say a user's mistake. A KeyError, IndexError or ZeroDivisionError says a programmer's.
NAMED = (ValueError, FileNotFoundError, NotADirectoryError, RuntimeError, TypeError, ImportError)


class ViolationError(AssertionError):
    """An answer that the contract forbids."""


class Log:
    """Collects what is logged at warning level or above, in a ``with`` block."""

    def __enter__(self):
        self.logger, self.lines = MMLogger.get_current_instance(), []
        handler = logging.Handler(logging.WARNING)
        handler.emit = lambda record: self.lines.append(record.getMessage())
        self.saved, self.logger.handlers = self.logger.handlers, [handler]
        return self

    def __exit__(self, *_):
        self.logger.handlers = self.saved

    def names(self, words):
        return any(word in line for line in self.lines for word in words)


def ground_truth(sample) -> dict:
    """What a student is trained and measured with, of a packed sample."""
    pixels = sample.lidar_pixels
    return dict(
        gt_depth=np.asarray(sample.gt_depth),
        valid_mask=np.asarray(sample.valid_mask),
        pixels=np.stack([pixels.camera, pixels.u, pixels.v]),
        z=np.asarray(pixels.z),
        visible=np.asarray(sample.lidar_visible),
        sizes=np.asarray(sample.ori_shape),
        cam2img=np.asarray(sample.cam2img),
        cam2ego=np.asarray(sample.cam2ego),
        lidar2cam=np.asarray(sample.lidar2cam),
    )


def read_all(make) -> dict:
    """{frame_id: ground truth} of a data set in evaluation, by both of its ways."""
    frames, found = make(test_mode=True), {}
    for index in range(len(frames)):
        sample = frames[index]['data_samples']
        truth = found[sample.frame_id] = ground_truth(sample)
        pixels, visible, sizes = frames.lidar_pixels(index)
        other = dict(pixels=np.stack([pixels.camera, pixels.u, pixels.v]), z=pixels.z, visible=visible, sizes=sizes)
        if any(not np.array_equal(truth[name], values) for name, values in other.items()):
            raise ViolationError(f'lidar_pixels of {sample.frame_id} differ from those of its pipeline')
    return found


def differences(found: dict, expected: dict) -> list:
    """Names of frames, and of what of them differs; one is expected if none is found."""
    if found.keys() != expected.keys():
        return [f'frames {list(found)} instead of {list(expected)}']
    return [
        f'{frame}: {name}'
        for frame, truth in expected.items()
        for name, values in truth.items()
        if not same(name, found[frame][name], values)
    ]


def same(name, found, expected) -> bool:
    """Whether arrays are equal; matrices that are made in two ways may differ by rounding."""
    if name in ('cam2img', 'cam2ego', 'lidar2cam'):
        return found.shape == expected.shape and np.allclose(found, expected, rtol=0, atol=1e-9)
    return np.array_equal(found, expected)


def check_error(error, words):
    """An error is of a kind that says a user's mistake, and its words name what is wrong."""
    if isinstance(error, ViolationError):
        raise error
    if not isinstance(error, NAMED):
        raise ViolationError(f'{type(error).__name__} is no error for a user: {error}') from error
    if not any(word in str(error) for word in words):
        raise ViolationError(f'{type(error).__name__} names none of {words}: {error}') from error


def attack(make, expected: dict, words: list, root) -> str:
    """Read a damaged data set in evaluation and in training.

    Args:
        make: Builds the data set; takes ``test_mode``.
        expected: What :func:`read_all` returned for the undamaged one.
        words: Of which an error or a log line must hold one: the file, the frame, the key.
        root: Folder that nothing may be written to.

    Returns:
        'same', 'logged', 'refused' (at start) or 'replaced' (in training; evaluation raises).

    Raises:
        ViolationError: If the answer is none of these.
    """
    before = listing(root)
    try:
        return read_damaged(make, expected, words)
    finally:
        if listing(root) != before:
            raise ViolationError(f'reading has changed files under {root}')


def read_damaged(make, expected, words):
    with Log() as log:
        try:
            wrong = differences(read_all(make), expected)
        except BaseException as error:
            check_error(error, words)
            wrong = None
    if wrong and not log.names(words):
        raise ViolationError(f'silently different: {wrong[:4]}')
    if wrong is not None:
        return 'logged' if wrong else 'same'
    try:
        frames = make(test_mode=False)
    except Exception as error:
        check_error(error, words)
        return 'refused'
    for index, frame in enumerate(expected):
        with Log() as log:
            try:
                sample = frames[index]['data_samples']
            except BaseException as error:  # No frame is left: an error, as in evaluation.
                check_error(error, words)
                continue
        if sample.frame_id != frame and not log.names(words):
            raise ViolationError(f'{frame} is replaced without a word')
        wrong = differences({sample.frame_id: ground_truth(sample)}, {sample.frame_id: expected[sample.frame_id]})
        if wrong:
            raise ViolationError(f'silently different in training: {wrong[:4]}')
    return 'replaced'


def listing(root) -> dict:
    """{path: size and time of change} of all files under a folder."""
    found = {}
    for folder, _, files in os.walk(root):
        for name in files:
            stat = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = stat.st_size, stat.st_mtime_ns
    return found
