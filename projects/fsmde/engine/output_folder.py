"""The folder of what a test writes beside its tables."""

from mmengine.dist import broadcast_object_list, is_main_process

from fsmde.output_files import refuse_filled
from fsmde.output_names import check_frames


def claim_folder(folder, dataset, overwrite: bool) -> None:
    """Before the first file is written: refuse a folder of another run, and frames or cameras that would share files.

    Raises:
        ValueError: See :func:`refuse_filled` and :func:`check_frames`.
    """
    # The main process looks, before any other writes; where it refuses, all end.
    said = [None]
    if is_main_process():
        try:
            refuse_filled(folder, overwrite)
        except ValueError as error:
            said = [str(error)]
    broadcast_object_list(said)
    if said[0]:
        raise ValueError(said[0])
    check_frames(folder, dataset)
