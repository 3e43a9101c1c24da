"""Evaluate anyone's predictions: ``python tools/analysis_tools/eval_predictions.py CONFIG FOLDER [--out DIR] [...]``.

FOLDER holds ``<frame_id>/<camera>.png`` (16-bit, metres * 256), ``.npz`` (key ``depth``) or ``.npy`` (metres) of any
size; frame_id is ``<scene>/<sample index, 4 digits>`` on DDAD and the sample's token on nuScenes.
"""

import argparse

import torch
from mmdet3d.registry import DATASETS
from mmengine.config import DictAction
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

import fsmde  # noqa: F401
from fsmde.engine.launch import read_config
from fsmde.evaluation import PROTOCOLS, SurroundDepthMetric
from fsmde.evaluation.predictions import read_frame


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config whose test data set is evaluated on; its model is not built')
    parser.add_argument('folder', help='with the predictions')
    parser.add_argument('--data-root', help='folder of the data set; replaces data_root of every data set')
    parser.add_argument(
        '--protocols', nargs='+', default=['fsmde', 'surrounddepth', 'vfdepth'], help=f'of {", ".join(PROTOCOLS)}'
    )
    parser.add_argument('--consistency', nargs='*', default=['occlusion_tested'], help='or cylinderdepth')
    parser.add_argument('--flicker', action='store_true', help='compare successive frames of a scene, too')
    parser.add_argument('--frame-list', help="file with one frame_id a line, in place of the protocols' own rules")
    parser.add_argument('--tags', help='JSON file {frame_id or scene: [tag, ...]}')
    parser.add_argument('--flip-augmentation', action='store_true', help='say that the mirrored image was used, too')
    parser.add_argument('--out', help='folder for results.json, per_image.csv, results.md and results.tex')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args()


def main():
    args = parse_args()
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    MMLogger.get_instance('eval_predictions')
    init_default_scope(cfg.get('default_scope', 'mmdet3d'))
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    metric = SurroundDepthMetric(
        protocol=args.protocols,
        consistency=args.consistency,
        flicker=args.flicker,
        frame_list=args.frame_list,
        tags_file=args.tags,
        out_dir=args.out,
        run=dict(config=args.config, predictions=args.folder, flip_augmentation=args.flip_augmentation),
    )
    metric.dataset_meta = dataset.metainfo
    for index in track_iter_progress(range(len(dataset))):
        sample = dataset[index]['data_samples'].to_dict()
        pred = read_frame(args.folder, sample['frame_id'], sample['cam_names'])
        metric.process(None, [dict(sample, pred_depth=torch.from_numpy(pred))])
    metric.evaluate(len(dataset))


if __name__ == '__main__':
    main()
