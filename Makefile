# Two commands do everything from nothing: `make up` and `make test`. The rest is for people who work on nexusdev itself.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
NEXUSDEV := .venv/bin/nexusdev
PYTEST := .venv/bin/python -m pytest
# Unit tests wait for threads and child processes a third of the time: two workers per core keep the cores busy.
UNIT := $(PYTEST) tests -m "not integration" -n $$((2 * $$(getconf _NPROCESSORS_ONLN)))
# Tests of one instance run in one worker, and tests with instances of their own beside them in the other (tests/turns.py).
INTEGRATION := scripts/timed "integration tests" $(PYTEST) tests -n 2 --dist loadgroup --durations=15
KIND := scripts/timed "kind tests" $(PYTEST) tests/integration/kind --durations=15
IMAGES := scripts/engine && scripts/timed "images" $(NEXUSDEV) images build
IMAGES_OF_KIND := $(IMAGES) && scripts/timed "images of kind" $(NEXUSDEV) images build kind-node kind-cli calico

.PHONY: help up down test test-all test-unit test-integration test-integration-all test-kind test-kind-all lint format images clients bench drills scorecard component golden dashboards variables typecheck-dashboards clean lock

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv/.runtime: requirements.lock pyproject.toml scripts/bootstrap
	@scripts/bootstrap runtime

.venv/.dev: requirements-dev.lock .venv/.runtime scripts/bootstrap
	@scripts/bootstrap dev

up: .venv/.runtime ## from nothing to a ready, seeded stack and its env file
	@scripts/engine
	@$(NEXUSDEV) up $(ARGS)

down: .venv/.runtime ## remove containers and networks, keep the data
	@$(NEXUSDEV) down $(ARGS)

test: test-unit test-integration test-kind ## from nothing to passed tests, on the real stack, in Docker and in kind

test-all: test-unit test-integration-all test-kind-all ## the same, with every further example of what takes long: kills of each server, cuts in each phase

test-unit: .venv/.dev ## seconds; no engine
	@scripts/timed "unit tests" $(UNIT) $(ARGS)

test-integration: .venv/.dev ## real servers in real containers
	@$(IMAGES)
	@$(INTEGRATION) -m "integration and not clients and not kind and not long" $(ARGS)

test-integration-all: .venv/.dev ## with the further examples of test-all
	@$(IMAGES)
	@$(INTEGRATION) -m "integration and not clients and not kind" $(ARGS)

test-kind: .venv/.dev ## the stack in a cluster of kind, with Calico: policies, applications, deleted pods, drills
	@$(IMAGES_OF_KIND)
	@$(KIND) -m "integration and kind and not long" $(ARGS)

test-kind-all: .venv/.dev ## with the further examples of test-all
	@$(IMAGES_OF_KIND)
	@$(KIND) -m "integration and kind" $(ARGS)

lint: .venv/.dev ## ruff, mypy --strict, import-linter, shellcheck, hadolint
	@scripts/lint

format: .venv/.dev ## ruff's format and its safe fixes
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

images: .venv/.runtime ## build or fetch every image
	@scripts/engine
	@$(NEXUSDEV) images build $(ARGS)

clients: .venv/.dev ## every client and every page of docs/frameworks against a real stack; writes docs/clients.md
	@scripts/toolchains
	@scripts/engine
	@$(NEXUSDEV) images build
	@CLIENTS_REPORT=docs/clients.md scripts/timed "clients" $(PYTEST) tests/integration/clients tests/integration/frameworks -m integration $(ARGS)

bench: .venv/.dev ## measure the promises; writes docs/benchmarks.md
	@scripts/engine
	@.venv/bin/python scripts/bench $(ARGS)

drills: .venv/.runtime ## carry out every drill three times; writes docs/drills.md
	@scripts/engine
	@$(NEXUSDEV) up
	@$(NEXUSDEV) drill --all --rounds 3 --report docs/drills.md $(ARGS)

scorecard: .venv/.runtime ## measure the scorecard on a running stack; writes docs/scorecard.md
	@scripts/engine
	@$(NEXUSDEV) up
	@$(NEXUSDEV) verify --report docs/scorecard.md $(ARGS)

component: .venv/.dev ## add a component to the tree, as a copy of the example: make component NAME=keydb
	@.venv/bin/python -m scripts.new_component $(NAME)
	@.venv/bin/python -m scripts.variables
	@.venv/bin/ruff check --quiet --fix nexusdev tests && .venv/bin/ruff format --quiet nexusdev tests
	@$(MAKE) --no-print-directory golden

golden: .venv/.dev ## write the reviewed manifests and outputs that tests compare with; read the diff
	@UPDATE_GOLDEN=1 $(PYTEST) tests/unit/runtimes/kubernetes/render/test_folder.py tests/unit/cli/test_rendering.py -k "reviewed or printed"

dashboards: .venv/.runtime ## write Grafana's dashboards from scripts/dashboards
	@.venv/bin/python -m scripts.dashboards

variables: .venv/.runtime ## write docs/variables.md from the components
	@.venv/bin/python -m scripts.variables

typecheck-dashboards: dashboards ## check them against Grafana's published types (needs npm)
	@.venv/bin/python scripts/typecheck-dashboards

lock: .venv/.dev ## renew the locked requirements
	@scripts/lock

clean: ## remove what was built in this folder; instances and images stay (nexusdev destroy, nexusdev gc)
	@rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
