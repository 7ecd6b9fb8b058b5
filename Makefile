# `make demo`, `make test` and `make run` need Python 3.11+ and make only: each sets up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FEEDS ?=

.PHONY: setup demo test kill-test check run format docs migration bench bench-memory clean

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
	$(BIN)/python -m pipeline.schema > docs/tables.md

migration: setup
	$(BIN)/python -m pipeline.migrations.make "$(NAME)"

bench: setup
	$(BIN)/python bench/extraction.py
	$(BIN)/python bench/pipeline.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

include deploy/targets.mk
