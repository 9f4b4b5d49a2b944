# Each goal sets the machine up by itself; repeating one costs nothing.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed

.PHONY: conformance test lint types quick clean

conformance: $(STAMP)
	$(VENV)/bin/conformance run --ratchet --device cpu --out report

test: $(STAMP)
	$(VENV)/bin/python -m pytest

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(STAMP)
	$(VENV)/bin/pyright

quick: $(STAMP)
	$(VENV)/bin/conformance run --quick --ratchet --device cpu --out report

clean:
	rm -rf $(VENV) report outcome build dist

$(STAMP): pyproject.toml .ci/constraints-cpu.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade "pip>=25"
	$(VENV)/bin/python -m pip install --quiet --constraint .ci/constraints-cpu.txt --editable ".[all]"
	touch $(STAMP)
