"""Pictures of predicted frames while a model is tested."""

from mmdet3d.registry import HOOKS
from mmengine.hooks import Hook

from fsmde.visualization import write_frame

from .output_folder import claim_folder


@HOOKS.register_module()
class SurroundVisualizationHook(Hook):
    """Write panel, bird's-eye view and point cloud of every ``interval``-th frame of a test.

    Frames are counted by their index in the data set, so that the same ones are drawn on any number of processes.

    Args:
        show_dir: Folder to write to, empty or absent.
        interval: 1 draws every frame.
        max_depth: End of the panels' colour scale in metres.
        overwrite: Write into a folder that is not empty, too.
        kwargs: Further arguments of :func:`fsmde.visualization.write_frame`.

    Raises:
        ValueError: If ``interval`` is below 1.
    """

    def __init__(self, show_dir: str, interval: int = 1, max_depth: float = 200.0, overwrite: bool = False, **kwargs):
        if interval < 1:
            raise ValueError(f'interval must be 1 or more, found {interval}')
        self.show_dir, self.interval, self.overwrite = show_dir, interval, overwrite
        self.options = dict(max_depth=max_depth, **kwargs)

    def before_test(self, runner) -> None:
        """See :func:`claim_folder`."""
        claim_folder(self.show_dir, runner.test_dataloader.dataset, self.overwrite)

    def after_test_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        """Draw the frames of one batch; ``data_batch['inputs']['img']`` holds B (N, 3, H, W) uint8 BGR tensors."""
        for images, sample in zip(data_batch['inputs']['img'], outputs):
            if sample.sample_idx % self.interval == 0:
                write_frame(self.show_dir, sample, images.flip(1), **self.options)
