"""Evaluate anyone's predictions, against the LiDAR of a data set or against depth maps in files.

    python tools/analysis_tools/eval_predictions.py CONFIG FOLDER [--out DIR] [...]
    python tools/analysis_tools/eval_predictions.py FOLDER --truth TRUTH --max-depth 80 [--out DIR] [...]

FOLDER holds ``<frame_id>/<camera>.png`` (16-bit, metres * 256), ``.npz`` (key ``depth``) or ``.npy`` (metres) of any
size; frame_id is ``<scene>/<sample index, 4 digits>`` on DDAD and the sample's token on nuScenes. TRUTH holds maps of the
same formats at the same paths, 0 where nothing was measured; what is in it is evaluated.
"""

import argparse

from mmdet3d.registry import DATASETS
from mmengine.config import DictAction
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.engine.config_files import of_one_rig, read_config
from fsmde.evaluation import PROTOCOLS, DepthMapFrames, SurroundDepthMetric, evaluate_folder, on_maps
from fsmde.output_files import refuse_filled


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', nargs='?', help='config whose test data set is evaluated on; its model is not built')
    parser.add_argument('folder', help='with the predictions')
    parser.add_argument('--truth', help='folder with depth maps, in place of a config')
    parser.add_argument('--max-depth', type=float, help='metres that are evaluated to, with --truth')
    parser.add_argument('--data-root', help='folder of the data set; replaces data_root of every data set')
    parser.add_argument(
        '--protocols',
        nargs='+',
        help=f'of {", ".join(PROTOCOLS)}; fsmde, surrounddepth and vfdepth by default, fsmde with --truth',
    )
    parser.add_argument('--consistency', nargs='*', help='occlusion_tested (default) or cylinderdepth; needs a config')
    parser.add_argument('--flicker', action='store_true', help='compare successive frames of a scene, too')
    parser.add_argument('--frame-list', help="file with one frame_id a line, in place of the protocols' own rules")
    parser.add_argument('--tags', help='JSON file {frame_id or scene: [tag, ...]}')
    parser.add_argument('--flip-augmentation', action='store_true', help='say that the mirrored image was used, too')
    parser.add_argument('--out', help='folder for results.json, per_image.csv, results.md and results.tex')
    parser.add_argument('--overwrite', action='store_true', help='replace what is in that folder of the same names')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    args = refuse_empty_options(parser, parser.parse_args())
    if (args.config is None) == (args.truth is None):
        parser.error('give a config, or --truth with a folder of depth maps')
    if args.truth:
        if args.max_depth is None:
            parser.error('--truth needs --max-depth: the metres that are evaluated to move every figure')
        if not args.max_depth > 0:
            parser.error(f'--max-depth must be positive metres, found {args.max_depth}')
        if args.consistency or args.flicker:
            parser.error('depth maps have no geometry: --consistency and --flicker need a config')
    elif args.max_depth is not None:
        parser.error("--max-depth goes with --truth; a data set's own is evaluated to")
    if args.out:
        refuse_filled(args.out, args.overwrite)
    return args


@mistakes_in_one_line('eval_predictions')
def main():
    args = parse_args()
    MMLogger.get_instance('eval_predictions')
    if args.truth:
        dataset = DepthMapFrames(args.truth, args.max_depth)
        protocols, consistency = [on_maps(name) for name in args.protocols or ['fsmde']], ()
    else:
        cfg = read_config(args.config, args.data_root, args.cfg_options)
        init_default_scope(cfg.get('default_scope', 'mmdet3d'))
        dataset = DATASETS.build(of_one_rig(cfg.test_dataloader.dataset, args.config))
        protocols = args.protocols or ['fsmde', 'surrounddepth', 'vfdepth']
        consistency = ['occlusion_tested'] if args.consistency is None else args.consistency
    metric = SurroundDepthMetric(
        protocol=protocols,
        consistency=consistency,
        flicker=args.flicker,
        frame_list=args.frame_list,
        tags_file=args.tags,
        out_dir=args.out,
        run=dict(
            config=args.config, truth=args.truth, predictions=args.folder, flip_augmentation=args.flip_augmentation
        ),
    )
    evaluate_folder(args.folder, dataset, metric, track_iter_progress)


if __name__ == '__main__':
    main()
