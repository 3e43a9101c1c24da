"""The evaluation protocols: what exactly a number in a table of surround depth means."""

from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType

from fsmde.rig import COLLISIONS

from .functional import MEDIANS

RESOLUTIONS = ('full', 'input')
AVERAGINGS = ('image', 'group')
FRAMES = ('all', 'inner', 'day')
GROUND_TRUTHS = ('lidar', 'dense', 'maps')
MASK_SIZES = RESOLUTIONS
BORDERS = ('pixel', 'point')
#: Depth in metres that each data set's tables stop at.
MAX_DEPTH = MappingProxyType({'ddad': 200.0, 'nuscenes': 80.0})
#: Height and width of the network's input that the published tables use.
INPUT_SIZE = MappingProxyType({'ddad': (384, 640), 'nuscenes': (352, 640)})
#: What a data set's points are rounded by, and its cameras.
ROUNDING = MappingProxyType({'ddad': 'truncate', 'nuscenes': 'round'})
CAMERAS = MappingProxyType(
    {
        'ddad': ('CAMERA_01', 'CAMERA_05', 'CAMERA_06', 'CAMERA_07', 'CAMERA_08', 'CAMERA_09'),
        'nuscenes': (
            'CAM_FRONT',
            'CAM_FRONT_LEFT',
            'CAM_FRONT_RIGHT',
            'CAM_BACK',
            'CAM_BACK_LEFT',
            'CAM_BACK_RIGHT',
        ),
    }
)


def differences(dataset_meta: dict) -> list:
    """In what a data set differs from the published one whose name it has, as sentences; empty if in nothing.

    A subclass inherits its parent's name, and with it the name alone would bring depth range, input size and frame rules
    of tables that it has no part in. So a data set is the published one only if all that these tables rest on agrees:
    the depth they stop at, how points become pixels, and that its cameras are that rig's. What is not stated is not
    compared.

    Args:
        dataset_meta: ``metainfo`` of the data set.
    """
    name = dataset_meta.get('dataset')
    if name not in MAX_DEPTH:
        return []
    found = []
    for key, published in (('max_depth', MAX_DEPTH[name]), ('rounding', ROUNDING[name])):
        if dataset_meta.get(key, published) != published:
            found.append(f'{key} is {dataset_meta[key]!r}, that of {name} {published!r}')
    if dataset_meta.get('views_of'):
        found.append(f'views of another geometry stand for {", ".join(dataset_meta["views_of"])}')
    cameras = dataset_meta.get('cam_names', CAMERAS[name])
    foreign = [camera for camera in cameras if camera.upper() not in CAMERAS[name]]
    if foreign:
        found.append(f'{name} has no camera {", ".join(foreign)}')
    missing = [camera for camera in CAMERAS[name] if camera not in map(str.upper, cameras)]
    if missing:
        found.append(f'{", ".join(missing)} of {name} are missing')
    return found


def identity(dataset_meta: dict):
    """The name under which protocols know a data set: its own, None if it is not what it is called.

    Args:
        dataset_meta: See :func:`differences`.
    """
    return None if differences(dataset_meta) else dataset_meta.get('dataset')


@dataclass(frozen=True)
class Protocol:
    """How predictions are compared with ground truth. Everything that moves a number is a field.

    Pixel coordinates of LiDAR points follow the data set's own rounding (DDAD truncates, nuScenes rounds).

    Args:
        name: What results are filed under.
        resolution: ``'full'``: ground truth at the camera's size, the prediction resized to it bilinearly with
            half-pixel centres. ``'input'``: the full-size ground truth is scattered to the published input size
            (pixel i goes to floor(i * scale), the last in raster order stays).
        min_depth: Ground truth counts if min_depth < g < max_depth; predictions are clamped to the range. Metres.
        max_depth: Metres by data set, see :func:`identity`; other data sets state theirs. A number is for all of them.
        collisions: Which of several points in a pixel stays, ``'nearest'`` or the ``'last'`` the sensor gave.
        mask: Whether pixels that show the car itself are left out.
        mask_size: Where the mask is read: at the point's pixel of the ``'full'`` image, or, with
            ``resolution='input'``, behind the scatter at the ``'input'``'s size, see
            :func:`fsmde.evaluation.ground_truth.shrunk_mask`.
        borders: What must lie in the image, by data set: the ``'pixel'`` that a point is rounded to (where it names
            none), or the ``'point'`` itself.
        averaging: ``'image'``: metrics of each image, mean over a camera's images, mean over cameras. ``'group'``:
            pixels of ``group_size`` consecutive frames are pooled per camera, then mean over cameras, then groups.
        group_size: Frames a group pools; a last group with fewer is dropped.
        median: Median of an even number of values, see :func:`fsmde.evaluation.functional.median_ratio`.
        clamp_before_median: Whether predictions are clamped before their median is taken, too.
        flip_augmentation: Whether predictions are meant to be averaged with those of the mirrored image. The model
            does that; it is stated here so that it is printed with the numbers.
        frames: Rule by data set, ``'all'`` where it names none: ``'inner'``: without each scene's first and last
            frame; ``'day'``: without frames tagged ``'night'``.
        published_frames: How many frames the published tables count, by data set.
        ground_truth: ``'lidar'``, where a data set has it ``'dense'``, or ``'maps'``: files in the place of LiDAR, see
            :mod:`fsmde.evaluation.depth_maps`.

    Raises:
        ValueError: If an option is unknown, or grouping and group size disagree.
    """

    name: str
    resolution: str = 'full'
    min_depth: float = 0.1
    max_depth: dict | float = field(default_factory=lambda: dict(MAX_DEPTH))
    collisions: str = 'nearest'
    mask: bool = True
    mask_size: str = 'full'
    borders: dict = field(default_factory=dict)
    averaging: str = 'image'
    group_size: int = 1
    median: str = 'mean'
    clamp_before_median: bool = False
    flip_augmentation: bool = False
    frames: dict = field(default_factory=dict)
    published_frames: dict = field(default_factory=dict)
    ground_truth: str = 'lidar'

    def __post_init__(self):
        for key, options in (
            ('resolution', RESOLUTIONS),
            ('collisions', COLLISIONS),
            ('mask_size', MASK_SIZES),
            ('averaging', AVERAGINGS),
            ('median', MEDIANS),
            ('ground_truth', GROUND_TRUTHS),
        ):
            if getattr(self, key) not in options:
                raise ValueError(
                    f'protocol {self.name!r}: {key} must be one of {options}, found {getattr(self, key)!r}'
                )
        for key, options in (('frames', FRAMES), ('borders', BORDERS)):
            unknown = set(getattr(self, key).values()) - set(options)
            if unknown:
                raise ValueError(f'protocol {self.name!r}: {key} must be of {options}, found {sorted(unknown)}')
        caps = self.max_depth.values() if isinstance(self.max_depth, dict) else [self.max_depth]
        if not all(isinstance(cap, (int, float)) and cap > self.min_depth for cap in caps):
            raise ValueError(
                f'protocol {self.name!r}: max_depth must be metres above min_depth, or such by data set, found '
                f'{self.max_depth!r}'
            )
        if self.mask_size == 'input' and self.resolution != 'input':
            raise ValueError(f"protocol {self.name!r}: mask_size='input' goes with resolution='input'")
        if self.group_size < 1 or (self.averaging == 'image') != (self.group_size == 1):
            raise ValueError(
                f"protocol {self.name!r}: averaging='image' takes group_size=1 and 'group' more, "
                f'found {self.averaging!r} with {self.group_size}'
            )

    def range_for(self, dataset_meta: dict) -> tuple:
        """Return (min_depth, max_depth) in metres for a data set.

        Raises:
            KeyError: If neither the protocol nor the data set states the far end.
        """
        far = self.max_depth
        if isinstance(far, dict):
            far = far.get(identity(dataset_meta), dataset_meta.get('max_depth'))
        if far is None:
            raise KeyError(
                f'protocol {self.name!r} has no max_depth for data set {dataset_meta.get("dataset")!r}, and the data '
                f'set states none: put max_depth (metres) into its metainfo'
            )
        return self.min_depth, float(far)

    def to_dict(self) -> dict:
        """All fields, as they are written into results.json."""
        return asdict(self)


#: Wei et al., SurroundDepth (CoRL 2022), runer.py and utils.py; SSDepth and S3Depth without the flip.
SURROUNDDEPTH = Protocol(
    'surrounddepth',
    collisions='last',
    mask=False,
    flip_augmentation=True,
    published_frames={'ddad': 3950, 'nuscenes': 6019},
)
#: Kim et al., VFDepth (NeurIPS 2022), utils/logger.py; CVCDepth and CylinderDepth the same without the mask.
VFDEPTH = Protocol(
    'vfdepth',
    resolution='input',
    min_depth=0.0,
    collisions='last',
    mask_size='input',
    # dataset/nuscenes_dataset.py, generate_depth_map: points are rounded after those outside are left out.
    borders={'nuscenes': 'point'},
    averaging='group',
    group_size=4,
    median='lower',
    clamp_before_median=True,
    # It wants both temporal neighbours on DDAD; its list of nuScenes tokens is the validation set without the night.
    frames={'ddad': 'inner', 'nuscenes': 'day'},
    published_frames={'ddad': 3850, 'nuscenes': 5417},
)
#: Ours: full size, the nearest surface, without the car itself, nothing averaged away, every frame counted.
FSMDE = Protocol('fsmde')
#: Ours, against ground truth in every pixel (rendered data).
FSMDE_DENSE = Protocol('fsmde_dense', ground_truth='dense')

PROTOCOLS = MappingProxyType({p.name: p for p in (FSMDE, SURROUNDDEPTH, VFDEPTH, FSMDE_DENSE)})


def get_protocol(protocol) -> Protocol:
    """Look a protocol up by name; a :class:`Protocol`, or a dict of its fields, is taken as it is.

    Raises:
        KeyError: If there is none of that name; lists those there are.
        ValueError: If a field is unknown, or see :class:`Protocol`.
    """
    if isinstance(protocol, Protocol):
        return protocol
    if isinstance(protocol, dict):
        names = [f.name for f in fields(Protocol)]
        if 'name' not in protocol or not set(protocol) <= set(names):
            raise ValueError(f'a protocol has a name and some of {names[1:]}, found {list(protocol)}')
        return Protocol(**protocol)
    if protocol not in PROTOCOLS:
        raise KeyError(f'unknown protocol {protocol!r}; there are {", ".join(PROTOCOLS)}')
    return PROTOCOLS[protocol]


def as_list(protocol) -> list:
    """What names one protocol, see :func:`get_protocol`, or several in a list or tuple, as a list."""
    return list(protocol) if isinstance(protocol, (list, tuple)) else [protocol]
