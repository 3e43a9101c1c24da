"""A frozen teacher's answers on disk, one file a frame: tools/cache_teacher.py writes them, training reads them.

<root>/cache.json       whose answers they are: the teacher's identity, space and feature channels
<root>/UNFINISHED       there until every frame is
<root>/.lock_rank<r>    locked while the process of this rank writes
<root>/<frame_id>.unreadable    why a frame has no answer; they go when the cache is complete
<root>/<frame_id>.npz   depth (N, h, w) float16, NaN where the teacher saw nothing; perhaps features
                        (N, C, h', w') float16; and what the teacher was shown: thumbnails, size, cam2img, and of those
                        that read them cam2ego and the number of the frame's lidar_points

A cache in metres, of tools/scale_answers.py, is another folder, whose cache.json names that of the answers (``answers``, a
relative path) and whose files hold ``scale`` (N,) float64: metres a unit of their depth, NaN where none was found; and
``log_ratio`` (N,) float64, by which ln ratio depth then exceeds LiDAR, NaN for unknown; and ``answer``, the
:func:`checksum` of the depth that they are of.
"""

import contextlib
import io
import json
import zlib
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from fsmde.array_files import read_npz
from fsmde.concurrency import LOCK, BusyError, only_one
from fsmde.output_files import write_bytes
from fsmde.output_names import output_path
from fsmde.plain_data import read_json

FORMAT = 1
#: Width and height of the thumbnails by which a view is recognised, and how far their grey values may differ: image
#: decoders and resizers of other builds round otherwise.
THUMBNAIL, TOLERANCE = (16, 10), 2


class TeacherCache:
    """A folder of answers.

    Args:
        root: The folder.
    """

    def __init__(self, root):
        self.root = Path(root)

    @cached_property
    def answers(self) -> 'TeacherCache':
        """The cache that this one has scales for, None where it holds answers itself."""
        about = self.root / 'cache.json'
        folder = read_json(about).get('answers') if about.is_file() else None
        return folder and TeacherCache(self.root / folder)

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
        self.__dict__.pop('answers', None)

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
            FileNotFoundError: If there is no cache, or not the one that it has scales for.
            ValueError: If it is not finished or of another format, or has scales for other answers than are there.
        """
        if not (self.root / 'cache.json').is_file():
            raise FileNotFoundError(
                f'no teacher cache at {self.root}: write it with tools/cache_teacher.py CONFIG, or correct the path'
            )
        if (self.root / 'UNFINISHED').exists():
            raise ValueError(f'the teacher cache {self.root} is not finished: run {self._tool} again, it resumes')
        found = read_json(self.root / 'cache.json')
        if self.answers:
            if not (self.answers.root / 'cache.json').is_file():
                raise FileNotFoundError(
                    f'the teacher cache {self.root} has scales for answers in {self.answers.root}, and there are none: move '
                    f'both folders together, or run {self._tool} again with --answers, which keeps the scales'
                )
            self.answers.check_identity(found['identity']['answers'])
        return found

    def check_identity(self, identity: dict) -> None:
        """Raise a ValueError that says in what a teacher differs from the one that wrote the cache."""
        found = self.description()
        if self.answers:
            return self.answers.check_identity(identity)
        self._check(found, dict(found, identity=json.loads(json.dumps(identity))))

    def write(self, frame_id: str, views: list, cam2img, depth, features=None, **read) -> None:
        """Store one answer; the file appears when it is complete.

        Args:
            views, cam2img: N (H, W, 3) uint8 BGR images and (N, 3, 3) intrinsics that the teacher was given.
            depth: (N, h, w) float32 in the teacher's space, NaN where it saw nothing.
            features: (N, C, h', w') float32.
            read: What else the teacher reads: ``cam2ego`` (N, 4, 4), ``lidar_points``, their number.

        Raises:
            ValueError: If a value is too large for float16.
            OSError: If it cannot be written, a full disk among others; no partial file is left.
        """
        content = dict(depth=depth) if features is None else dict(depth=depth, features=features)
        for name, values in content.items():
            if np.nanmax(np.abs(values), initial=0) > np.finfo(np.float16).max:
                raise ValueError(
                    f"frame {frame_id}: the teacher's {name} reaches {np.nanmax(np.abs(values)):.3g}, float16 ends at 65504"
                )
            content[name] = values.astype(np.float16)
        content.update(shown(views, cam2img, **read), frame_id=np.array(frame_id))
        file = io.BytesIO()
        # Not compressed: float16 hardly shrinks, and a worker would spend its time unpacking.
        np.savez(file, **content)
        write_bytes(self.path(frame_id), file.getvalue())

    def read(self, frame_id: str, views: list, cam2img, **read) -> tuple:
        """The answer for a frame.

        Args:
            views, cam2img, read: What the teacher would be given now, see :meth:`write`; what it does not read may be there.

        Returns:
            depth (N, h, w) float16, NaN where the teacher saw nothing, in metres where this cache has its scale; and features
            (N, C, h', w') float16 or None.

        Raises:
            FileNotFoundError: If the frame is not in the cache.
            ValueError: If its file is cut, the teacher was shown something else, or the answer is not the one that the scale
                is of.
        """
        if self.answers:
            content = self._scales(frame_id)
            depth, features = self.answers.read(frame_id, views, cam2img, **read)
            # Files of before there was a checksum have none.
            if len(content['scale']) != len(depth) or 'answer' in content and content['answer'] != checksum(depth):
                raise ValueError(
                    f'{self.path(frame_id)} has {len(content["scale"])} scales of another answer than is in '
                    f'{self.answers.root}: remove it and run {self._tool} again'
                )
            return in_metres(depth, content['scale'], self.answers.space), features
        path, content = self.path(frame_id), self._content(frame_id)
        self._check_layout(path, content, len(views))
        self._check_shown(path, frame_id, content, shown(views, cam2img, **read))
        return content['depth'], content.get('features')

    @cached_property
    def space(self) -> str:
        """What the numbers of its depth mean, one of :data:`fsmde.structures.DEPTH_SPACES`."""
        return self.description()['space']

    def write_scale(self, frame_id: str, scale, log_ratio, answer: int) -> None:
        """Store the scales (N,) of a frame's views, and by which ln ratio (N,) they exceed LiDAR, NaN for unknown.

        Args:
            answer: The :func:`checksum` of the depth that they are of.
        """
        arrays = dict(scale=scale, log_ratio=log_ratio, answer=answer, frame_id=frame_id)
        file = io.BytesIO()
        np.savez(file, **{name: np.asarray(value) for name, value in arrays.items()})
        write_bytes(self.path(frame_id), file.getvalue())

    def read_scale(self, frame_id: str) -> tuple:
        """Scales and ln ratios that :meth:`write_scale` was given.

        Raises:
            FileNotFoundError, ValueError: If the frame is not in the cache, or its file is cut or another one's.
        """
        content = self._scales(frame_id)
        return content['scale'], content['log_ratio']

    def _scales(self, frame_id):
        path, content = self.path(frame_id), self._content(frame_id)
        shapes = dict(scale=('*',), log_ratio=('*',), frame_id=(), answer=())
        kinds = dict(scale='f', log_ratio='f', frame_id='U', answer='iu')
        self._check_arrays(path, content, shapes, kinds, optional=('answer',))
        if str(content['frame_id']) != frame_id:
            raise ValueError(f'{path} is of frame {content["frame_id"]}: remove it and run {self._tool} again')
        return content

    def _content(self, frame_id):
        path = self.path(frame_id)
        try:
            return read_npz(path)
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f'frame {frame_id} is not in the teacher cache {self.root}: was it written for another split or data '
                f'set? Run {self._tool} again, it adds what is missing'
            ) from error
        except ValueError as error:
            raise ValueError(f'{error}: remove it and run {self._tool} again') from error

    @property
    def _tool(self):
        return 'tools/scale_answers.py' if self.answers else 'tools/cache_teacher.py'

    def _check_layout(self, path, content, views):
        """What :meth:`write` writes of a frame of so many views is there, in its type and of its shape."""
        shapes = dict(
            depth=(views, '*', '*'), features=(views, '*', '*', '*'), thumbnails=(views, *THUMBNAIL[::-1], 3)
        )
        shapes.update(size=(views, 2), cam2img=(views, 3, 3), frame_id=(), cam2ego=(views, 4, 4), lidar_points=())
        kinds = dict(depth='f', features='f', thumbnails='u', size='iu', cam2img='f', frame_id='U')
        kinds.update(cam2ego='f', lidar_points='iu')
        self._check_arrays(path, content, shapes, kinds, optional=('features', 'cam2ego', 'lidar_points'))

    def _check_arrays(self, path, content, shapes, kinds, optional):
        for name in kinds:
            array = content.get(name)
            if array is None and name in optional:
                continue
            fits = array is not None and array.dtype.kind in kinds[name] and len(array.shape) == len(shapes[name])
            if not fits or any(b not in ('*', a) for a, b in zip(array.shape, shapes[name])):
                found = 'none' if array is None else f'{array.dtype} {array.shape}'
                raise ValueError(
                    f'{path}: expected {name} of shape {shapes[name]}, found {found}: remove it and run {self._tool} again'
                )

    def _check_shown(self, path, frame_id, content, now):
        wrong = []
        if str(content['frame_id']) != frame_id:
            wrong.append(f'it is of frame {content["frame_id"]}')
        if not np.array_equal(content['size'], now['size']):
            wrong.append(f'the teacher was shown {content["size"].tolist()} pixels, now {now["size"].tolist()}')
        elif np.abs(content['thumbnails'].astype(int) - now['thumbnails']).max() > TOLERANCE:
            wrong.append('the images differ')
        if not np.allclose(content['cam2img'], now['cam2img'], rtol=1e-3):
            wrong.append('the intrinsics differ')
        if 'cam2ego' in content and not np.allclose(content['cam2ego'], now['cam2ego'], atol=1e-3):
            wrong.append('the poses of the cameras differ')
        if 'lidar_points' in content and content['lidar_points'] != now['lidar_points']:
            wrong.append(
                f'the teacher read {content["lidar_points"]} LiDAR points, now {now["lidar_points"]} are loaded'
            )
        if wrong:
            raise ValueError(
                f'{path} is stale: {"; ".join(wrong)}. Transforms before LoadTeacherAnswers must be those the cache was '
                f'written with, and not random; otherwise write a new cache with tools/cache_teacher.py'
            )

    def _check(self, found, expected):
        def flat(description):
            # No answer follows from a name or a licence.
            return {**description, **description['identity'], 'identity': None, 'name': None, 'licence': None}

        found, expected = flat(found), flat(expected)
        names = sorted(key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key))
        if names:
            raise ValueError(
                f'the teacher cache {self.root} is of another teacher: '
                + '; '.join(f'{name} {found.get(name)} there, {expected.get(name)} here' for name in names)
                + '. Name the teacher it was written with, or write a new one to another folder'
            )


def shown(views: list, cam2img, **read) -> dict:
    """By what views are recognised: ``thumbnails`` (N, 10, 16, 3) uint8, ``size`` (N, 2), ``cam2img`` (N, 3, 3), and more."""
    return dict(
        thumbnails=np.stack([cv2.resize(view, THUMBNAIL, interpolation=cv2.INTER_AREA) for view in views]),
        size=np.array([view.shape[:2] for view in views]),
        cam2img=np.asarray(cam2img, dtype=np.float64),
        **{name: np.asarray(value) for name, value in read.items()},
    )


def checksum(depth) -> int:
    """By which an answer (N, h, w) float16 is known: another one of the same teacher, of larger images, has other units."""
    return zlib.crc32(np.ascontiguousarray(depth))


def in_metres(depth, scale, space: str):
    """A teacher's relative depth (N, h, w) of a space in metres by scales (N,).

    Returns:
        (N, h, w) float16, NaN where depth or scale is; what is infinitely far is 10 km away.
    """
    depth, scale = depth.astype(np.float32), np.asarray(scale, np.float32)[:, None, None]
    with np.errstate(divide='ignore'):
        metres = scale / depth.clip(min=0) if space.startswith('disparity') else scale * depth
    return metres.clip(max=1e4).astype(np.float16)
