"""What is compared with what: a suite is a list of arms, an arm is a config, a run is an arm with a seed."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from mmengine.config import Config

from fsmde.engine.config_files import read_config, read_config_file

#: What a suite, and what an arm in it, may say.
SUITE_KEYS = ('arms', 'baseline', 'seeds', 'split')
ARM_KEYS = ('name', 'config', 'title', 'cfg_options', 'seeds', 'baseline', 'suite')


@dataclass(frozen=True)
class Arm:
    """One of the things that are compared.

    Args:
        name: What its files are called.
        config: Path of its config.
        title: What tables call it; the name by default.
        cfg_options: Settings by dotted names that are changed in the config, such as
            ``{'model.distillers.0.loss_weight': 0.3}``.
        seeds: Instead of the suite's.
        baseline: Name of the arm that its gains are over, instead of the suite's.
        suite: Suite under whose name its runs are filed: arms of several suites share their runs.
    """

    name: str
    config: str
    title: str
    cfg_options: dict
    seeds: tuple
    baseline: str
    suite: str


@dataclass(frozen=True)
class Suite:
    """Arms that are compared in one table.

    Args:
        name: Of its file.
        arms: :class:`Arm` by name, in the order of the table.
        split: Split that is evaluated on, ``'test'`` or, to choose among settings, ``'val'``.
    """

    name: str
    arms: dict
    split: str


@dataclass(frozen=True)
class Run:
    """One training and its evaluation.

    Args:
        arm: The :class:`Arm`.
        seed: Of weights, order and augmentation.
        split: Evaluated split.
        out: Folder of the benchmark's results.
        work_root: Folder of checkpoints and logs.
        data_root: Replaces the configs' data set, None for their own.
        threads: Threads of torch, None for its own choice.
    """

    arm: Arm
    seed: int
    split: str = 'test'
    out: Path = Path('docs/benchmark')
    work_root: Path = Path('work_dirs/benchmark')
    data_root: str = None
    threads: int = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """``suite/arm seed k``."""
        return f'{self.arm.suite}/{self.arm.name} seed {self.seed}'

    @property
    def record_path(self) -> Path:
        """Where its figures are kept; there only if it is finished."""
        return Path(self.out, self.arm.suite, self.arm.name, f'seed{self.seed}.json')

    @property
    def work_dir(self) -> Path:
        """Where its checkpoint and logs are."""
        return Path(self.work_root, self.arm.suite, self.arm.name, f'seed{self.seed}')

    def read_config(self) -> Config:
        """The arm's config with what the suite changes in it, before seed and split."""
        return read_config(self.arm.config, self.data_root, dict(self.arm.cfg_options))

    def evaluate_on_split(self, cfg: Config) -> Config:
        """Set the split that a config evaluates on, in place."""
        if self.split != cfg.test_dataloader.dataset.get('split', 'test'):
            cfg.test_dataloader.dataset.split = self.split
        return cfg


def read_suite(path) -> Suite:
    """Read a suite, a Python file of plain data; its name is the file's. Names that begin with ``_`` are helpers.

    Raises:
        ValueError: If it says something unknown, an arm twice, or a baseline that is no arm.
    """
    path = Path(path)
    content = {key: value for key, value in read_config_file(path).to_dict().items() if not key.startswith('_')}
    _check_keys(path, content, SUITE_KEYS, ('arms', 'baseline'))
    arms = {}
    for entry in content['arms']:
        _check_keys(path, entry, ARM_KEYS, ('name', 'config'))
        name = entry['name']
        if name in arms:
            raise ValueError(f'{path}: two arms are called {name!r}')
        if not re.fullmatch(r'[\w.+-]+', name):
            raise ValueError(f'{path}: {name!r} is to be a folder: use letters, digits and _.+- only')
        arms[name] = Arm(
            name,
            entry['config'],
            entry.get('title', name),
            entry.get('cfg_options', {}),
            tuple(entry.get('seeds', content.get('seeds', [0, 1, 2]))),
            entry.get('baseline', content['baseline']),
            entry.get('suite', path.stem),
        )
    for arm in arms.values():
        if arm.baseline not in arms:
            raise ValueError(
                f'{path}: the baseline {arm.baseline!r} of {arm.name!r} is no arm; there are {list(arms)}'
            )
    return Suite(path.stem, arms, content.get('split', 'test'))


def _check_keys(path, found, known, needed):
    unknown, missing = sorted(set(found) - set(known)), sorted(set(needed) - set(found))
    if unknown or missing:
        what = f'has the unknown keys {unknown}' if unknown else f'lacks {missing}'
        raise ValueError(f'{path}: {found.get("name", "the suite")} {what}; it may say {list(known)}')
