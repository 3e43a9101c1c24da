"""The metric that mmengine's evaluator calls."""

from collections.abc import Sequence

import numpy as np
from mmdet3d.registry import METRICS
from mmengine.dist import broadcast_object_list, gather_object, is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger

from .aggregate import FrameRow, counted_frames, distinct_frames, group_frame_sums, grouped, summarise
from .frame import MODES, Regions, frame_sums, raw_prediction
from .functional import METRICS as NAMES
from .ground_truth import comparison_size, dense_pixels, truth_pixels
from .protocols import get_protocol
from .spool import Spool


@METRICS.register_module()
class SurroundDepthMetric(BaseMetric):
    """Depth errors of a rig of cameras under one or several named protocols, in one pass over the data."""

    default_prefix = 'depth'

    def __init__(
        self,
        protocol='fsmde',
        modes: Sequence = MODES,
        distances: Sequence = Regions.distances,
        collect_device: str = 'cpu',
        prefix: str = None,
    ):
        super().__init__(collect_device, prefix)
        names = protocol if isinstance(protocol, (list, tuple)) else [protocol]
        self.protocols = [get_protocol(name) for name in names]
        self.modes = tuple(modes)
        self.regions = Regions(tuple(distances))
        self._spool = Spool()

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Reduce each frame to one row of sums."""
        for sample in data_samples:
            self.results.append(self._row(sample))

    def _row(self, sample):
        pred = sample['pred_depth'].detach().cpu().numpy()
        row = FrameRow(int(sample['sample_idx']), sample['frame_id'], sample['scene'], (), {}, {}, {})
        for protocol in self.protocols:
            depth_range = protocol.range_for(self.dataset_meta)
            truth = self._truth(protocol, sample, pred.shape[1:]).within(*depth_range)
            values = raw_prediction(protocol, depth_range, truth, pred)
            pools = protocol.averaging == 'group' and self.modes != ('metric',)
            modes = ('metric',) if pools else self.modes
            row.sums[protocol.name] = frame_sums(protocol, depth_range, self.regions, truth, values, len(pred), modes)
            if pools:
                row.pixels[protocol.name] = self._spool.put(row.index, truth, values)
        return row

    def _truth(self, protocol, sample, prediction_size):
        if protocol.ground_truth == 'dense':
            return dense_pixels(np.asarray(sample['dense_depth']), np.asarray(sample['valid_mask']))
        size = comparison_size(self.dataset_meta.get('dataset'), prediction_size)
        return truth_pixels(protocol, sample['lidar_pixels'], sample['lidar_visible'], sample['ori_shape'], size)

    def evaluate(self, size: int) -> dict:
        """Metrics over all ranks; ``size`` is the number of frames of the data set."""
        gathered = gather_object(self.results, dst=0)
        metrics = [None]
        if is_main_process():
            metrics = [self.compute_metrics([row for rows in gathered for row in rows])]
            metrics = [{f'{self.prefix}/{key}': value for key, value in metrics[0].items()}]
        broadcast_object_list(metrics)
        self.results.clear()
        self._spool.close()
        return metrics[0]

    def compute_metrics(self, results: list) -> dict:
        """Figures of the first protocol under short names, of the others behind their name."""
        rows = distinct_frames(results)
        metrics = {}
        for protocol in self.protocols:
            lead = '' if protocol is self.protocols[0] else f'{protocol.name}/'
            groups = grouped(protocol, counted_frames(protocol, rows))
            if not groups:
                MMLogger.get_current_instance().warning(f'no frame left under protocol {protocol.name!r}')
                continue
            depth_range = protocol.range_for(self.dataset_meta)
            sums = np.stack(
                [group_frame_sums(protocol, depth_range, self.regions, group, self.modes).sum(0) for group in groups]
            )
            for m, mode in enumerate(self.modes):
                summary = summarise(protocol, sums[:, m])
                middle = '' if mode == 'metric' else f'{mode}/'
                metrics.update({f'{lead}{middle}{key}': v for key, v in zip(NAMES, summary.overall[0].tolist())})
                for camera, values in zip(self.dataset_meta['cam_names'], summary.cameras[:, 0].tolist()):
                    metrics[f'{lead}{middle}{camera}/abs_rel'] = values[0]
        return metrics
