#!/usr/bin/env bash
# Creates .venv with everything the project needs, once; a second call only checks two stamps.
#
#   .venv/fsmde.requirements   what requirements.txt, setup.py and this script said when it was installed
#   .venv/fsmde.mmcv           the Python, torch and mmcv versions that mmcv's compiled ops were built for
#
# mmcv 2.1.0 has no wheel for today's torch and compiles for about 10 minutes on 2 cores. The wheel is kept in
# ${XDG_CACHE_HOME:-~/.cache}/fsmde/wheels/<key>, so a second clone installs it in seconds.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -n "${FSMDE_PYTHON:-}" ]; then
    "$FSMDE_PYTHON" -c 'import fsmde, mmcv.ops' || {
        echo "FSMDE_PYTHON=$FSMDE_PYTHON cannot import fsmde and mmcv's ops: install requirements.txt and this" \
             "project (pip install -e .) there, or unset FSMDE_PYTHON to have .venv made." >&2
        exit 1
    }
    exit 0
fi

PYTHON=.venv/bin/python
REQUIREMENTS_STAMP=.venv/fsmde.requirements
MMCV_STAMP=.venv/fsmde.mmcv
MMCV_VERSION=$(sed -n 's/^mmcv==//p' requirements.txt)
say() { echo "[setup] $*" >&2; }

mmcv_key() {
    "$PYTHON" - "$MMCV_VERSION" <<'PY'
import importlib.metadata, platform, sys
python = f'cp{sys.version_info.major}{sys.version_info.minor}'
torch = importlib.metadata.version('torch')
print(f'{python}-torch{torch}-mmcv{sys.argv[1]}-{platform.system().lower()}_{platform.machine()}')
PY
}

if [ ! -x "$PYTHON" ]; then
    base=$(command -v python3.11 || command -v python3 || true)
    if [ -z "$base" ] || ! "$base" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
        echo "Python 3.11 is needed, found ${base:-none}. Install it, or name an interpreter that already has" \
             "this project's requirements with FSMDE_PYTHON." >&2
        exit 1
    fi
    say "creating .venv with $base"
    "$base" -m venv .venv
fi

wanted=$(cat requirements.txt setup.py "$0" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$REQUIREMENTS_STAMP" 2>/dev/null)" != "$wanted" ]; then
    say "installing build tools, numpy and torch"
    "$PYTHON" -m pip install -q 'setuptools<81' wheel ninja psutil \
        "$(grep '^numpy==' requirements.txt)" "$(grep '^torch==' requirements.txt)"
fi

key=$(mmcv_key)
if [ "$(cat "$MMCV_STAMP" 2>/dev/null)" != "$key" ]; then
    wheels=${XDG_CACHE_HOME:-$HOME/.cache}/fsmde/wheels/$key
    if ! ls "$wheels"/mmcv-*.whl >/dev/null 2>&1; then
        say "compiling mmcv $MMCV_VERSION for $key: about 10 minutes on 2 cores, once; log: .venv/mmcv_build.log"
        build=$(mktemp -d)
        trap 'rm -rf "$build"' EXIT
        # pip's own wheel cache is not keyed by torch: never take mmcv from it, never put it there.
        ( MMCV_WITH_OPS=1 MAX_JOBS=${MAX_JOBS:-$(nproc)} "$PYTHON" -m pip wheel --no-cache-dir --no-deps \
            --no-build-isolation --no-binary mmcv -w "$build" "mmcv==$MMCV_VERSION" >.venv/mmcv_build.log 2>&1 ) &
        pid=$!
        while kill -0 $pid 2>/dev/null; do
            sleep 5; seconds=$((${seconds:-0} + 5))
            [ $((seconds % 60)) -ne 0 ] || say "still compiling mmcv ($((seconds / 60)) min)"
        done
        wait $pid || { tail -n 40 .venv/mmcv_build.log >&2; echo "mmcv did not compile: see .venv/mmcv_build.log" >&2; exit 1; }
        mkdir -p "$(dirname "$wheels")"
        # Two clones may build at once: the first one to finish wins, the other uses its result.
        mv -T "$build" "$wheels" 2>/dev/null || true
    fi
    say "installing mmcv from $wheels"
    "$PYTHON" -m pip install -q --force-reinstall --no-deps "$wheels"/mmcv-*.whl
    echo "$key" >"$MMCV_STAMP"
fi

if [ "$(cat "$REQUIREMENTS_STAMP" 2>/dev/null)" != "$wanted" ]; then
    say "installing the other requirements and the package"
    "$PYTHON" -m pip install -q -r requirements.txt
    "$PYTHON" -m pip install -q --no-build-isolation --no-deps -e .
    "$PYTHON" -c 'import fsmde, mmcv.ops, mmdet3d'
    echo "$wanted" >"$REQUIREMENTS_STAMP"
    say "done"
fi
