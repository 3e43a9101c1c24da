from mmengine.hooks import DistSamplerSeedHook, IterTimerHook, LoggerHook, ParamSchedulerHook
from mmengine.runner import LogProcessor
from mmengine.visualization import LocalVisBackend, TensorboardVisBackend, Visualizer

from fsmde.engine import AtomicCheckpointHook, FiniteLossHook, FrameSeedHook, SyncStatisticsHook

default_scope = 'mmdet3d'
default_hooks = dict(
    timer=dict(type=IterTimerHook),
    logger=dict(type=LoggerHook, interval=50),
    param_scheduler=dict(type=ParamSchedulerHook),
    checkpoint=dict(type=AtomicCheckpointHook, interval=1, max_keep_ckpts=3, save_best='depth/abs_rel', rule='less'),
    sampler_seed=dict(type=DistSamplerSeedHook),
    sync_buffers=dict(type=SyncStatisticsHook),
)
custom_hooks = [dict(type=FrameSeedHook), dict(type=FiniteLossHook)]
log_processor = dict(type=LogProcessor, window_size=50, by_epoch=True)
visualizer = dict(type=Visualizer, vis_backends=[dict(type=LocalVisBackend), dict(type=TensorboardVisBackend)])
env_cfg = dict(
    cudnn_benchmark=True, mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0), dist_cfg=dict(backend='nccl')
)
randomness = dict(seed=0)
log_level = 'INFO'
load_from = None
resume = False
