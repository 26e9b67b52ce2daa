# `make` lists what there is. A second run of any target only does what has changed.
VENV   := .venv
PIP    := $(VENV)/bin/pip --disable-pip-version-check --quiet
PYTEST ?= $(VENV)/bin/pytest

# Byte code is kept, whatever the environment says: every process would compile the same thousand files again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install run demo test test-long coverage peers fuzz check audit drill screenshots bench soak chaos docs lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## make .venv with the `lumen` command in it

run: install ## start everything here: Temporal, ledger, worker, API
	@exec $(VENV)/bin/lumen up

demo: install ## see a service hang and be repaired, in a minute (ARGS=--yes: unattended)
	@exec $(VENV)/bin/lumen demo $(ARGS)

test: $(VENV)/.installed-dev ## run the tests
	@$(PYTEST) --collect-only -qq > /dev/null || : # compiles every test once, for all processes; the run itself tells what fails
	$(PYTEST) -n 6 --dist loadfile --no-loadscope-reorder -m "not long"

test-long: $(VENV)/.installed-dev ## run the tests that take long
	$(PYTEST) -m long

coverage: $(VENV)/.installed-dev ## run all tests and show what they do not reach
	$(PYTEST) -n 4 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered

peers: $(VENV)/.installed-dev ## let programs of others read the ledger (Debian: golang-go, golang-golang-x-mod-dev)
	$(PYTEST) tests/peers

BANDIT := $(VENV)/bin/bandit --quiet --configfile pyproject.toml --recursive \
          lumen rules workflows activities worker api proof cli controls

audit: $(VENV)/.installed-dev ## look for known holes: bandit over the code, pip-audit over the locks (asks a service)
	$(BANDIT)
	@for lock in requirements.lock requirements-dev.lock; do \
	  $(VENV)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off $(AUDIT) -r $$lock || { \
	    echo "$$lock was not found to be free of known holes: one is named above, or the service that knows them" \
	         "(PyPI's; make audit AUDIT='-s osv' asks OSV's) cannot be reached or does not know a package." >&2; \
	    exit 1; }; \
	done

fuzz: $(VENV)/.installed-dev ## random input for every route and parser; takes hours (FUZZ="--requests 500 --inputs 50000": minutes)
	$(VENV)/bin/python -m tests.fuzz $(FUZZ)

check: $(VENV)/.installed-dev ## lint, formatting, insecure constructs, types, import arrows
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(BANDIT)
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

drill: $(VENV)/.installed-dev ## lose the databases of a real Lumen and bring it back, step by step
	$(VENV)/bin/python -m tests.drill

screenshots: $(VENV)/.installed-dev ## make the pictures of docs/console.md anew (Debian: chromium)
	$(VENV)/bin/python -m tests.console.screenshots

bench: $(VENV)/.installed-dev ## measure against bare Temporal; takes most of an hour (BENCH=--quick: minutes)
	$(VENV)/bin/python -m benchmarks $(BENCH)

soak: $(VENV)/.installed-dev ## mixed load for two hours: does anything grow? (ARGS="--minutes 5 --out DIR")
	$(VENV)/bin/python -m benchmarks.soak $(ARGS)

chaos: $(VENV)/.installed-dev ## random faults against a whole Lumen (ARGS="--seeds 1-200"; Debian: strace, Alertmanager)
	$(VENV)/bin/python -m tests.chaos $(ARGS)

docs: $(VENV)/.installed ## make the tables of docs/rules.md and docs/schema anew from the schema
	$(VENV)/bin/python -m rules.reference < docs/rules.md > docs/rules.md.new
	mv docs/rules.md.new docs/rules.md
	$(VENV)/bin/lumen rules schema > docs/schema/rules.json
	$(VENV)/bin/lumen rules schema --policy > docs/schema/policy.json
	$(VENV)/bin/lumen rules schema --tests > docs/schema/tests.json

# No index and no find-links go into the locks: where packages come from is the business of each machine.
COMPILE := $(VENV)/lock/bin/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
           --strip-extras --allow-unsafe --no-header --extra embedded --extra postgres --extra build

lock: $(VENV)/lock/bin/pip-compile ## pin the dependencies anew, with hashes
	$(COMPILE) --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra dev --output-file requirements-dev.lock pyproject.toml

clean: ## remove .venv and what the tools left; ./var stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# The lock for developers has everything that the other has, so one installation does. Without byte code of what no test uses.
$(VENV)/.installed-dev: requirements-dev.lock requirements.lock pyproject.toml | $(VENV)/bin/python
	$(PIP) install --no-compile --require-hashes -r requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(VENV)/.installed $@

$(VENV)/lock/bin/pip-compile: | $(VENV)/bin/python
	$(VENV)/bin/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip --disable-pip-version-check --quiet install 'pip-tools>=7.5,<8'

$(VENV)/bin/python:
	@for candidate in python3.11 python3.12 python3.13 python3; do \
	  if "$$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    exec "$$candidate" -m venv $(VENV); \
	  fi; \
	done; \
	echo "Lumen needs Python 3.11 or newer with its venv module (Debian: apt-get install python3 python3-venv)." >&2; \
	exit 1
