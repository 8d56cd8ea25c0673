# `make setup check` is all that a change needs; the rest is parts of it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_FLAGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup check test lint format bench long simulate demo clean

help:  ## List the targets.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(BIN)/flowrun  ## Make a virtual environment with everything in it.

$(BIN)/flowrun: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet -c requirements.lock -e . --group test --group lint
	touch $@

check: lint test  ## Everything that CI checks.

test: setup  ## Run the tests.
	$(BIN)/python -m pytest -n auto --dist loadscope

lint: setup  ## Style, types and import directions.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## Put the code in form.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## Measure; takes a few minutes.
	$(BIN)/python -m benchmarks

long: setup  ## The long form of the fault and load tests.
	TEST_KILLS=1000 TEST_SCHEDULE_KILLS=40 TEST_ROTATION=all TEST_DELIVERIES=50 TEST_FLOOD=6000 \
	TEST_IN_FLIGHT=100000 \
	$(BIN)/python -m pytest tests/faults

simulate: setup  ## Twenty thousand seeds of the simulation; takes about an hour.
	TEST_SEEDS=20000 $(BIN)/python -m pytest tests/simulation -k no_seed

demo: setup  ## See it work.
	$(BIN)/flowrun demo $(DEMO_FLAGS)

clean:  ## Remove what was made here.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
