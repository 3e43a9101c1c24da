"""Folders of models whose files are broken: each error names the file and what is wrong with it."""

import copy
import json
import os
import shutil

import pytest
import torch
import transformers
from safetensors.torch import load_file

from fsmde.models.teachers import HuggingFaceDepthTeacher
from fsmde.models.teachers.zoo import RANDOM_MODELS

POINTER = b'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 99173660\n'


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp('model') / 'whole'
    config = transformers.AutoConfig.for_model(**copy.deepcopy(RANDOM_MODELS['random-tiny']))
    transformers.AutoModelForDepthEstimation.from_config(config).save_pretrained(folder)
    (folder / 'preprocessor_config.json').write_text('{"image_mean": [0.4, 0.5, 0.6], "image_std": [0.1, 0.2, 0.3]}')
    return folder


@pytest.fixture
def folder(source, tmp_path):
    return shutil.copytree(source, tmp_path / 'model')


def refused(folder, *words, error=ValueError):
    with pytest.raises(error) as caught:
        HuggingFaceDepthTeacher(str(folder))
    said = str(caught.value)
    assert all(str(word) in said for word in words) and 'neither a directory' not in said, said


@pytest.mark.parametrize('name', ['config.json', 'model.safetensors', 'preprocessor_config.json'])
def test_a_file_that_is_a_pointer_empty_or_cut(folder, name):
    path = folder / name
    content = path.read_bytes().rstrip()
    path.write_bytes(POINTER)
    refused(folder, path, 'pointer of git-lfs', 'git lfs pull')
    path.write_bytes(b'')
    refused(folder, path, 'is empty')
    for size in (1, 7, 9, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        refused(folder, path, 'cut')
    path.write_bytes(b'\xff\xd8' + content)
    refused(folder, path, 'cut')


@pytest.mark.parametrize('name', ['config.json', 'preprocessor_config.json', 'processor_config.json'])
def test_a_json_file_of_another_kind(folder, name):
    (folder / name).write_text('[1, 2]')
    refused(folder, folder / name, 'holds a list')


@pytest.mark.parametrize(
    'changes, words',
    [
        (dict(model_type='nothing'), 'nothing'),
        (dict(model_type='segformer'), "is a 'segformer' model; supported are"),
        (dict(fusion_hidden_size=32), 'of them have other shapes, such as head.conv1.bias with (8,) where (16,)'),
    ],
)
def test_a_config_of_another_model(folder, changes, words):
    config = json.loads((folder / 'config.json').read_text())
    (folder / 'config.json').write_text(json.dumps({**config, **changes}))
    refused(folder, folder, words)


@pytest.mark.parametrize(
    'entries',
    [dict(image_mean=[0.5, 0.5]), dict(image_mean=[0.5] * 3), dict(image_std=['a'] * 3), dict(image_std=[0] * 3)],
)
def test_a_preprocessor_config_without_three_numbers(folder, entries):
    complete = dict(image_mean=[0.5] * 3, image_std=[0.5] * 3) if 'image_std' in entries else {}
    (folder / 'preprocessor_config.json').write_text(json.dumps({**complete, **entries}))
    refused(folder, folder, 'preprocessor config', 'expected three numbers each')


def test_weights_in_torchs_format(folder):
    tensors = load_file(folder / 'model.safetensors')
    os.remove(folder / 'model.safetensors')
    path = folder / 'pytorch_model.bin'
    torch.save(tensors, path)
    HuggingFaceDepthTeacher(str(folder))
    path.write_bytes(path.read_bytes()[:5000])
    refused(folder, path, '5000 bytes', 'cut short')
    path.write_bytes(POINTER)
    refused(folder, path, 'pointer of git-lfs')


def test_weights_in_parts(folder):
    network = transformers.AutoModelForDepthEstimation.from_pretrained(folder)
    os.remove(folder / 'model.safetensors')
    network.save_pretrained(folder, max_shard_size='200KB')
    index, parts = folder / 'model.safetensors.index.json', sorted(folder.glob('model-*.safetensors'))
    assert len(parts) > 1
    HuggingFaceDepthTeacher(str(folder))
    content = parts[1].read_bytes()
    parts[1].write_bytes(content[:-1])
    refused(folder, parts[1], 'cut short')
    os.remove(parts[1])
    refused(folder, index, parts[1].name, 'not beside it', error=FileNotFoundError)
    index.write_text('{"metadata": {}}')
    refused(folder, index, 'weight_map')


def test_what_is_not_read_is_not_looked_at(folder):
    """A clone whose large files were fetched in part, and files of a trainer."""
    for name in ('pytorch_model.bin', 'training_args.bin', 'tf_model.h5', 'tokenizer_config.json'):
        (folder / name).write_bytes(POINTER)
    assert HuggingFaceDepthTeacher(str(folder)).mean == pytest.approx([0.4, 0.5, 0.6])


def test_a_cut_config_in_the_hubs_cache(source, tmp_path, monkeypatch):
    snapshot = tmp_path / 'models--some--model' / 'snapshots' / '0123'
    shutil.copytree(source, snapshot)
    (snapshot.parents[1] / 'refs').mkdir()
    (snapshot.parents[1] / 'refs' / 'main').write_text('0123')
    monkeypatch.setattr('huggingface_hub.constants.HF_HUB_CACHE', str(tmp_path))
    (snapshot / 'preprocessor_config.json').write_text('{"image_mean": [0.4,')
    with pytest.raises(ValueError, match=r'snapshots/0123/preprocessor_config.json is cut'):
        HuggingFaceDepthTeacher('some/model')


def test_an_official_file_that_is_a_pointer(tmp_path):
    path = tmp_path / 'depth_anything_v2_vits.pth'
    path.write_bytes(POINTER)
    refused(path, path, 'pointer of git-lfs')
