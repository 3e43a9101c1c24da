"""From a collated batch to normalised tensors on the device."""

import torch
from mmdet3d.registry import MODELS
from mmengine.model import BaseDataPreprocessor
from torch import Tensor


def preprocessor_config(data_preprocessor: dict, backbone: dict) -> dict:
    """The config of a model's preprocessor, with the backbone's own normalisation where it states none.

    A backbone class says what its weights expect in ``normalization(**settings) -> dict(mean=..., std=...)``.
    """
    settings = dict(backbone)
    kind = settings.pop('type')
    kind = MODELS.get(kind) if isinstance(kind, str) else kind
    expected = kind.normalization(**settings) if hasattr(kind, 'normalization') else {}
    return {**expected, **(data_preprocessor or dict(type='SurroundDataPreprocessor'))}


@MODELS.register_module()
class SurroundDataPreprocessor(BaseDataPreprocessor):
    """Stack, move and normalise the views of a batch; keep the teacher's views as they are.

    Args:
        mean, std: Of RGB values in [0, 255]. An estimator passes what its backbone's weights expect, see
            :func:`preprocessor_config`; ImageNet's by default.
    """

    def __init__(self, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), non_blocking: bool = True):
        super().__init__(non_blocking)
        self.register_buffer('mean', torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(3, 1, 1), persistent=False)

    def normalize(self, images: Tensor) -> Tensor:
        """(..., 3, H, W) uint8 RGB -> normalised float32."""
        return (images.float() - self.mean) / self.std

    def forward(self, data: dict, training: bool = False) -> dict:
        """Preprocess one batch.

        Args:
            data: ``inputs``: dict of lists of B (N, 3, H, W) uint8 BGR tensors, ``img`` and perhaps ``teacher_img``;
                ``data_samples``: list of B :class:`fsmde.structures.SurroundDepthSample`.

        Returns:
            dict: ``inputs``: ``img`` (B, N, 3, H, W) normalised float32 and perhaps ``teacher_img`` (B, N, 3, H', W')
            uint8 RGB; ``data_samples`` on the device.

        Raises:
            ValueError: If the frames of the batch have different cameras or sizes.
        """
        data = self.cast_data(data)
        inputs = {key: self._stack(frames, data) for key, frames in data['inputs'].items()}
        inputs['img'] = self.normalize(inputs['img'])
        return dict(inputs=inputs, data_samples=data.get('data_samples'))

    @staticmethod
    def _stack(frames, data):
        if isinstance(frames, Tensor):
            batch = frames
        else:
            shapes = {tuple(frame.shape) for frame in frames}
            if len(shapes) > 1:
                ids = [sample.frame_id for sample in data.get('data_samples') or []]
                raise ValueError(f'frames {ids} have views (N, 3, H, W) of different shapes {sorted(shapes)}')
            batch = torch.stack(list(frames))
        return batch.flip(2)
