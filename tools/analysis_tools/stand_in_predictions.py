"""Write predictions with known faults, to study the evaluation itself: true depth, blurred and too far.

python tools/analysis_tools/stand_in_predictions.py configs/demo/demo_sup.py FOLDER --data-root data/protocol_study

Each map is the dense true depth at the size of a network's output, blurred in its logarithm, with 12 % smooth noise drawn
anew for each image, 5 % too far, 30 % in one camera, 200 m in the sky and 1.5 m where the car itself is seen. With
``--true-depth`` it is the true depth as it is: what a measure returns for it is the measure's own error.
"""

import argparse

import cv2
import numpy as np
from mmdet3d.registry import DATASETS
from mmengine.registry import init_default_scope
from mmengine.utils import track_iter_progress

import fsmde  # noqa: F401
from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.datasets import LoadDenseDepth
from fsmde.engine.config_files import read_config
from fsmde.evaluation.predictions import encode_depth, prediction_path
from fsmde.masks import load_visible
from fsmde.output_files import write_bytes

SIZE = (384, 640)
SKY, OWN_CAR = 200.0, 1.5  # metres
SCALE, WEAK_CAMERA, WEAK_SCALE = 1.05, 'CAMERA_08', 1.3
NOISE, NOISE_WIDTH, BLUR_WIDTH = 0.12, 24, 2.0  # share of the depth, pixels of a prediction


def stand_in(depth, visible, scale: float, rng) -> np.ndarray:
    """(384, 640) metres that stand for a prediction.

    Args:
        depth: (H, W) true metres.
        visible: (H, W) bool, False where the car itself is seen.
        scale: That the depth is too far by.
        rng: Random generator of the noise.
    """
    log = cv2.resize(np.log(depth), SIZE[::-1], interpolation=cv2.INTER_AREA)
    noise = cv2.GaussianBlur(rng.standard_normal(SIZE), (0, 0), NOISE_WIDTH)
    log = cv2.GaussianBlur(log, (0, 0), BLUR_WIDTH) + np.log(scale) + noise * (NOISE / noise.std())
    own_car = cv2.resize((~visible).astype(np.uint8), SIZE[::-1], interpolation=cv2.INTER_NEAREST) > 0
    return np.where(own_car, OWN_CAR, np.exp(log))


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config whose test data set has dense depth, and masks of the car itself')
    parser.add_argument('folder', help='to write to, 16-bit PNG, metres * 256')
    parser.add_argument('--data-root', help='folder of the data set; replaces data_root of every data set')
    parser.add_argument('--true-depth', action='store_true', help='write the true depth as it is')
    return refuse_empty_options(parser, parser.parse_args())


@mistakes_in_one_line('stand_in_predictions')
def main():
    args = parse_args()
    cfg = read_config(args.config, args.data_root)
    init_default_scope(cfg.get('default_scope', 'mmdet3d'))
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    for index in track_iter_progress(range(len(dataset))):
        info = LoadDenseDepth()(dataset.get_data_info(index))
        for n, (camera, depth, mask) in enumerate(zip(dataset.cameras, info['dense_depth'], info['mask_path'])):
            visible = load_visible(mask, info['mask_valid_value'], depth.shape)
            scale = WEAK_SCALE if camera == WEAK_CAMERA else SCALE
            pred = np.where(visible, np.where(depth > 0, depth, SKY), OWN_CAR)
            if not args.true_depth:
                pred = stand_in(pred, visible, scale, np.random.default_rng([index, n]))
            path = prediction_path(args.folder, info['frame_id'], camera) + '.png'
            write_bytes(path, encode_depth(np.maximum(pred, 1 / 256)))


if __name__ == '__main__':
    main()
