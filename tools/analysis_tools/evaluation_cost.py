"""Process time that the evaluation itself takes, per frame: a Markdown table.

python tools/analysis_tools/evaluation_cost.py configs/fsmde_sup_ddad.py --data-root data/ddad [--frames 3]

Reading files and predicting are not in it. The best of some repetitions counts, on one thread.
"""

import argparse
import os
import time
from functools import partial

import cv2
import torch
from mmdet3d.registry import DATASETS
from mmengine.registry import init_default_scope

import fsmde  # noqa: F401
from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.engine.config_files import read_config
from fsmde.evaluation import SurroundDepthMetric
from fsmde.evaluation.aggregate import distinct_frames
from fsmde.evaluation.flicker import flicker_results

PROTOCOLS = ['fsmde', 'surrounddepth', 'vfdepth']
SETTINGS = {
    '`fsmde`, metric scale': dict(modes=('metric',), consistency=()),
    '`fsmde`, three modes': dict(consistency=()),
    '`surrounddepth`, three modes': dict(protocol='surrounddepth', consistency=()),
    '`vfdepth`, three modes': dict(protocol='vfdepth', consistency=()),
    'all three protocols and modes': dict(protocol=PROTOCOLS, consistency=()),
    'and `occlusion_tested` consistency': dict(protocol=PROTOCOLS),
    'and `cylinderdepth` consistency': dict(protocol=PROTOCOLS, consistency=('occlusion_tested', 'cylinderdepth')),
    'flicker alone, what is kept of a frame': dict(protocol=[], consistency=(), flicker=True),
}


def process_ms(call, repeats: int) -> float:
    """The least process time of some calls, in milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config whose test data set is used; its model is not built')
    parser.add_argument('--data-root', help='folder of the data set; replaces data_root of every data set')
    parser.add_argument('--frames', type=int, default=3, help='number of successive frames, from the first on')
    parser.add_argument('--repeats', type=int, default=5)
    return refuse_empty_options(parser, parser.parse_args())


@mistakes_in_one_line('evaluation_cost')
def main():
    args = parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    cfg = read_config(args.config, args.data_root)
    init_default_scope(cfg.get('default_scope', 'mmdet3d'))
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    samples = [dataset[index]['data_samples'] for index in range(min(args.frames, len(dataset)))]
    for sample in samples:
        sample.pred_depth = torch.rand(sample.gt_depth.shape) * 100 + 1
    samples = [sample.to_dict() for sample in samples]
    points = sum(len(sample['lidar_pixels'].z) for sample in samples) / len(samples)
    print(f'{len(samples)} frames of {points:.0f} points, images of {samples[0]["ori_shape"][0].tolist()}\n')
    print('| | ms |\n| --- | ---: |')
    for name, options in SETTINGS.items():
        metric = SurroundDepthMetric(**options)
        metric.dataset_meta = dataset.metainfo
        ms = process_ms(partial(metric.process, None, samples), args.repeats) / len(samples)
        print(f'| {name} | {ms:.0f} |')
    if len(samples) > 1:
        rows = distinct_frames(metric.results)
        ms = process_ms(partial(flicker_results, rows, dataset.cameras), args.repeats) / (len(samples) - 1)
        print(f'| flicker alone, a pair of frames | {ms:.0f} |')
        size = os.path.getsize(rows[0].seen) / 1e6
        print(f'\nFlicker keeps {size:.2f} MB a frame on disk.')


if __name__ == '__main__':
    main()
