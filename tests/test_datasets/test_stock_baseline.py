"""The baseline of benchmark_loader.py makes what the training pipeline makes: on real frames of full size."""

from pathlib import Path

from mmdet3d.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import init_default_scope

CONFIGS = Path(__file__).parents[2] / 'configs'


def test_stock_transforms_make_the_same_frame(sample_data):
    init_default_scope('mmdet3d')
    packed = []
    for name in ('benchmark_loader/stock_pipeline.py', 'fsmde_sup_ddad.py'):
        dataset = Config.fromfile(CONFIGS / name).train_dataloader.dataset
        pipeline = [t for t in dataset.pipeline if not t['type'].__name__.startswith('Random')]
        dataset.update(data_root=str(sample_data / 'ddad_sample'), pipeline=pipeline)
        packed.append(DATASETS.build(dataset)[0])
    stock, ours = packed
    # float32 points there, float64 here: a point on a pixel's border may fall into the next one.
    depth, expected = ours['data_samples'].gt_depth, stock['data_samples'].gt_instances_3d.depths
    assert depth.shape == (6, 384, 640) and (depth > 0).sum() > 50_000
    assert ((depth - expected).abs() > 1e-4).sum() < 10
    images, expected = ours['inputs']['img'].float(), stock['inputs']['img'].float()
    assert images.shape == (6, 3, 384, 640) and (images - expected).abs().mean() < 1
