# The two commands are `make verify` and `make test`; `make help` lists the others.
# ARGS are passed on: make verify ARGS="contract --seed 7"

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV_VERSION := 0.13.9
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
BIN := .venv/bin
ARGS ?=
# Trust what the machine trusts (uv brings its own list of authorities otherwise); the second name is that of older versions.
export UV_SYSTEM_CERTS := true
export UV_NATIVE_TLS := true

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: verify
verify: env browser ## Verify the reference platform: the merge plan, verdict and report
	@$(BIN)/harness verify $(ARGS)

.PHONY: verify-full
verify-full: env browser ## Verify it for a release: the slow checks and the whole load as well, about half an hour
	@$(BIN)/harness verify --plan release $(ARGS)

.PHONY: test
test: env browser ## The harness's own tests, with its coverage held to the same four numbers
	@rm -rf .cache/test-coverage
	mkdir -p .cache/test-coverage
	$(BIN)/python -m pytest tests -n auto --maxprocesses=4 --dist loadfile --cov --cov-config=tests/coverage.ini --cov-report= $(ARGS)
	$(BIN)/python -m tests.coverage_gate $(if $(ARGS),--report-only)

.PHONY: lint
lint: env ## Style, types, import directions
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: env ## Rewrite the code in the project's style
	@$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: env ## Measure speed and memory; prints figures and how they were obtained
	@$(BIN)/python -m bench $(ARGS)

.PHONY: faults
faults: env browser ## Plant every fault in a copy and see which gates notice
	@$(BIN)/harness faults run $(ARGS)

.PHONY: env
env: .venv/.synced ## The Python environment, as uv.lock says

.venv/.synced: uv.lock pyproject.toml
	@if [ ! -x "$(UV)" ] && ! command -v uv >/dev/null; then
	  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Name another: make PYTHON=python3.12"; exit 4; }
	  echo "installing uv $(UV_VERSION) into .uv"
	  $(PYTHON) -m venv .uv || { echo "hint: as root: apt-get install python3-venv"; exit 4; }
	  .uv/bin/python -m pip install --quiet "uv==$(UV_VERSION)"
	fi
	echo "installing the locked dependencies into .venv"
	$(UV) sync --frozen --quiet --compile-bytecode --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	touch $@

.PHONY: browser
browser: env ## A browser for the flows: found, or installed as root, or the one command that root must run
	@$(BIN)/python -m harness.engines.browser_install

.PHONY: clean
clean: ## Remove environment, caches and runs
	@rm -rf .venv .uv .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis reports/runs reports/latest
