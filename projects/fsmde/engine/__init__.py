"""Training and evaluation as a config says, hooks, checkpoints and what the tools share."""

from .checkpoint import (
    AtomicBackend,
    check_resumable,
    check_student_checkpoint,
    checkpoint_to_resume,
    find_latest_checkpoint,
    load_checkpoint_file,
)
from .checkpoint_hook import AtomicCheckpointHook
from .depth_writer_hook import DepthWriterHook
from .finite_loss_hook import FiniteLossHook
from .frame_seed_hook import FrameSeedHook
from .running import evaluate, train
from .same_schedule_hook import SameScheduleHook
from .sync_statistics_hook import SyncStatisticsHook
from .visualization_hook import SurroundVisualizationHook

__all__ = [
    'AtomicBackend',
    'AtomicCheckpointHook',
    'DepthWriterHook',
    'FiniteLossHook',
    'FrameSeedHook',
    'SameScheduleHook',
    'SurroundVisualizationHook',
    'SyncStatisticsHook',
    'check_resumable',
    'check_student_checkpoint',
    'checkpoint_to_resume',
    'evaluate',
    'find_latest_checkpoint',
    'load_checkpoint_file',
    'train',
]
