# FSMDE_PYTHON names an interpreter that has everything; otherwise .venv is made, once.
PYTHON := $(or $(FSMDE_PYTHON),.venv/bin/python)

.PHONY: setup demo test lint format

setup:
	@tools/dev/setup_env.sh

demo: setup
	$(PYTHON) tools/demo.py

test: setup
	$(PYTHON) -m pytest tests

lint: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

format: setup
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
