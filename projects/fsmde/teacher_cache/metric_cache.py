"""A relative teacher's answers in metres: tools/scale_answers.py writes a scale of each view, training reads both.

Besides what :mod:`.folder` says, cache.json names the folder of the answers (``answers``, a relative path), and a frame's file
holds ``scale`` (N,) float64: metres a unit of their depth, NaN where none was found; ``log_ratio`` (N,) float64, by which ln
ratio depth then exceeds LiDAR, and ``d1`` (N,) float64, its δ1 there, NaN for unknown; and ``answer``, the
:func:`checksum` of the depth that they are of; and ``poses``, that of the poses that they were found with.
"""

import zlib
from functools import cached_property
from pathlib import Path

import numpy as np

from fsmde.plain_data import read_json

from .cache import TeacherCache
from .folder import CacheFolder


def open_cache(root):
    """The cache in a folder, a :class:`TeacherCache` or a :class:`MetricCache`: both are read alike."""
    path = Path(root, 'cache.json')
    return MetricCache(root) if path.is_file() and 'answers' in read_json(path) else TeacherCache(root)


class MetricCache(CacheFolder):
    """A folder of scales, and the answers in another one that they are of.

    Args:
        root: The folder.
    """

    TOOL = 'tools/scale_answers.py'

    @cached_property
    def answers(self) -> TeacherCache:
        """What there are scales for."""
        return TeacherCache(self.root / read_json(self.root / 'cache.json')['answers'])

    def description(self) -> dict:
        """See :meth:`CacheFolder.description`.

        Raises:
            FileNotFoundError: If there is no cache, or not the one that it has scales for.
            ValueError: If either is not finished, or there are other answers than it has scales for.
        """
        found = super().description()
        if not (self.answers.root / 'cache.json').is_file():
            raise FileNotFoundError(
                f'the teacher cache {self.root} has scales for answers in {self.answers.root}, and there are none: move '
                f'both folders together, or run {self.TOOL} again with --answers, which keeps the scales'
            )
        self.answers.check_identity(found['identity']['answers'])
        return found

    def check_identity(self, identity: dict) -> None:
        """Raise a ValueError that says in what a teacher differs from the one whose answers these are."""
        self.description()
        self.answers.check_identity(identity)

    def read(self, frame_id: str, views: list, cam2img, **read) -> tuple:
        """The answer for a frame, see :meth:`TeacherCache.read`.

        Returns:
            depth (N, h, w) float16 in metres, NaN where the teacher saw nothing and in views without a scale; and features
            (N, C, h', w') float16 or None.

        Raises:
            FileNotFoundError: If the frame is not in the cache.
            ValueError: If its file is cut, the teacher was shown something else, or the answer is not the one that the scale
                is of.
        """
        content = self._scales(frame_id)
        depth, features = self.answers.read(frame_id, views, cam2img, **read)
        # Files of before there was a checksum have none.
        if len(content['scale']) != len(depth) or 'answer' in content and content['answer'] != checksum(depth):
            raise ValueError(
                f'{self.path(frame_id)} has {len(content["scale"])} scales of another answer than is in '
                f'{self.answers.root}: remove it and run {self.TOOL} again'
            )
        return in_metres(depth, content['scale'], self.answers.space), features

    def has_scale(self, frame_id: str, poses: int) -> bool:
        """Whether a frame's scales are there, found with poses of this :func:`checksum`.

        Raises:
            ValueError: If its file is cut or another one's.
        """
        # Files of before there was a checksum have none.
        return self.path(frame_id).is_file() and self._scales(frame_id).get('poses', poses) == poses

    def write_scale(self, frame_id: str, scale, log_ratio, d1, answer: int, poses: int) -> None:
        """Store the scales (N,) of a frame's views, and how depth in metres compares with LiDAR.

        Args:
            log_ratio: Median of ln depth / LiDAR of each view (N,), NaN for unknown.
            d1: Share of each view's LiDAR pixels (N,) at which their ratio is within 1.25, NaN for unknown.
            answer: The :func:`checksum` of the depth that they are of.
            poses: That of the poses that they were found with.
        """
        self._write(frame_id, dict(scale=scale, log_ratio=log_ratio, d1=d1, answer=answer, poses=poses))

    def read_scale(self, frame_id: str) -> tuple:
        """Scales, ln ratios and δ1 that :meth:`write_scale` was given.

        Raises:
            FileNotFoundError, ValueError: If the frame is not in the cache, or its file is cut or another one's.
        """
        content = self._scales(frame_id)
        # Files of before it was judged have none.
        return content['scale'], content['log_ratio'], content.get('d1', np.full(len(content['scale']), np.nan))

    def _scales(self, frame_id):
        path, content = self.path(frame_id), self._content(frame_id)
        shapes = dict(scale=('*',), log_ratio=('*',), d1=('*',), frame_id=(), answer=(), poses=())
        kinds = dict(scale='f', log_ratio='f', d1='f', frame_id='U', answer='iu', poses='iu')
        self._check_arrays(path, content, shapes, kinds, optional=('answer', 'd1', 'poses'))
        if str(content['frame_id']) != frame_id:
            raise ValueError(f'{path} is of frame {content["frame_id"]}: remove it and run {self.TOOL} again')
        return content


def checksum(array) -> int:
    """By which poses are known, and an answer (N, h, w) float16: another one of the same teacher, of larger images, has other
    units.
    """
    return zlib.crc32(np.ascontiguousarray(array))


def in_metres(depth, scale, space: str):
    """A teacher's relative depth (N, h, w) of a space in metres by scales (N,).

    Returns:
        (N, h, w) float16, NaN where depth or scale is; what is infinitely far is 10 km away.
    """
    depth, scale = depth.astype(np.float32), np.asarray(scale, np.float32)[:, None, None]
    with np.errstate(divide='ignore'):
        metres = scale / depth.clip(min=0) if space.startswith('disparity') else scale * depth
    return metres.clip(max=1e4).astype(np.float16)
