"""What the command-line tools share: data roots, devices, distribution."""

import os

import torch
from mmengine.config import Config, ConfigDict
from mmengine.device import is_cuda_available, is_mlu_available, is_musa_available, is_npu_available


def has_accelerator() -> bool:
    """Whether mmengine would train on something else than a CPU."""
    return is_cuda_available() or is_npu_available() or is_mlu_available() or is_musa_available()


def read_config(path: str, data_root: str = None, cfg_options: dict = None) -> Config:
    """A config file's content, with what the command line changes in it.

    Args:
        path: The config file.
        data_root: Replaces ``data_root`` of every data set, see :func:`set_data_root`.
        cfg_options: Settings by dotted names, as mmengine's ``DictAction`` collects them.

    Raises:
        ValueError: If a pure Python config makes an object, which mmengine answers with an empty RuntimeError.
    """
    try:
        cfg = Config.fromfile(path)
    except RuntimeError as error:
        if error.args:
            raise
        raise ValueError(
            f'{path} calls a class at the line above: in a pure Python config write dict(type=Class, ...) instead of '
            'Class(...)'
        ) from error
    if cfg_options:
        cfg.merge_from_dict(cfg_options)
    if data_root:
        set_data_root(cfg, data_root)
    return cfg


def set_data_root(cfg: Config, data_root: str) -> None:
    """Put ``data_root`` into every data set of a config, at any depth of wrapping.

    ``--cfg-options data_root=...`` does not reach the data sets of a pure Python config.
    """

    def visit(node):
        if isinstance(node, dict):
            if 'data_root' in node:
                node['data_root'] = data_root
            for value in node.values():
                visit(value)
        elif isinstance(node, (list, tuple)):
            for value in node:
                visit(value)

    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        visit(cfg.get(name))


def setup_distribution(cfg: Config, launcher: str) -> None:
    """Prepare a config, and on a CPU the process group, for a launcher: 'none', 'pytorch', 'slurm' or 'mpi'.

    mmengine's launcher always calls ``torch.cuda.set_device``; without an accelerator the group is made here, with gloo.
    """
    cfg.launcher = launcher
    if launcher == 'none' or has_accelerator():
        return
    if launcher != 'pytorch':
        raise ValueError(f'without an accelerator only --launcher pytorch works, found {launcher!r}')
    torch.distributed.init_process_group('gloo')
    wrapper = ConfigDict(cfg.get('model_wrapper_cfg') or dict(type='MMDistributedDataParallel'))
    cfg.model_wrapper_cfg = ConfigDict(wrapper, device_ids=None)


def end_distribution() -> None:
    """Leave the process group, if there is one, when all is done.

    Threads of a group that is still there when the interpreter ends may abort the process, and a launcher then says that
    a finished run failed.
    """
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def use_amp(cfg: Config) -> None:
    """Turn a config's optimizer wrapper into the mixed-precision one.

    Raises:
        ValueError: Without an accelerator: mmengine's wrapper needs one.
    """
    if not has_accelerator():
        raise ValueError('--amp needs an accelerator: there is none here, train in float32')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')


def work_dir_of(config_path: str) -> str:
    """``work_dirs/<name of the config file>``."""
    return os.path.join('work_dirs', os.path.splitext(os.path.basename(config_path))[0])
