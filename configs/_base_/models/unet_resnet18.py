"""Parts of the classic baseline, monodepth2's encoder-decoder: see docs/realtime.md."""

from fsmde.models import RegressionDepthHead, StemResNet, UNetNeck

unet_resnet18 = dict(
    type=StemResNet,
    depth=18,
    norm_eval=False,
    init_cfg=dict(type='Pretrained', checkpoint='https://download.pytorch.org/models/resnet18-f37072fd.pth'),
)
unet_neck = dict(type=UNetNeck, channels=(16, 32, 64, 128, 256))
# A sigmoid disparity at the size of the image. Metres at the reference focal length, set by the data set.
unet_head = dict(type=RegressionDepthHead, min_depth=0.5, max_depth=200.0, channels=0, focal_reference=350.0)
