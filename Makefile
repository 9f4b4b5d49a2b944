# Each goal sets the machine up by itself; repeating one costs nothing.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
REPORTS := --html --junit --badges --summary

.PHONY: conformance test lint types quick prove matrix compare claims clean

conformance: $(STAMP)
	$(VENV)/bin/conformance run --ratchet --device cpu $(REPORTS) --out report

test: $(STAMP)
	$(VENV)/bin/python -m pytest

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(STAMP)
	$(VENV)/bin/pyright

quick: $(STAMP)
	$(VENV)/bin/conformance run --quick --ratchet --device cpu --out report

prove: $(STAMP)
	$(VENV)/bin/conformance prove --out report

matrix: $(STAMP)
	$(VENV)/bin/conformance matrix --out report

compare: $(STAMP)
	$(VENV)/bin/conformance compare --all --seeds 10 --out outcome

claims: $(STAMP)
	$(VENV)/bin/conformance claims --out report

clean:
	rm -rf $(VENV) report outcome build dist

$(STAMP): pyproject.toml .ci/constraints-cpu.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade "pip>=25"
	$(VENV)/bin/python -m pip install --quiet --constraint .ci/constraints-cpu.txt --editable ".[all]"
	touch $(STAMP)
