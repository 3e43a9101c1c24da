"""The metric that mmengine's evaluator calls."""

import os.path as osp
import sys
from collections.abc import Sequence

from mmdet3d.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from fsmde.output_files import write_text
from fsmde.plain_data import read_json

from .aggregate import distinct_frames
from .flicker import flicker_results
from .frame import MODES, Regions
from .functional import METRICS as NAMES
from .protocols import as_list, get_protocol
from .report import all_tables, camera_table, consistency_tables, flicker_tables, protocol_table
from .result_files import SCHEMA, versions, write_results
from .results import consistency_results, protocol_results
from .rows import FrameReducer
from .spool import Spool

CONSISTENCIES = ('occlusion_tested', 'cylinderdepth')


@METRICS.register_module()
class SurroundDepthMetric(BaseMetric):
    """Depth errors of a rig of cameras under one or several named protocols, in one pass over the data.

    Keys of the returned dictionary, for ``save_best`` and the curves: ``depth/abs_rel`` and so on for the first
    protocol in metric scale, ``depth/<mode>/abs_rel`` in its other modes, ``depth/<camera>/abs_rel``,
    ``depth/<protocol>/abs_rel`` for the other protocols, ``depth/consistency/abs_rel``, ``depth/flicker/abs_log`` and
    ``depth/non_finite`` and ``depth/coverage``, the share of the images that have any ground truth.
    Everything else is in ``results.json`` (docs/evaluation.md) and, on the main process, in the attribute
    ``results_dict`` after :meth:`evaluate`.

    Args:
        protocol: A name, a :class:`fsmde.evaluation.Protocol`, a dict of its fields, or a list of these.
        modes: Of :data:`fsmde.evaluation.frame.MODES`; ``'affine'`` is for relative networks, beside or without the rest.
        distances: Edges in metres of the distance intervals that figures are given for.
        consistency: Cross-view measures, of :data:`CONSISTENCIES`.
        flicker: Whether to compare successive frames, see :mod:`fsmde.evaluation.flicker`; needs poses.
        frame_list: File with one ``frame_id`` a line: counts these in place of the protocols' own rules.
        tags_file: JSON file, ``{frame_id or scene: [tag, ...]}``, added to the tags of the data set.
        out_dir: Folder for results.json, per_image.csv, results.md and results.tex; none are written without it.
        run: What the predictions come from, written into results.json as it is: ``config``, ``checkpoint``,
            ``checkpoint_sha256``; ``flip_augmentation`` if predictions were averaged with the mirrored image's.
        collect_device, prefix: See :class:`mmengine.evaluator.BaseMetric`.

    Raises:
        KeyError, ValueError: If a protocol, a mode or a measure is unknown, or two protocols share a name; behind the first
            frame, if the data set is not one of surround depth.

    Examples:
        >>> val_evaluator = dict(type=SurroundDepthMetric, protocol=['fsmde', 'surrounddepth', 'vfdepth'])
        >>> default_hooks = dict(checkpoint=dict(type=CheckpointHook, save_best='depth/abs_rel', rule='less'))
    """

    default_prefix = 'depth'

    def __init__(
        self,
        protocol='fsmde',
        modes: Sequence = ('metric', 'median', 'shared_median'),
        distances: Sequence = Regions.distances,
        consistency: Sequence = ('occlusion_tested',),
        flicker: bool = False,
        frame_list: str = None,
        tags_file: str = None,
        out_dir: str = None,
        run: dict = None,
        collect_device: str = 'cpu',
        prefix: str = None,
    ):
        super().__init__(collect_device, prefix)
        names = as_list(protocol)
        self.protocols = {p.name: p for p in map(get_protocol, names)}
        if len(self.protocols) < len(names):
            raise ValueError(f'protocols must differ by name, found {[get_protocol(name).name for name in names]}')
        for what, found, options in (('modes', modes, MODES), ('consistency', consistency, CONSISTENCIES)):
            if not set(found) <= set(options):
                raise ValueError(f'{what} must be of {options}, found {tuple(found)}')
        self.modes = tuple(mode for mode in MODES if mode in modes)
        self.regions = Regions(tuple(map(float, distances)))
        self.consistency, self.flicker = tuple(consistency), flicker
        self.frame_list_name = frame_list and osp.basename(frame_list)
        self.frame_list = _lines(frame_list) if frame_list else None
        self.tags = _read_tags(tags_file) if tags_file else {}
        self.out_dir, self.run = out_dir, dict(run or {})
        self.results_dict = None
        self._spool, self._reduce, self._expected = Spool(), None, None

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Reduce each frame to one row of sums."""
        if self._reduce is None:
            if 'cam_names' not in self.dataset_meta:
                raise ValueError(
                    'SurroundDepthMetric measures on data sets of surround depth, and this one states no cam_names. Of a '
                    "detector's student: tools/test.py --out FOLDER writes its depth maps, and "
                    'tools/analysis_tools/eval_predictions.py compares them, with the config of an estimator'
                )
            self._reduce = FrameReducer(
                tuple(self.protocols.values()),
                self.modes,
                self.regions,
                self.consistency,
                self.tags,
                self.dataset_meta,
                self._spool,
                self.flicker,
            )
        self.results.extend(map(self._reduce, data_samples))

    def evaluate(self, size: int) -> dict:
        """Metrics over all ranks; ``size`` is the number of frames of the data set."""
        self._expected = size
        try:
            # mmengine would cut the collected rows to ``size`` by position; we know by index which ones repeat.
            return super().evaluate(sys.maxsize)
        finally:
            self._spool.close()

    def compute_metrics(self, results: list) -> dict:
        """Tables, files and the short dictionary of the class's description, of all ranks' rows."""
        if not results:
            raise ValueError('no frame was evaluated: the data set or its loader is empty')
        rows = distinct_frames(results)
        logger = MMLogger.get_current_instance()
        if self._expected not in (None, len(rows)):
            logger.warning(f'{len(rows)} distinct frames were evaluated, the data set has {self._expected}')
        self._report_unused_tags(logger, results)
        sizes = {row.size for row in rows}
        entries, images = {}, []
        for name, protocol in self.protocols.items():
            entries[name], of_protocol = protocol_results(
                protocol, rows, self.regions, self.modes, self.dataset_meta, self.frame_list, self._expected
            )
            images += of_protocol
        self.results_dict = dict(
            schema=SCHEMA,
            dataset=self.dataset_meta.get('dataset'),
            cameras=list(self.dataset_meta['cam_names']),
            input_size=list(sizes.pop()) if len(sizes) == 1 else None,
            frames=len(rows),
            frame_list=self.frame_list_name,
            run=self.run,
            versions=versions(),
            protocols=entries,
            consistency=consistency_results(rows, rows[0].pairs, self.dataset_meta['cam_names']),
            flicker=flicker_results(rows, self.dataset_meta['cam_names']) if self.flicker else {},
        )
        self._report(logger, images)
        return self._short()

    def _report_unused_tags(self, logger, rows):
        names = {name for row in rows for name in (row.scene, row.frame_id)}
        unused = [name for name in self.tags if name not in names]
        if unused:
            logger.warning(
                f'{self.dataset_meta.get("dataset")}: {len(unused)} of {len(self.tags)} names in the file of tags, such as '
                f'{unused[0]!r}, are none of the evaluated scenes and frames, such as {rows[0].scene!r} and '
                f'{rows[0].frame_id!r}'
            )

    def _report(self, logger, images):
        results = self.results_dict
        flip = self.run.get('flip_augmentation', False)
        tables = [
            camera_table(n, e, 'metric', flip) for n, e in results['protocols'].items() if 'metric' in e['modes']
        ]
        for table in (*tables, *consistency_tables(results), *flicker_tables(results), protocol_table(results)):
            logger.info('\n' + table.to_terminal())
        empty = {n: entry['frames_left_out'] for n, entry in results['protocols'].items() if not entry['frames']}
        empty.update({n: results['frames'] for n in self.consistency if n not in results['consistency']})
        if empty:
            logger.warning(
                f'no figures: every frame is left out by the rules, no group is complete, or rigs differ: {empty}'
            )
        non_finite = {n: _non_finite(e) for n, e in results['protocols'].items()}
        if any(non_finite.values()):
            logger.warning(f'NaN or infinite predictions at pixels with ground truth, counted as worst: {non_finite}')
        if self.out_dir:
            write_results(results, images, self.out_dir)
            tables = all_tables(results)
            for name, render in (('results.md', 'to_markdown'), ('results.tex', 'to_latex')):
                write_text(osp.join(self.out_dir, name), '\n'.join(getattr(table, render)() for table in tables))

    def names_of_figures(self, dataset_meta: dict) -> list:
        """Keys of what :meth:`evaluate` returns for a data set's metainfo, before anything is evaluated."""
        names = []
        for p, protocol in enumerate(self.protocols):
            for mode in self.modes:
                lead = ('' if p == 0 else f'{protocol}/') + ('' if mode == 'metric' else f'{mode}/')
                names += [f'{lead}{metric}' for metric in NAMES]
                if p == 0 and mode == 'metric':
                    names += [f'{camera}/abs_rel' for camera in dataset_meta['cam_names']]
        names += ['non_finite', 'coverage']
        names += ['consistency/abs_rel'] * ('occlusion_tested' in self.consistency)
        names += ['flicker/abs_log'] * self.flicker
        return [f'{self.prefix}/{name}' for name in names]

    def _short(self):
        short = {}
        for p, (name, entry) in enumerate(self.results_dict['protocols'].items()):
            for mode, figures in entry['modes'].items():
                lead = ('' if p == 0 else f'{name}/') + ('' if mode == 'metric' else f'{mode}/')
                short.update({f'{lead}{metric}': figures['overall']['all'][metric] for metric in NAMES})
                if p == 0 and mode == 'metric':
                    short.update({f'{c}/abs_rel': f['all']['abs_rel'] for c, f in figures['cameras'].items()})
            if p == 0:
                short['non_finite'] = _non_finite(entry)
                short['coverage'] = _coverage(entry)
        if 'occlusion_tested' in self.results_dict['consistency']:
            short['consistency/abs_rel'] = self.results_dict['consistency']['occlusion_tested']['overall']['abs_rel']
        if self.results_dict['flicker']:
            short['flicker/abs_log'] = self.results_dict['flicker']['overall']['abs_log']
        return short


def _non_finite(entry):
    # The same in every mode.
    return next((f['overall']['all']['non_finite'] for f in entry['modes'].values()), 0)


def _coverage(entry):
    # The same in every mode.
    figures = next((f['overall']['all'] for f in entry['modes'].values()), None)
    return figures['images'] / figures['of_images'] if figures else 0.0


def _lines(path):
    with open(path) as file:
        return [line.split()[0] for line in file if line.strip()]


def _read_tags(path):
    tags = read_json(path)
    if not isinstance(tags, dict) or not all(isinstance(value, list) for value in tags.values()):
        raise ValueError(f'{path}: expected {{frame_id or scene: [tag, ...]}}')
    return tags
