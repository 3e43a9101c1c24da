"""Saving predictions."""

from mmdet3d.registry import HOOKS
from mmengine.hooks import Hook

from fsmde.evaluation.predictions import encode_depth
from fsmde.output_files import write_bytes
from fsmde.output_names import output_path

from .output_folder import claim_folder


@HOOKS.register_module()
class DepthWriterHook(Hook):
    """Save each predicted depth map of a test run as ``<out_dir>/<frame_id>/<camera>.png``.

    16-bit grey PNG at the network's input size, metres * 256, at most 255.996 m: what
    ``tools/analysis_tools/eval_predictions.py`` reads.

    Args:
        out_dir: Folder to write to, empty or absent.
        overwrite: Write into a folder that is not empty, too.
    """

    def __init__(self, out_dir: str, overwrite: bool = False):
        self.out_dir, self.overwrite = out_dir, overwrite

    def before_test(self, runner) -> None:
        """See :func:`claim_folder`."""
        claim_folder(self.out_dir, runner.test_dataloader.dataset, self.overwrite)

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Write the depth maps of a batch."""
        for sample in outputs:
            for name, depth in zip(sample.cam_names, sample.pred_depth.cpu().numpy()):
                path = output_path(self.out_dir, sample.frame_id, name)
                write_bytes(f'{path}.png', encode_depth(depth))
