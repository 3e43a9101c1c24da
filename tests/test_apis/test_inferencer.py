from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from mmdet3d.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from processes import run_tool

from fsmde.apis import Frame, SurroundDepthInferencer, load_model
from fsmde.rig_camera import RigCamera
from fsmde.rig_file import RigFile, write_rig


def predictions_of_the_test_loop(published):
    """What tools/test.py predicts, by frame and camera: its config's data set, preprocessor and model."""
    config = Config.fromfile(published / 'config.py')
    model = load_model(published / 'config.py', published / 'epoch_3.pth', 'cpu')
    dataset, found = DATASETS.build(config.test_dataloader.dataset), {}
    for index in range(len(dataset)):
        batch = model.data_preprocessor(pseudo_collate([dataset[index]]))
        with torch.no_grad():
            sample = model(**batch, mode='predict')[0]
        found[sample.frame_id] = dict(zip(sample.cam_names, sample.pred_depth.numpy()))
    return found


def test_a_published_folder_predicts_what_the_test_loop_does(published, frames):
    expected = predictions_of_the_test_loop(published)
    inferencer = SurroundDepthInferencer(published / 'student', device='cpu')
    results = inferencer(frames)['predictions']
    assert [result.name for result in results] == list(expected) and len(expected) == 3
    for result in results:
        assert result.missing == () and list(result.depth) == list(expected[result.name])
        for camera, depth in result.depth.items():
            np.testing.assert_allclose(depth, expected[result.name][camera], rtol=1e-4)
            assert depth.std() > 0.01


def test_onnx_runtime_predicts_the_same(published, frames, tmp_path):
    pytest.importorskip('onnxscript')
    argv = published / 'student', tmp_path / 'student.onnx', '--with-bins'
    code, printed = run_tool('deployment/export_onnx.py', *argv, log=tmp_path / 'log')
    assert code == 0, printed
    inferencer = SurroundDepthInferencer(published / 'student', device='cpu')
    (expected,) = inferencer(frames[:1])['predictions']
    (found,) = SurroundDepthInferencer(str(tmp_path / 'student.onnx'))(frames[:1])['predictions']
    for camera in expected.views:
        np.testing.assert_allclose(found.depth[camera], expected.depth[camera], rtol=1e-3)
        np.testing.assert_allclose(found.confidence[camera], expected.confidence[camera], atol=1e-3)
    with pytest.raises(ValueError, match='no graph that ONNX Runtime can load'):
        (tmp_path / 'cut.onnx').write_bytes((tmp_path / 'student.onnx').read_bytes()[:1000])
        SurroundDepthInferencer(tmp_path / 'cut.onnx')
    with pytest.raises(FileNotFoundError, match='no ONNX graph'):
        SurroundDepthInferencer(tmp_path / 'absent.onnx')


@pytest.fixture(scope='module')
def student(published):
    return load_model(published / 'student', device='cpu')


def rig_of(arrays, **changes):
    return RigFile(
        [
            RigCamera.from_field_of_view(name, image.shape[1::-1], 90 if name != 'REAR' else 60)
            for name, image in arrays.items()
        ],
        **changes,
    )


def test_a_camera_alone_predicts_what_it_does_in_the_rig(student, arrays):
    # Images of two sizes, and an array or a file: each view is predicted by itself.
    inferencer = SurroundDepthInferencer(student, rig=rig_of(arrays))
    (together,) = inferencer(arrays)['predictions']
    assert list(together.depth) == ['FRONT', 'LEFT', 'REAR'] and together.missing == ()
    assert {depth.shape for depth in together.depth.values()} == {(48, 64)}
    assert {name: depth.shape for name, depth in together.original_depth.items()} == dict(
        FRONT=(96, 128), LEFT=(96, 128), REAR=(60, 100)
    )
    (alone,) = inferencer({'REAR': arrays['REAR']})['predictions']
    assert alone.missing == ('FRONT', 'LEFT') and list(alone.depth) == ['REAR']
    np.testing.assert_allclose(alone.depth['REAR'], together.depth['REAR'], rtol=1e-4)


def test_focal_length_and_depth_scale_multiply(student, arrays):
    image = {'FRONT': arrays['FRONT']}
    (wide,) = SurroundDepthInferencer(student, hfov=90)(image)['predictions']
    # Half the field's tangent is twice the focal length.
    narrow = SurroundDepthInferencer(student, hfov={'FRONT': float(2 * np.degrees(np.arctan(0.5)))})
    np.testing.assert_allclose(narrow(image)['predictions'][0].depth['FRONT'], 2 * wide.depth['FRONT'], rtol=1e-5)
    camera = RigCamera.from_field_of_view('FRONT', (128, 96), 90)
    scaled = RigCamera('FRONT', (128, 96), camera.cam2img, depth_scale=1.3)
    (found,) = SurroundDepthInferencer(student, rig=RigFile([scaled]))(image)['predictions']
    np.testing.assert_allclose(found.depth['FRONT'], 1.3 * wide.depth['FRONT'], rtol=1e-5)


def test_lists_of_frames_and_cameras_that_come_and_go(student, arrays):
    inferencer = SurroundDepthInferencer(student, rig=rig_of(arrays))
    without = {name: image for name, image in arrays.items() if name != 'LEFT'}
    results = inferencer([arrays, without, Frame('third', arrays, time=7)])['predictions']
    assert [result.name for result in results] == ['000000', '000001', 'third']
    assert [result.missing for result in results] == [(), ('LEFT',), ()] and results[2].time == 7
    np.testing.assert_array_equal(results[0].depth['LEFT'], results[2].depth['LEFT'])


def test_points_are_those_of_the_estimator(published, frames):
    inferencer = SurroundDepthInferencer(published / 'student', device='cpu')
    call = inferencer(frames[:1], return_datasamples=True, return_vis=True, max_depth=40)
    (sample,) = call['predictions']
    (result,) = inferencer(frames[:1])['predictions']
    from fsmde.models.estimators.bin_depth_estimator import rig_batch

    rig = rig_batch([sample], torch.zeros(1, 6, 3, 48, 64))
    expected = rig.unproject(sample.pred_depth[None]).reshape(-1, 3)
    points, colors = result.points()
    np.testing.assert_allclose(points, expected.numpy(), atol=1e-3)
    assert colors.shape == points.shape and colors.dtype == np.uint8
    assert len(result.points(max_depth=float(np.median(result.stacked('depth'))))[0]) < 0.6 * len(points)
    assert len(result.points(stride=2)[0]) == len(points) / 4
    sure = result.points(min_confidence=float(np.median(result.stacked('confidence'))))[0]
    assert 0.4 * len(points) < len(sure) < 0.6 * len(points)
    assert call['visualization'][0].ndim == 3 and call['visualization'][0].dtype == np.uint8


def test_least_confidence_of_a_model_that_gives_none_is_refused(published, frames):
    (result,) = SurroundDepthInferencer(published / 'student', device='cpu')(frames[:1])['predictions']
    views = {name: replace(view, confidence=None) for name, view in result.views.items()}
    without = replace(result, views=views)
    assert len(without.points()[0]) == len(result.points()[0])
    with pytest.raises(
        ValueError, match=r'min_confidence \(--min-confidence\) is 0.5, and the model gives no .*--with-bins'
    ):
        without.points(min_confidence=0.5)


def test_without_poses_there_are_no_points(student, arrays):
    (result,) = SurroundDepthInferencer(student, rig=rig_of(arrays))(arrays)['predictions']
    assert not result.has_poses
    with pytest.raises(ValueError, match=r"\['FRONT', 'LEFT', 'REAR'\] have no cam2ego"):
        result.points()


def test_a_distorted_camera_predicts_what_its_rectified_images_do(student):
    from fsmde.lenses import PlumbBobLens
    from fsmde.rectification import Rectifier

    rng = np.random.default_rng(1)
    image = cv2.resize(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8), (256, 192))
    pinhole = RigCamera.from_field_of_view('A', (256, 192), 90)
    distorted = RigCamera('A', (256, 192), pinhole.cam2img, PlumbBobLens((0.25, 0.05, 0, 0)))
    (found,) = SurroundDepthInferencer(student, rig=RigFile([distorted]))({'A': image})['predictions']
    rectified, small = Rectifier(distorted)(image, (48, 64)), RigCamera.from_field_of_view('A', (64, 48), 90)
    (expected,) = SurroundDepthInferencer(student, rig=RigFile([small]))({'A': rectified})['predictions']
    view = found.views['A']
    np.testing.assert_allclose(view.predicted, expected.depth['A'], rtol=1e-5)
    # This lens sees less in the corners than the frame that is predicted.
    assert not view.visible[0, 0] and view.depth[0, 0] == 0 and (view.depth[24, 20:44] > 0).all()
    original = found.original_depth['A']
    assert original.shape == (192, 256) and original[96, 128] > 0


def test_what_is_missing_is_said(student, arrays, tmp_path):
    with pytest.raises(ValueError, match=r'camera FRONT has no calibration.*--hfov DEGREES.*focal length'):
        SurroundDepthInferencer(student)(arrays)
    with pytest.raises(ValueError, match='LEFT has no calibration'):
        SurroundDepthInferencer(student, hfov={'FRONT': 90})(arrays)
    with pytest.raises(ValueError, match="camera 'FRNT' is not in the rig .did you mean 'FRONT'"):
        SurroundDepthInferencer(student, rig=rig_of(arrays))({'FRNT': arrays['FRONT']})
    with pytest.raises(ValueError, match='frame 000000: camera FRONT: size: the image is 100x60'):
        SurroundDepthInferencer(student, rig=rig_of(arrays))({'FRONT': arrays['REAR']})
    with pytest.raises(ValueError, match='give one of them'):
        SurroundDepthInferencer(student, rig=rig_of(arrays), hfov=90)
    with pytest.raises(FileNotFoundError, match='nothing.jpg'):
        SurroundDepthInferencer(student, hfov=90)({'FRONT': str(tmp_path / 'nothing.jpg')})
    with pytest.raises(ValueError, match=r'camera FRONT: expected an image \(H, W, 3\) uint8 BGR, found \(96, 128\)'):
        SurroundDepthInferencer(student, hfov=90)({'FRONT': arrays['FRONT'][..., 0]})
    with pytest.raises(ValueError, match='batch_size must be 1'):
        SurroundDepthInferencer(student, hfov=90)(arrays, batch_size=2)
    with pytest.raises(TypeError, match='found int'):
        SurroundDepthInferencer(student, hfov=90)(5)


def test_options_that_would_change_nothing_are_refused(student, published):
    for options in (dict(checkpoint='epoch_3.pth'), dict(device='cuda'), dict(threads=2)):
        name = next(iter(options))
        with pytest.raises(
            ValueError, match=rf'{name}=.* \(--{name}\) would change nothing: a BinDepthEstimator is there'
        ):
            SurroundDepthInferencer(student, **options)
        runtime = SurroundDepthInferencer(student).runtime
        with pytest.raises(ValueError, match=f'{name}=.*: a TorchRuntime is there already'):
            SurroundDepthInferencer(runtime, **options)
        if name != 'threads':
            with pytest.raises(ValueError, match=f'{name}=.*: student.onnx holds its weights, and runs on the CPU'):
                SurroundDepthInferencer('student.onnx', **options)
    with pytest.raises(ValueError, match=r'threads=2 .*: it is of ONNX graphs, and torch has OMP_NUM_THREADS'):
        SurroundDepthInferencer(published / 'student', threads=2)
    with pytest.raises(FileNotFoundError):
        SurroundDepthInferencer('student.onnx', device='cpu', threads=2)


def test_a_rig_file_is_read(student, arrays, tmp_path):
    write_rig(tmp_path / 'rig.yaml', rig_of(arrays))
    (found,) = SurroundDepthInferencer(student, rig=str(tmp_path / 'rig.yaml'))(arrays)['predictions']
    (expected,) = SurroundDepthInferencer(student, rig=rig_of(arrays))(arrays)['predictions']
    for camera, depth in expected.depth.items():
        np.testing.assert_array_equal(found.depth[camera], depth)
