"""One frame, reduced to what is kept of it until the end of an evaluation."""

from dataclasses import dataclass

import numpy as np
import torch

from .consistency import adjacent_pairs, consistency_sums, cylinderdepth_sums
from .flicker import seen_points
from .frame import Regions, frame_sums, raw_prediction
from .ground_truth import TruthPixels, comparison_size, dense_pixels, truth_pixels
from .protocols import FSMDE, Protocol, identity
from .spool import Spool, pooled_to_arrays


@dataclass
class FrameRow:
    """What is kept of one evaluated frame.

    Args:
        source: Of the data set that the frame is of, where several are joined: an index says nothing without it.
        index: Of the frame in the data set.
        frame_id, scene: As the data set names them.
        tags: Conditions such as ``'night'``.
        masked: LiDAR points on pixels that show the car itself.
        sums: By protocol name (M, N, R, 10) sums in each mode. Protocols that pool hold the metric mode only.
        pixels: By name of a protocol that pools, the file with the frame's pixels.
        pairs: (Q, 2) adjacent cameras.
        consistency: By name of a consistency measure, its sums.
        seen: File with what the next frame is compared with, None without flicker.
        size: (height, width) of the predictions.
    """

    source: str
    index: int
    frame_id: str
    scene: str
    tags: tuple
    masked: int
    sums: dict
    pixels: dict
    pairs: np.ndarray
    consistency: dict
    seen: str
    size: tuple


@dataclass(frozen=True)
class FrameReducer:
    """Turns samples into rows.

    Args:
        protocols: To compare under.
        modes: Of :data:`fsmde.evaluation.frame.MODES`.
        regions: Parts of the image.
        consistency: Cross-view measures.
        tags: ``{frame_id or scene: [tag, ...]}``, beside those that samples carry.
        dataset_meta: ``dataset`` and, where a protocol does not know the data set, ``max_depth`` in metres.
        spool: For protocols that pool, and for flicker.
        flicker: Whether to keep what flicker is computed from.
    """

    protocols: tuple
    modes: tuple
    regions: Regions
    consistency: tuple
    tags: dict
    dataset_meta: dict
    spool: Spool
    flicker: bool

    def __call__(self, sample: dict) -> FrameRow:
        """Reduce a sample, a :class:`fsmde.structures.SurroundDepthSample` as a dictionary.

        Raises:
            KeyError: If the pipeline did not keep what an evaluation needs.
            ValueError: If the data set withholds the frame's LiDAR.
        """
        if not sample.get('labelled', True) and sample.get('lidar_path') is not None:
            raise ValueError(
                f'frame {sample["frame_id"]} is evaluated without its LiDAR: labelled_fraction is for training data sets, '
                "take it from this one's config"
            )
        if 'lidar_pixels' not in sample:
            raise KeyError(
                f'frame {sample["frame_id"]} has no lidar_pixels: put KeepLidarPixels into the test pipeline'
            )
        pred = sample['pred_depth'].detach().cpu().numpy()
        row = FrameRow(
            source=sample.get('source', ''),
            index=int(sample['sample_idx']),
            frame_id=sample['frame_id'],
            scene=sample['scene'],
            tags=self._tags_of(sample),
            masked=int((~np.asarray(sample['lidar_visible'], dtype=bool)).sum()),
            sums={},
            pixels={},
            pairs=adjacent_pairs(sample['neighbors']),
            consistency=self._compare_views(sample, pred),
            seen=self._keep_seen(sample, pred) if self.flicker else None,
            size=pred.shape[1:],
        )
        for protocol in self.protocols:
            self._compare(protocol, sample, pred, row)
        return row

    def _compare(self, protocol: Protocol, sample, pred, row):
        depth_range = protocol.range_for(self.dataset_meta)
        truth = self._truth(protocol, sample, pred).within(*depth_range)
        values = raw_prediction(protocol, depth_range, truth, pred)
        pools = protocol.averaging == 'group' and self.modes != ('metric',)
        modes = ('metric',) if pools else self.modes
        row.sums[protocol.name] = frame_sums(protocol, depth_range, self.regions, truth, values, len(pred), modes)
        if pools:
            row.pixels[protocol.name] = self.spool.put(**pooled_to_arrays(truth, values))

    def _truth(self, protocol, sample, pred) -> TruthPixels:
        if protocol.ground_truth == 'dense':
            if sample.get('dense_depth') is None:
                raise KeyError(f'protocol {protocol.name!r}: frame {sample["frame_id"]} has no dense_depth')
            # Unlike what is measured it is data of the network, and where the network is.
            visible = torch.as_tensor(sample['valid_mask']).cpu().numpy()
            return dense_pixels(np.asarray(sample['dense_depth']), visible)
        visible, masks = sample['lidar_visible'], sample.get('ori_visible')
        if masks is None and protocol.mask and protocol.mask_size == 'input' and not np.all(visible):
            raise KeyError(
                f'protocol {protocol.name!r}: frame {sample["frame_id"]} has masks but no ori_visible: its pipeline needs '
                'KeepLidarPixels and PackSurroundInputs of this version'
            )
        dataset = identity(self.dataset_meta)
        size = comparison_size(dataset, pred.shape[1:])
        return truth_pixels(protocol, sample['lidar_pixels'], visible, sample['ori_shape'], size, masks, dataset)

    def _compare_views(self, sample, pred):
        depth_range = FSMDE.range_for(self.dataset_meta)
        K, neighbors = np.asarray(sample['ori_cam2img']), sample['neighbors']
        sums = {}
        if 'occlusion_tested' in self.consistency:
            truth = self._truth(FSMDE, sample, pred).within(*depth_range)
            pairs = adjacent_pairs(neighbors)
            sums['occlusion_tested'] = consistency_sums(truth, pred, depth_range, pairs, K, sample['lidar2cam'])
        if 'cylinderdepth' in self.consistency:
            sizes = np.asarray(sample['ori_shape'])
            size = comparison_size(identity(self.dataset_meta), pred.shape[1:])
            sums['cylinderdepth'] = cylinderdepth_sums(
                sample['lidar_pixels'], sizes, size, pred, depth_range[1], neighbors, K, sample['cam2ego']
            )
        return sums

    def _keep_seen(self, sample, pred):
        if 'ori_cam2world' not in sample:
            raise KeyError(
                f'frame {sample["frame_id"]} has no ori_cam2world: its data set states no poses, and flicker needs them'
            )
        depth_range = FSMDE.range_for(self.dataset_meta)
        truth = self._truth(FSMDE, sample, pred).within(*depth_range)
        K, poses = np.asarray(sample['ori_cam2img']), np.asarray(sample['ori_cam2world'])
        return self.spool.put(**seen_points(truth, pred, depth_range, K, poses))

    def _tags_of(self, sample):
        tags = sample.get('tags') or ()
        own = [k if v is True else str(v) for k, v in tags.items() if v] if isinstance(tags, dict) else map(str, tags)
        listed = (*self.tags.get(sample['scene'], ()), *self.tags.get(sample['frame_id'], ()))
        return tuple(sorted({*own, *listed}))
