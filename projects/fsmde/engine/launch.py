"""What trainings and tests need of the machine: devices, distribution, and a folder for each run."""

import os

import torch
from mmengine.config import Config, ConfigDict
from mmengine.device import is_cuda_available, is_mlu_available, is_musa_available, is_npu_available

from fsmde.concurrency import LOCK
from fsmde.ranks import local_rank, rank_and_world


def has_accelerator() -> bool:
    """Whether mmengine would train on something else than a CPU."""
    return is_cuda_available() or is_npu_available() or is_mlu_available() or is_musa_available()


def setup_distribution(cfg: Config, launcher: str) -> None:
    """Prepare a config, and on a CPU the process group, for a launcher: 'none', 'pytorch', 'slurm' or 'mpi'.

    mmengine's launcher always calls ``torch.cuda.set_device``; without an accelerator the group is made here, with gloo.
    """
    cfg.launcher = launcher
    if launcher == 'none':
        return
    # mmengine takes the device from it, and sets it for slurm alone.
    os.environ.setdefault('LOCAL_RANK', str(local_rank()))
    if has_accelerator():
        return
    if launcher != 'pytorch':
        raise ValueError(f'without an accelerator only --launcher pytorch works, found {launcher!r}')
    torch.distributed.init_process_group('gloo')
    # What mmengine itself says where a config says nothing, but for the devices.
    unused = cfg.get('find_unused_parameters', False)
    default = dict(type='MMDistributedDataParallel', broadcast_buffers=False, find_unused_parameters=unused)
    cfg.model_wrapper_cfg = ConfigDict(cfg.get('model_wrapper_cfg') or default, device_ids=None)


def end_distribution() -> None:
    """Leave the process group, if there is one, when all is done.

    Threads of a group that is still there when the interpreter ends may abort the process, and a launcher then says that
    a finished run failed.
    """
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def use_amp(cfg: Config, dtype: str = None) -> None:
    """Turn a config's optimizer wrapper into the mixed-precision one.

    Args:
        dtype: 'float16', whose losses are scaled, or 'bfloat16', whose range is float32's; in the place of the config's
            own. None for that, or float16 where it has none.

    Raises:
        ValueError: Without an accelerator: mmengine's wrapper needs one.
    """
    if not has_accelerator():
        raise ValueError('--amp needs an accelerator: there is none here, train in float32')
    wrapper = cfg.optim_wrapper
    own = str(wrapper.get('dtype') or 'float16').removeprefix('torch.')
    wrapper.type, wrapper.dtype = 'AmpOptimWrapper', dtype or own
    if wrapper.dtype != 'float16':
        wrapper.loss_scale = 1.0
    elif own != 'float16':  # A scale for another type is none for this one.
        wrapper.loss_scale = 'dynamic'
    else:
        wrapper.setdefault('loss_scale', 'dynamic')


def work_dir_lock(work_dir: str) -> str:
    """The file that a training's first rank locks for all of them; the others lock one of their own."""
    rank, _ = rank_and_world()
    return os.path.join(work_dir, LOCK if rank == 0 else f'{LOCK}_rank{rank}')


def work_dir_of(config_path: str) -> str:
    """``work_dirs/<name of the config file>``."""
    return os.path.join('work_dirs', os.path.splitext(os.path.basename(config_path))[0])
