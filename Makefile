# The daily commands. Python 3.11 or newer and make are all that must be there: every target that needs the
# environment builds .venv from constraints.txt first, and again when pyproject.toml or constraints.txt changes.

PYTHON ?= python3
WORKERS ?= 2
TORCH ?= pinned

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := dev
DEMO := runs/demo
MODERN := import sys; sys.exit(sys.version_info < (3, 11))

# Test processes share the cores, so each gets one thread. Slow tests run one at a time with every core, for some
# of them measure time or start processes of their own.
PYTEST := $(BIN)/python -m pytest
PYTEST_PARALLEL := OMP_NUM_THREADS=1 $(PYTEST) -n $(WORKERS)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow test-kill fuzz lint types format bench check docs lowest coverage mutate clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) ## Run a curated scale-free ecosystem and write its report to runs/demo
	$(BIN)/ecosystem run scale_free_curated --out $(DEMO)
	$(BIN)/ecosystem report $(DEMO)

test: $(STAMP) ## Run the tests and the examples in docstrings, but for the slow ones
	$(PYTEST_PARALLEL) -m "not slow"

test-slow: $(STAMP) ## Run the slow tests
	$(PYTEST) -m slow tests

test-kill: $(STAMP) ## Kill a sweep at 200 random instants and see that nothing is lost (about an hour)
	ECOSYSTEM_KILLS=200 $(PYTEST) -m slow tests/runner/test_killed.py

fuzz: $(STAMP) ## Give 10,000 spoilt scenario files to the command line
	FUZZ=10000 $(PYTEST_PARALLEL) tests/fuzz/test_fuzzed_scenarios.py

lint: $(STAMP) ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## Check types
	$(BIN)/mypy

format: $(STAMP) ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(STAMP) ## Run the benchmarks (every script of benchmarks/ whose name has no leading underscore)
	@set -e; for script in benchmarks/[!_]*.py; do \
	  echo "$(BIN)/python $$script"; $(BIN)/python "$$script"; \
	done

check: $(STAMP) ## Run the shipped scenarios that train no networks and compare them with the literature
	$(BIN)/ecosystem check

docs: $(STAMP) ## Build the documentation into site/, every warning an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

lowest: ## Run a part of the tests with the lowest versions that pyproject.toml states (TORCH=lowest: of torch too)
	WORKERS=$(WORKERS) $(PYTHON) .ci/lowest.py --torch $(TORCH)

coverage: $(STAMP) ## Measure which lines and branches the tests reach (htmlcov/index.html)
	$(PYTEST_PARALLEL) -m "not slow" --cov --cov-report=term --cov-report=html

mutate: $(STAMP) ## Name small changes of the mathematics that no test notices (MODULES=luce)
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(BIN)/python -m mutation $(MODULES)

clean: ## Remove caches and build products (.venv and runs/ stay)
	rm -rf build dist site htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# torch and the build backend come first, at the pinned versions, so that nothing installed after them chooses
# another. An environment that lacks pip, or whose Python is gone or too old, is made anew.
$(STAMP): pyproject.toml constraints.txt
	@$(BIN)/python -c 'import pip; $(MODERN)' 2>/dev/null || { \
	  $(PYTHON) -c '$(MODERN)' 2>/dev/null || { \
	    echo "Python 3.11 or newer is needed, but $(PYTHON) is: $$($(PYTHON) --version 2>/dev/null || echo missing)." >&2; \
	    echo "Name another one: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; \
	    exit 1; \
	  }; \
	  echo "Making $(VENV); the first time takes a few minutes."; \
	  $(PYTHON) -m venv --clear $(VENV); \
	}
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch hatchling
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  --no-build-isolation -e '.[$(EXTRAS)]'
	@touch $@
