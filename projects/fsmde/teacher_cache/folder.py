"""What both kinds of teacher caches are: a folder with a file a frame, which processes fill, and others read once it is whole.

<root>/cache.json       of whom it is: the teacher's identity, space and feature channels
<root>/UNFINISHED       there until every frame is
<root>/.lock_rank<r>    locked while the process of this rank writes
<root>/<frame_id>.npz   what is known of a frame
<root>/<frame_id>.unreadable    why nothing is; they go when the cache is complete
"""

import contextlib
import io
import json
from functools import cached_property
from pathlib import Path

import numpy as np

from fsmde.array_files import read_npz
from fsmde.concurrency import LOCK, BusyError, only_one
from fsmde.output_files import write_bytes
from fsmde.output_names import output_path
from fsmde.plain_data import read_json

FORMAT = 1


class CacheFolder:
    """A folder of files of frames, and of whom they are.

    Args:
        root: The folder.
    """

    #: The command that writes it.
    TOOL = None

    def __init__(self, root):
        self.root = Path(root)

    def path(self, frame_id: str) -> Path:
        """File of a frame; the parts of a frame id are folders."""
        stem = output_path(self.root, frame_id)
        return stem.with_name(f'{stem.name}.npz')

    def writer(self, rank: int):
        """A context manager: to be the one writer of a rank.

        Raises:
            BusyError: If there is another one.
        """
        return only_one(str(self.root / f'{LOCK}_rank{rank}'), f'another process of rank {rank}')

    def mark_unreadable(self, frame_id: str, reason: str) -> None:
        """Write down that a frame cannot be answered for, so that other ranks need not wait for it."""
        write_bytes(self._unreadable(frame_id), reason.encode())

    def is_settled(self, frame_id: str) -> bool:
        """Whether a frame is answered, or somebody has tried in vain."""
        return self.path(frame_id).is_file() or self._unreadable(frame_id).is_file()

    def _unreadable(self, frame_id):
        return self.path(frame_id).with_suffix('.unreadable')

    def begin(self, description: dict) -> None:
        """Start or resume writing.

        Args:
            description: ``identity`` (dict), ``space``, ``feature_channels`` (None: features are not kept), ``name`` and
                ``licence`` of the teacher.

        Raises:
            ValueError: If the folder holds answers of another teacher; says in what they differ.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        description = json.loads(json.dumps(dict(description, format=FORMAT)))
        if (self.root / 'cache.json').is_file():
            self._check(read_json(self.root / 'cache.json'), description)
        write_bytes(
            self.root / 'UNFINISHED',
            b'This is being written, or was stopped: run the same command again, it resumes.\n',
        )
        write_bytes(self.root / 'cache.json', json.dumps(description, indent=2).encode())

    def finish(self) -> bool:
        """Declare the cache complete, and remove what killed writers left, unless somebody still writes.

        To be called by a process that is no :meth:`writer` any more: of several the last one succeeds.

        Returns:
            Whether it was done.
        """
        with contextlib.ExitStack() as stack:
            try:
                for lock in self.root.glob(f'{LOCK}_rank*'):
                    # A moment's patience: others that have just ended look, too.
                    stack.enter_context(only_one(str(lock), 'another rank', patience=1))
            except BusyError:
                return False
            for pattern in ('*.tmp', '*.unreadable'):
                for left in self.root.rglob(pattern):
                    left.unlink(missing_ok=True)
            (self.root / 'UNFINISHED').unlink(missing_ok=True)
        return True

    def description(self) -> dict:
        """What :meth:`begin` was given.

        Raises:
            FileNotFoundError: If there is no cache.
            ValueError: If it is not finished.
        """
        if not (self.root / 'cache.json').is_file():
            raise FileNotFoundError(
                f'no teacher cache at {self.root}: write it with tools/cache_teacher.py CONFIG, or correct the path'
            )
        if (self.root / 'UNFINISHED').exists():
            raise ValueError(f'the teacher cache {self.root} is not finished: run {self.TOOL} again, it resumes')
        return read_json(self.root / 'cache.json')

    @cached_property
    def space(self) -> str:
        """What the numbers of its depth mean, one of :data:`fsmde.structures.DEPTH_SPACES`."""
        return self.description()['space']

    def check_identity(self, identity: dict) -> None:
        """Raise a ValueError that says in what a teacher differs from the one that wrote the cache."""
        found = self.description()
        self._check(found, dict(found, identity=json.loads(json.dumps(identity))))

    def check_same(self, read) -> None:
        """Make sure that answers of another cache can be taken for those of this one.

        Args:
            read: The cache that a pipeline reads, where this is the model's: of other frames, perhaps.

        Raises:
            ValueError: If it is of another teacher or space, or lacks features that are here; names both folders.
        """
        found, expected = read.description(), self.description()
        if expected['feature_channels'] is None:
            found['feature_channels'] = None
        if found['space'] != expected['space']:
            # All else that differs between metres and what they were made of is beside the point.
            names = f'space {found["space"]} there, {expected["space"]} here'
        else:
            names = _differences(found, expected)
        if names:
            raise ValueError(
                f'the pipeline reads the teacher cache {read.root}, and the model takes it for {self.root}: {names}. Name '
                'caches of one teacher and one space in both, LoadTeacherAnswers(cache=...) and CachedTeacher(cache=...)'
            )

    def _write(self, frame_id, arrays):
        file = io.BytesIO()
        # Not compressed: float16 hardly shrinks, and a worker would spend its time unpacking.
        np.savez(file, frame_id=np.array(frame_id), **arrays)
        write_bytes(self.path(frame_id), file.getvalue())

    def _content(self, frame_id):
        path = self.path(frame_id)
        try:
            return read_npz(path)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f'frame {frame_id} is not in the teacher cache {self.root}: was it written for another split or data '
                f'set? Run {self.TOOL} again, it adds what is missing'
            ) from error
        except ValueError as error:
            raise ValueError(f'{error}: remove it and run {self.TOOL} again') from error

    def _check_arrays(self, path, content, shapes, kinds, optional):
        for name in kinds:
            array = content.get(name)
            if array is None and name in optional:
                continue
            fits = array is not None and array.dtype.kind in kinds[name] and len(array.shape) == len(shapes[name])
            if not fits or any(b not in ('*', a) for a, b in zip(array.shape, shapes[name])):
                found = 'none' if array is None else f'{array.dtype} {array.shape}'
                raise ValueError(
                    f'{path}: expected {name} of shape {shapes[name]}, found {found}: remove it and run {self.TOOL} again'
                )

    def _check(self, found, expected):
        names = _differences(found, expected)
        if names:
            raise ValueError(
                f'the teacher cache {self.root} is of another teacher: {names}. Name the teacher it was written with, or '
                'write a new one to another folder'
            )


def _differences(found, expected):
    """In what two descriptions differ, as `name value there, value here; ...`, as far as answers follow from it."""

    def flat(description):
        # No answer follows from a name or a licence, and none from the folder that `answers` may name: the identity's are
        # laid over it.
        return {**description, **description['identity'], 'identity': None, 'name': None, 'licence': None}

    found, expected = flat(found), flat(expected)
    names = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
    return '; '.join(f'{name} {found.get(name)} there, {expected.get(name)} here' for name in names)
