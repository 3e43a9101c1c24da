#!/usr/bin/env bash
# Runs the tests in an environment with other versions than requirements.txt's: the oldest that setup.py allows, or the newest.
#
#   tools/dev/check_versions.sh oldest                         # Python 3.10, torch 2.1.2, ...
#   tools/dev/check_versions.sh newest python3.12              # what pip finds today
#   tools/dev/check_versions.sh oldest python3.10 tests/test_models -k teacher
#
# Environments are made once under ${FSMDE_VERSIONS:-work_dirs/versions}, without a compiler, and print what they hold.
# pip's own settings say where it looks: with PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu torch is a CPU build,
# otherwise PyPI's is one for CUDA (some 3 GB), which runs on a CPU too.
set -euo pipefail
cd "$(dirname "$0")/../.."

which=${1:-}
python=${2:-$([ "$which" = newest ] && echo python3.12 || echo python3.10)}
shift $(($# < 2 ? $# : 2))

case "$which" in
oldest)
    # The lower bounds of setup.py's ranges. No onnx: torch exports from 2.5 on.
    packages=(torch==2.1.2 numpy==1.23.5 mmengine==0.10.5 mmcv-lite==2.1.0 mmdet==3.2.0 mmdet3d==1.4.0
        nuscenes-devkit==1.1.11 transformers==4.49.0 huggingface_hub==0.26.0 safetensors==0.4.1
        simplejpeg==1.7.2 filelock==3.10.0)
    ;;
newest)
    packages=(torch 'numpy<2' mmengine mmcv-lite==2.1.0 'mmdet<3.4' mmdet3d nuscenes-devkit transformers
        simplejpeg filelock onnx onnxscript onnxruntime)
    ;;
*)
    sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

folder=${FSMDE_VERSIONS:-work_dirs/versions}/$which-$(basename "$python")
if [ ! -e "$folder/complete" ]; then
    "$python" -m venv --clear "$folder"
    "$folder/bin/python" -m pip install -q 'setuptools<81' wheel "${packages[@]}" embreex tensorboard rich kornia-rs pytest rosbags mcap-ros2-support
    "$folder/bin/python" -m pip install -q --no-build-isolation --no-deps -e .
    touch "$folder/complete"
fi
"$folder/bin/python" - <<'PY'
import importlib.metadata, platform
names = 'torch numpy mmengine mmcv-lite mmdet mmdet3d nuscenes-devkit transformers'.split()
print('Python', platform.python_version(), *(f'{name} {importlib.metadata.version(name)}' for name in names), sep=' | ')
PY
"$folder/bin/python" -m pytest "${@:-tests}"
