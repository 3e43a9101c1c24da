"""A frozen teacher's answers on disk: tools/cache_teacher.py writes them, training reads them.

Besides what :mod:`.folder` says, a frame's file holds depth (N, h, w) float16, NaN where the teacher saw nothing; perhaps
features (N, C, h', w') float16; and what the teacher was shown: thumbnails, size, cam2img, and of those that read them cam2ego
and the number of the frame's lidar_points.
"""

import cv2
import numpy as np

from .folder import CacheFolder

#: Width and height of the thumbnails by which a view is recognised, and how far their grey values may differ: image
#: decoders and resizers of other builds round otherwise.
THUMBNAIL, TOLERANCE = (16, 10), 2


class TeacherCache(CacheFolder):
    """A folder of answers."""

    TOOL = 'tools/cache_teacher.py'

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
        content.update(shown(views, cam2img, **read))
        self._write(frame_id, content)

    def read(self, frame_id: str, views: list, cam2img, **read) -> tuple:
        """The answer for a frame.

        Args:
            views, cam2img, read: What the teacher would be given now, see :meth:`write`; what it does not read may be there.

        Returns:
            depth (N, h, w) float16, NaN where the teacher saw nothing; and features (N, C, h', w') float16 or None.

        Raises:
            FileNotFoundError: If the frame is not in the cache.
            ValueError: If its file is cut, or the teacher was shown something else.
        """
        path, content = self.path(frame_id), self._content(frame_id)
        self._check_layout(path, content, len(views))
        self._check_shown(path, frame_id, content, shown(views, cam2img, **read))
        return content['depth'], content.get('features')

    def _check_layout(self, path, content, views):
        """What :meth:`write` writes of a frame of so many views is there, in its type and of its shape."""
        shapes = dict(
            depth=(views, '*', '*'), features=(views, '*', '*', '*'), thumbnails=(views, *THUMBNAIL[::-1], 3)
        )
        shapes.update(size=(views, 2), cam2img=(views, 3, 3), frame_id=(), cam2ego=(views, 4, 4), lidar_points=())
        kinds = dict(depth='f', features='f', thumbnails='u', size='iu', cam2img='f', frame_id='U')
        kinds.update(cam2ego='f', lidar_points='iu')
        self._check_arrays(path, content, shapes, kinds, optional=('features', 'cam2ego', 'lidar_points'))

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


def shown(views: list, cam2img, **read) -> dict:
    """By what views are recognised: ``thumbnails`` (N, 10, 16, 3) uint8, ``size`` (N, 2), ``cam2img`` (N, 3, 3), and more."""
    return dict(
        thumbnails=np.stack([cv2.resize(view, THUMBNAIL, interpolation=cv2.INTER_AREA) for view in views]),
        size=np.array([view.shape[:2] for view in views]),
        cam2img=np.asarray(cam2img, dtype=np.float64),
        **{name: np.asarray(value) for name, value in read.items()},
    )
