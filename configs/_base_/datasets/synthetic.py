"""The built-in world, see docs/synthetic_world.md: `python tools/dataset_converters/make_synthetic.py data/synthetic`."""

from mmengine.config import read_base

from fsmde.datasets import LoadDenseDepth, LoadSurroundLidar

with read_base():
    from ..pipelines import insert_after
    from .ddad import *

data_root = 'data/synthetic'
input_size = (96, 160)
self_occlusion = dict(root='masks', template='{scene}/{camera}.png', valid=255)

# Dense ground truth for evaluation: the protocol fsmde_dense.
test_pipeline = insert_after(test_pipeline, LoadSurroundLidar, dict(type=LoadDenseDepth))
for transform in train_pipeline + test_pipeline:
    if 'size' in transform:
        transform.update(size=input_size)
for loader, pipeline in ((train_dataloader, train_pipeline), (val_dataloader, test_pipeline)):
    loader.dataset.update(
        data_root=data_root,
        self_occlusion=self_occlusion,
        dense_depth='depth/{camera}/{stem}.png',
        pipeline=pipeline,
    )
    loader.update(num_workers=2)
test_dataloader = dict(val_dataloader, dataset=dict(val_dataloader.dataset, split='test'))
val_evaluator.update(protocol=['fsmde', 'fsmde_dense'])
test_evaluator = val_evaluator
del insert_after, loader, pipeline, transform
