# Commands. Each one first installs its requirements, including Node. Only Python 3.13 must be present.
#
#   make demo     start the local system and run the examples through all steps (EXIT=1: stop afterwards)
#   make start    start the local system with its stored data (PORT=3000 HOST=127.0.0.1 DATA=build/local)
#   make secret   store a secret of the local system, read from the terminal (NAME=groundwork/github)
#   make reset    delete the stored data of the local system in DATA
#   make test     run the quick tests, in minutes (ARGS="-k word" to select from all tests)
#   make test-all  run all tests required to merge, as CI does
#   make faults   run the long tests: hundreds of kills, thousands of seeds (SEEDS=1000 RUNS=20 KILLS=200)
#   make check    check format, lint, types, imports, texts, template and policies
#   make format   format the code for `make check`
#   make web      build the dashboard: web/dist
#   make screenshots  renew docs/screenshots of every page of the dashboard
#   make lighthouse   measure Lighthouse scores of every page
#   make long-run  watch a run over 10,000 cards in Chromium (CARDS=2000 for fewer)
#   make bench    run the benchmarks
#   make build    run sam build (ARCHITECTURE=arm64 or x86_64)
#   make deploy   run sam deploy (STAGE=default, staging or prod), then upload the dashboard
#   make openapi  generate the OpenAPI document
#   make routes   generate the routes of template.yaml from the code
#   make lock     renew the locked requirements, with hashes
#   make structure  measure files, functions, names, tests and journeys

SHELL := /bin/bash
.DEFAULT_GOAL := help
ROOT := $(CURDIR)
INSTALLED := .venv/.installed
LINUX := $(if $(filter Linux,$(shell uname)),requirements/linux.txt)
ARCHITECTURE ?= arm64
STAGE ?= default
SOURCES := layers/common/groundwork functions local checks deploy tests benchmarks
PRESENT := $(wildcard $(SOURCES))

export PATH := $(ROOT)/.venv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# Without bytecode, each test worker and each process of the local system would compile every module again.
unexport PYTHONDONTWRITEBYTECODE
# Commands without an account must not look for one; `make deploy` uses the caller's own region and credentials.
OFFLINE := AWS_DEFAULT_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true

.PHONY: help install web demo start secret reset test test-all faults screenshots lighthouse long-run quick-tests all-tests web-tests check format simulate bench build deploy openapi routes lock structure

help:
	@sed -n 's/^#   \(make .*\)/\1/p' Makefile

install: $(INSTALLED)

$(INSTALLED): requirements/dev.txt $(LINUX)
	@set -e; for name in python3.13 python3 python; do \
		if "$$name" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then found="$$name"; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then echo "Groundwork needs Python 3.13: none of python3.13, python3, python on the PATH is one." >&2; exit 1; fi; \
	echo "Installing Groundwork's Python packages into .venv (once, about a minute) …" >&2; \
	test -x .venv/bin/python || "$$found" -m venv .venv; \
	awk '/^uv==/ {on = 1; print; next} on && /^ / {print; next} on {exit}' requirements/dev.txt > .venv/uv.txt; \
	if ! .venv/bin/uv --version >/dev/null 2>&1; then \
		.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt; \
	fi; \
	.venv/bin/uv pip sync --quiet --compile-bytecode --require-hashes --python .venv/bin/python requirements/dev.txt $(LINUX); \
	touch $@

# The dashboard: a new lock reinstalls the packages, a new source rebuilds.
WEB_PACKAGES := web/node_modules/.installed
WEB_BUILD := web/dist/index.html
WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)

web: $(WEB_BUILD)
	@:

$(WEB_PACKAGES): web/package.json web/package-lock.json web/.npmrc | $(INSTALLED)
	@echo "Installing the dashboard's packages (once) …" >&2
	@npm --prefix web ci --silent || { echo "The dashboard's packages could not be installed: npm --prefix web ci" >&2; exit 1; }
	@touch $@

$(WEB_BUILD): $(WEB_PACKAGES) $(WEB_SOURCES)
	@echo "Building the dashboard …" >&2
	@npm --prefix web run --silent build -- --logLevel warn
	@touch $@

# The API works without a dashboard: after a failed build, the page at / says so.
demo: $(INSTALLED)
	@$(MAKE) --no-print-directory web || echo "Continuing without the dashboard." >&2
	@python -m local.demo

start: $(INSTALLED)
	@$(MAKE) --no-print-directory web || echo "Continuing without the dashboard." >&2
	@python -m local

secret: $(INSTALLED)
	@python -m local.secret_file "$(NAME)"

reset: $(INSTALLED)
	@python -m local.reset

# One process more than cores, as tests also wait. A group of tests shares its expensive servers.
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN) + 1)
PARALLEL := --numprocesses $(WORKERS) --dist loadgroup

# The tests of the dashboard run beside pytest: neither keeps all cores busy by itself.
BESIDE := $(MAKE) --no-print-directory --jobs=2 --keep-going web-tests

# ARGS are pytest's and select from all tiers. With ARGS the tests of the dashboard do not run.
test: $(INSTALLED) web
ifdef ARGS
	@$(OFFLINE) python -m pytest $(ARGS)
else
	@$(BESIDE) quick-tests
endif

test-all: $(INSTALLED) web
	@$(BESIDE) all-tests

quick-tests:
	@$(OFFLINE) EXAMPLES=some python -m pytest -m quick $(PARALLEL)

all-tests:
	@$(OFFLINE) python -m pytest -m "not long" $(PARALLEL)

# printed at the end, as the output of two commands would mix
web-tests:
	@mkdir -p build; npm --prefix web run --silent test -- --maxWorkers=1 >build/web-tests.log 2>&1; \
	status=$$?; cat build/web-tests.log; exit $$status

faults: $(INSTALLED) web
	@$(OFFLINE) python -m pytest -m long $(PARALLEL)
	@PYTHONPATH=layers/common:. $(OFFLINE) python -m tests.faults --seeds $(or $(RUNS),20) --minutes 60
	@PYTHONPATH=layers/common:. $(OFFLINE) AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test python -m tests.faults --kills $(or $(KILLS),200) --minutes $(or $(MINUTES),120)
	@$(MAKE) --no-print-directory simulate

screenshots: $(INSTALLED) web
	@PYTHONPATH=layers/common:. $(OFFLINE) python -m tests.browser.screenshots

lighthouse: $(INSTALLED) web
	@PYTHONPATH=layers/common:. $(OFFLINE) python -m tests.browser.lighthouse

long-run: $(INSTALLED) web
	@PYTHONPATH=layers/common:. $(OFFLINE) python -m tests.browser.long_run

ASL_PACKAGES := checks/asl/node_modules/.installed
$(ASL_PACKAGES): checks/asl/package.json checks/asl/package-lock.json checks/asl/.npmrc
	@npm --prefix checks/asl ci --silent || { echo "Could not install the validator: npm --prefix checks/asl ci" >&2; exit 1; }
	@touch $@

check: $(INSTALLED) $(WEB_PACKAGES) $(ASL_PACKAGES)
	ruff check .
	ruff format --check .
	$(OFFLINE) mypy $(PRESENT)
	PYTHONPATH=layers/common lint-imports
	PYTHONPATH=layers/common $(OFFLINE) python -m checks.routes
	$(OFFLINE) sam validate --lint
	$(OFFLINE) python -m checks.template
	python -m checks.policies
	python -m checks.traces
	python -m checks.prose
	python -m checks.documents
	PYTHONPATH=layers/common:. $(OFFLINE) python -m checks.reference
	$(ASL_PACKAGES:.installed=.bin/asl-validator) $(addprefix --json-path ,$(wildcard statemachines/*.json))
	PYTHONPATH=layers/common $(OFFLINE) python -m checks.openapi
	npm --prefix web run --silent check

format: $(INSTALLED) $(WEB_PACKAGES)
	ruff check --fix .
	ruff format .
	npm --prefix web run --silent format

# Runs and plan executions on virtual time, with seeded faults; then the mutants. SEEDS=10000 for more.
simulate: $(INSTALLED)
	@PYTHONPATH=layers/common:. $(OFFLINE) python -m tests.simulation --seeds $(or $(SEEDS),1000)
	@PYTHONPATH=layers/common:. $(OFFLINE) python -m tests.simulation --imports --seeds $(or $(SEEDS),1000)
	@PYTHONPATH=layers/common:. $(OFFLINE) python -m tests.simulation --mutants
	@PYTHONPATH=layers/common:. $(OFFLINE) python -m tests.simulation --executions --seeds $(or $(SEEDS),1000)
	@PYTHONPATH=layers/common:. $(OFFLINE) python -m tests.simulation --executions --mutants
	@PYTHONPATH=layers/common:. $(OFFLINE) python -m tests.simulation --sandboxes --seeds $(or $(SEEDS),1000)
	@PYTHONPATH=layers/common:. $(OFFLINE) python -m tests.simulation --sandboxes --mutants

bench: $(INSTALLED)
	@PYTHONPATH=layers/common $(OFFLINE) python -m benchmarks

build: $(INSTALLED) web
	ARCHITECTURE=$(ARCHITECTURE) $(OFFLINE) sam build --parameter-overrides Architecture=$(ARCHITECTURE)

# For x86_64 add "Architecture=x86_64" to the parameter_overrides of samconfig.toml too: overrides on the command line would replace its list.
deploy: build
	sam deploy --config-env $(STAGE)
	python -m deploy.dashboard --config-env $(STAGE)

openapi: $(INSTALLED)
	PYTHONPATH=layers/common $(OFFLINE) python -m checks.openapi --write

routes: $(INSTALLED)
	PYTHONPATH=layers/common $(OFFLINE) python -m checks.routes --write

COMPILE := uv pip compile --quiet --generate-hashes --no-header --python-version 3.13
lock: $(INSTALLED)
	$(COMPILE) requirements/dev.in --output-file requirements/dev.txt
	$(COMPILE) requirements/linux.in --output-file requirements/linux.txt
	$(COMPILE) requirements/ric.in --output-file requirements/ric.txt
	$(COMPILE) requirements/java.in --output-file requirements/java.txt
	$(COMPILE) --python-platform aarch64-manylinux_2_28 layers/common/requirements.in --output-file layers/common/requirements.txt

structure: $(INSTALLED)
	@python -m checks.structure
