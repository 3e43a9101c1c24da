from mmengine.optim import CosineAnnealingLR, LinearLR, OptimWrapper
from mmengine.runner import EpochBasedTrainLoop, TestLoop, ValLoop
from torch.optim import AdamW

max_epochs = 20
train_cfg = dict(type=EpochBasedTrainLoop, max_epochs=max_epochs, val_interval=1)
val_cfg = dict(type=ValLoop)
test_cfg = dict(type=TestLoop)

optim_wrapper = dict(
    type=OptimWrapper,
    # Set for ResNet-34 and not tuned for EfficientNet-Lite0: docs/realtime.md, "The student of the shipped configs".
    optimizer=dict(type=AdamW, lr=2e-4, weight_decay=0.01),
    clip_grad=dict(max_norm=10.0),
)
param_scheduler = [
    dict(type=LinearLR, start_factor=0.01, by_epoch=False, begin=0, end=500),
    dict(type=CosineAnnealingLR, eta_min=2e-6, by_epoch=True, begin=0, end=max_epochs, T_max=max_epochs,
         convert_to_iter_based=True),
]  # fmt: skip
# Eight GPUs with two frames (twelve images) each; used with --auto-scale-lr.
auto_scale_lr = dict(base_batch_size=16, enable=False)
