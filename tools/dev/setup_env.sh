#!/usr/bin/env bash
# Creates .venv with everything that depth needs, once, without a compiler; a second call only checks a stamp.
#
#   .venv/fsmde.requirements   what requirements.txt, setup.py and this script said when it was installed
#
# mmcv-lite is mmcv without its compiled ops, which BEV detectors need: tools/dev/setup_ops.sh puts mmcv in its place.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -n "${FSMDE_PYTHON:-}" ]; then
    "$FSMDE_PYTHON" -c 'import fsmde' || {
        echo "FSMDE_PYTHON=$FSMDE_PYTHON cannot import fsmde: install requirements.txt and this project" \
             "(pip install -e .) there, or unset FSMDE_PYTHON to have .venv made." >&2
        exit 1
    }
    exit 0
fi

PYTHON=.venv/bin/python
STAMP=.venv/fsmde.requirements
say() { echo "[setup] $*" >&2; }

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
if [ "$(cat "$STAMP" 2>/dev/null)" != "$wanted" ]; then
    # Where mmcv was compiled, mmcv-lite would write over it: both are the same package to Python.
    chosen=$(mktemp)
    trap 'rm -f "$chosen"' EXIT
    if "$PYTHON" -m pip show -q mmcv 2>/dev/null; then
        grep -v '^mmcv-lite==' requirements.txt >"$chosen"
    else
        cp requirements.txt "$chosen"
    fi
    say "installing requirements.txt: about 600 MB, some two minutes"
    "$PYTHON" -m pip install -q -r "$chosen"
    say "installing fsmde"
    "$PYTHON" -m pip install -q --no-build-isolation --no-deps -e .
    "$PYTHON" -c 'import fsmde'
    echo "$wanted" >"$STAMP"
    say "done"
fi
