"""The folder of what a test writes beside its tables."""

from mmengine.dist import barrier, is_main_process

from fsmde.output_files import refuse_filled
from fsmde.output_names import check_frames


def claim_folder(folder, dataset, overwrite: bool) -> None:
    """Before the first file is written: refuse a folder of another run, and frames or cameras that would share files.

    Raises:
        ValueError: See :func:`refuse_filled` and :func:`check_frames`.
    """
    if is_main_process():
        refuse_filled(folder, overwrite)
    barrier()  # Before that the other processes write nothing.
    check_frames(folder, dataset)
