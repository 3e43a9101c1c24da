"""How frames and cameras are called on disk: the one place that turns a name into a path, for writers and readers.

Names of scenes and cameras come from foreign files. Whatever they hold, two of them never share a file, and no file lies
outside the folder that it is meant for.
"""

import hashlib
import os
import re
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import quote

#: Bytes of a file name that a name may take: 255 is what file systems allow, with room for an ending.
LONGEST = 240
#: How much of a longer name stays readable before its hash.
KEPT = 100
#: Windows has devices of these names, whatever ending they are given.
DEVICES = re.compile(r'(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\.|$)', re.IGNORECASE)


def output_name(name: str) -> str:
    """One component of a path that stands for a name, and for no other name.

    Letters, digits and ``_.-+~`` of ASCII stay as they are. Everything else is percent-encoded as in a URL: ``a b`` is
    ``a%20b``. So are what a file system would take for something else: a name of dots (``..`` is ``.%2E``), a dot at the
    end, which Windows drops, and the first letter of its devices (``%4EUL``). The empty name is ``%``. Of names over
    :data:`LONGEST` bytes the beginning is kept, then ``%-`` and the SHA-256 of the whole: these alone are distinct as far
    as hashes are.

    Args:
        name: Any text.
    """
    encoded = quote(name, safe='+', errors='surrogatepass')
    if encoded.endswith('.'):
        encoded = encoded[:-1] + '%2E'
    if DEVICES.match(encoded):
        encoded = f'%{ord(encoded[0]):02X}{encoded[1:]}'
    if len(encoded) > LONGEST:
        encoded = f'{encoded[:KEPT]}%-{hashlib.sha256(encoded.encode()).hexdigest()}'
    return encoded or '%'


def output_path(folder, frame_id: str, *names: str) -> Path:
    """Path, without ending, of what belongs to a frame: ``<folder>/<scene>/<sample>/<camera>``.

    Args:
        folder: Where everything lies.
        frame_id: Parts between its slashes become folders.
        names: Further components, such as a camera's name.
    """
    return Path(folder).joinpath(*map(output_name, (*frame_id.split('/'), *names)))


def check_frames(folder, dataset) -> None:
    """Make sure that no two frames or cameras of a data set share a file, see :func:`check_names`.

    Frames of mmdet3d's own data sets have their tokens for names, as ``SurroundFromInfos`` gives them.
    """
    infos = (dataset.get_data_info(index) for index in range(len(dataset)))
    check_names(folder, (info['frame_id'] if 'frame_id' in info else info['token'] for info in infos))
    meta = dataset.metainfo
    if 'parts' not in meta and 'cam_names' not in meta:
        meta = dict(cam_names=dataset.get_data_info(0)['images'])
    for part in meta.get('parts', {'': meta}).values():  # Of data sets that are joined each has a rig of its own.
        check_names(folder, part['cam_names'])


def check_names(folder, names) -> None:
    """Make sure that no two frames or cameras share a file.

    Args:
        folder: Where the files are or are going to be, made if absent.
        names: Frame ids of a data set, or camera names.

    Raises:
        ValueError: If a name is there twice, as in joined data sets, or if the folder's file system does not tell upper
            from lower case and two names differ in nothing else.
    """
    fold = str.lower if ignores_case(folder) else str
    seen = {}
    for name in names:
        path = fold(str(output_path('', name)))
        if path in seen:
            other = seen[path]
            if other == name:
                raise ValueError(
                    f'two frames or cameras are called {name!r}: their files in {folder} would be the same; if data sets '
                    'are joined, give each a folder and a call of its own'
                )
            raise ValueError(
                f'{folder} lies on a file system that does not tell upper from lower case: the files of {other!r} and '
                f'{name!r} would be the same; write to another disk'
            )
        seen[path] = name


def ignores_case(folder) -> bool:
    """Whether the file system of a folder, made if absent, takes ``a`` and ``A`` for one file."""
    os.makedirs(folder, exist_ok=True)
    with NamedTemporaryFile(prefix='fsmde_case_', suffix='.tmp', dir=folder) as probe:
        path = Path(probe.name)
        return path.with_name(path.name.upper()).exists()
