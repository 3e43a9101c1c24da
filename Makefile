# FSMDE_PYTHON names an interpreter that has everything; otherwise .venv is made, once, without a compiler.
# setup-ops compiles mmcv's ops into it, which only BEV detectors and their tests need.
PYTHON := $(or $(FSMDE_PYTHON),.venv/bin/python)

.PHONY: setup setup-ops demo test docs lint format

setup:
	@tools/dev/setup_env.sh

setup-ops: setup
	@tools/dev/setup_ops.sh

demo: setup
	$(PYTHON) tools/demo.py

# Two processes, a file of tests to each in turn: a test computes on one thread.
test: setup
	$(PYTHON) -m pytest tests -n 2 --dist loadfile $(ARGS)

docs: setup
	@tools/dev/build_docs.sh

lint: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format: setup
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
