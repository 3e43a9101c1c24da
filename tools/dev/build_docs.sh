#!/usr/bin/env bash
# Builds the documentation into site/; a link to what is not there is an error. Called by `make docs`.
#
#   .venv/fsmde.docs   what requirements-docs.txt said when it was installed
set -euo pipefail
cd "$(dirname "$0")/../.."

PYTHON=${FSMDE_PYTHON:-.venv/bin/python}
STAMP=.venv/fsmde.docs
if [ -n "${FSMDE_PYTHON:-}" ]; then
    "$PYTHON" -c 'import zensical, mkdocstrings_handlers.python, latex2mathml' || {
        echo "FSMDE_PYTHON=$FSMDE_PYTHON cannot build the pages: install requirements-docs.txt there, or unset it." >&2
        exit 1
    }
elif ! cmp -s requirements-docs.txt "$STAMP"; then
    echo "[docs] installing requirements-docs.txt" >&2
    "$PYTHON" -m pip install -q -r requirements-docs.txt
    cp requirements-docs.txt "$STAMP"
fi
# The pages' Markdown extension lies beside this script.
PYTHONPATH=tools/dev "$PYTHON" -m zensical build --clean --strict
if grep -rlE '<(script|link|img)[^>]* (src|href)="?https?:' site --include=*.html; then
    echo "These pages load something from the net." >&2
    exit 1
fi
echo "[docs] open site/index.html" >&2
