# The commands of the project: make up, make test, make down. Each installs what it needs first.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin

# The first Python on PATH that is new enough; a machine often has an old `python3` beside others.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
	if $$python -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then command -v $$python; break; fi; done)

# Each command is many Python processes; some machines forbid them to keep what they compile.
export PYTHONDONTWRITEBYTECODE :=

# What `make test` and `make pipeline` need stays once it is there: `make up` keeps it current too.
WANTED_LOCK = $(if $(wildcard $(VENV)/.test),requirements-dev.lock,$(if \
	$(wildcard $(VENV)/.pipeline),requirements-pipelines.lock,requirements.lock))
PROJECT_FILES := requirements.in requirements-uv.lock pyproject.toml

.PHONY: help up down check pipeline test test-unit lint format types test-integration bench bench-shards bench-data-plane engine minio lock

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 26

up: $(VENV)/.up ## Deploy every local stack on the embedded cloud.
	@$(BIN)/tenancy local up

down: ## Stop the embedded cloud and the data plane; CLEAR=1 also forgets what was in them.
	@if [ -x $(BIN)/tenancy ]; then $(BIN)/tenancy local down $(if $(CLEAR),--clear); \
	if [ -d .local/data-plane ]; then $(BIN)/tenancy local stop --data-plane $(if $(CLEAR),--clear); fi; \
	else echo "nothing was installed, so nothing runs"; fi

pipeline: $(VENV)/.pipeline ## Start the data plane, load each tenant's data, try every pair of tenants.
	@$(BIN)/tenancy local start --data-plane
	@$(BIN)/tenancy pipeline

check: $(VENV)/.up ## Check files, rules and isolation without a cloud; SARIF=FILE also writes that.
	@$(BIN)/tenancy check $(if $(SARIF),--sarif $(SARIF))

test: lint format types test-unit test-integration ## All that CI runs.

lint: $(VENV)/.test ## Lint.
	@echo "== lint (ruff check)" && $(BIN)/ruff check

format: $(VENV)/.test ## Check the formatting; `.venv/bin/ruff format` mends it.
	@echo "== format (ruff format --check)" && $(BIN)/ruff format --check

types: $(VENV)/.test ## Check the types.
	@echo "== types (mypy)" && $(BIN)/mypy

test-unit: $(VENV)/.test ## The quick tests.
	@echo "== unit tests (pytest)" && $(BIN)/pytest -m "not integration" -n 2 --dist loadfile

test-integration: $(VENV)/.test engine minio ## The tests on the real engine and embedded cloud.
	@echo "== integration tests (pytest)" && $(BIN)/pytest -m integration -n 2 --dist loadgroup --no-loadscope-reorder

minio: $(VENV)/.test ## Get or build the S3 server that tests compare with.
	@$(BIN)/python -m localcloud.servers.minio

bench: $(VENV)/.test engine ## Measure proof (up to 10,000 tenants), check (100), the data plane; a quarter hour.
	@$(BIN)/python -m bench.prove
	@echo && $(BIN)/python -m bench.check
	@echo && $(BIN)/python -m bench.data_plane

bench-shards: $(VENV)/.test engine ## Measure what one tenant more costs an estate of 1,000; 5 minutes.
	@$(BIN)/python -m bench.shards

bench-data-plane: $(VENV)/.test ## Measure what tenant scoping costs on a data plane of its own; 6 minutes.
	@$(BIN)/python -m bench.data_plane

engine: $(VENV)/.up ## Get or build the Pulumi engine.
	@$(BIN)/tenancy local engine

lock: $(VENV)/.up ## Renew the locks from requirements*.in.
	$(call compile,requirements-uv)
	$(call compile,requirements)
	$(call compile,requirements-gateway)
	$(call compile,requirements-dagster)
	$(call compile,requirements-pipelines)
	$(call compile,requirements-dev)

$(BIN)/uv: requirements-uv.lock
	@$(if $(PYTHON),,echo "error: no Python 3.11 or newer with its venv module is on PATH;" \
		"install one, or name it: make PYTHON=/path/to/python3 ..." >&2; exit 2)
	@echo "== virtual environment of $(PYTHON)"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-uv.lock
	@touch $@

$(VENV)/.up: requirements.lock $(PROJECT_FILES) | $(BIN)/uv
	$(call sync,$(WANTED_LOCK))
	@touch $@

$(VENV)/.pipeline: requirements-pipelines.lock $(PROJECT_FILES) | $(BIN)/uv
	$(call sync,$(if $(wildcard $(VENV)/.test),requirements-dev.lock,requirements-pipelines.lock))
	@touch $(VENV)/.up $@

$(VENV)/.test: requirements-dev.lock $(PROJECT_FILES) | $(BIN)/uv
	$(call sync,requirements-dev.lock)
	@touch $(VENV)/.up $@

# Exactly what the lock says, nothing else; then the project itself, as it lies here. Compiled at
# once, as pip does.
define sync
@echo "== packages of $(1)"
@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode $(1)
@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
endef

define compile
VIRTUAL_ENV=$(VENV) $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	$(1).in -o $(1).lock
endef
