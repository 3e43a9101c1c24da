#!/usr/bin/env bash
# Puts mmcv with its compiled ops into .venv, in the place of mmcv-lite: BEV detectors need them. Needs a C++ compiler.
#
#   .venv/fsmde.mmcv   the Python, torch and mmcv versions that the ops were built for
#
# mmcv 2.1.0 has no wheel for today's torch. It compiles for 10 to 22 minutes on 2 cores, by their speed. The wheel is kept in
# ${XDG_CACHE_HOME:-~/.cache}/fsmde/wheels/<key>, so a second clone installs it in seconds.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -n "${FSMDE_PYTHON:-}" ]; then
    "$FSMDE_PYTHON" -c 'import sys; from fsmde.mmcv_ops import provide_ops; sys.exit(not provide_ops())' || {
        echo "FSMDE_PYTHON=$FSMDE_PYTHON has no compiled ops of mmcv: this command changes .venv only. Install" \
             "mmcv==2.1.0 there, or unset FSMDE_PYTHON." >&2
        exit 1
    }
    exit 0
fi

PYTHON=.venv/bin/python
STAMP=.venv/fsmde.mmcv
VERSION=$(sed -n 's/^mmcv-lite==//p' requirements.txt)
say() { echo "[setup-ops] $*" >&2; }

key=$("$PYTHON" - "$VERSION" <<'PY'
import importlib.metadata, platform, sys
python = f'cp{sys.version_info.major}{sys.version_info.minor}'
torch = importlib.metadata.version('torch')
print(f'{python}-torch{torch}-mmcv{sys.argv[1]}-{platform.system().lower()}_{platform.machine()}')
PY
)
if [ "$(cat "$STAMP" 2>/dev/null)" = "$key" ]; then
    exit 0
fi
wheels=${XDG_CACHE_HOME:-$HOME/.cache}/fsmde/wheels/$key
if ! ls "$wheels"/mmcv-*.whl >/dev/null 2>&1; then
    command -v c++ >/dev/null || { echo "mmcv's ops need a C++ compiler, and there is none (c++)." >&2; exit 1; }
    say "compiling mmcv $VERSION for $key, once for all clones; log: .venv/mmcv_build.log"
    "$PYTHON" -m pip install -q ninja psutil
    build=$(mktemp -d)
    trap 'rm -rf "$build"' EXIT
    # pip's own wheel cache is not keyed by torch: never take mmcv from it, never put it there.
    ( PATH="$PWD/.venv/bin:$PATH" MMCV_WITH_OPS=1 MAX_JOBS=${MAX_JOBS:-$(nproc)} "$PYTHON" -m pip wheel -v --no-cache-dir \
        --no-deps --no-build-isolation --no-binary mmcv -w "$build" "mmcv==$VERSION" >.venv/mmcv_build.log 2>&1 ) &
    pid=$!
    while kill -0 $pid 2>/dev/null; do
        sleep 5; seconds=$((${seconds:-0} + 5))
        [ $((seconds % 60)) -ne 0 ] || say "still compiling ($((seconds / 60)) min): $(grep -oE '\[[0-9]+/[0-9]+\]' .venv/mmcv_build.log | tail -n 1) files"
    done
    wait $pid || { tail -n 40 .venv/mmcv_build.log >&2; echo "mmcv did not compile: see .venv/mmcv_build.log" >&2; exit 1; }
    mkdir -p "$(dirname "$wheels")"
    # Two clones may build at once: the first one to finish wins, the other uses its result.
    mv -T "$build" "$wheels" 2>/dev/null || true
fi
say "installing mmcv from $wheels"
# Uninstalled first: the two packages own the same files.
"$PYTHON" -m pip uninstall -q -y mmcv-lite mmcv
"$PYTHON" -m pip install -q --no-deps "$wheels"/mmcv-*.whl
"$PYTHON" -c 'import sys; from fsmde.mmcv_ops import provide_ops; import mmdet3d.models; sys.exit(not provide_ops())'
echo "$key" >"$STAMP"
say "done"
