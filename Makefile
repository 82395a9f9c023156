# Everything that the README and CI call. Needs Python 3.12 or newer and make; sets up the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
DEMO := demo
# What `make bench` measures with: any folder of photos; some hundreds tell more than the samples.
PHOTOS ?= samples/ads
# Tools that imagematch is compared with, in an environment of their own.
PEERS := .venv-bench
PEERS_BIN := $(PEERS)/$(notdir $(BIN))
# Further options of `python -m benchmark speed`, such as SPEED="--tree 200000".
SPEED ?=

.PHONY: help demo test check bench lock format clean

help:
	@echo "make demo    build the samples, index them, query one, link profiles, write a report"
	@echo "make test    run all tests"
	@echo "make check   lint, types and layers"
	@echo "make bench   measure speed beside other tools, memory, and match quality: PHOTOS=FOLDER"
	@echo "make lock    renew the locked dependencies"

# The environment is complete once its stamp is newer than what it was made from.
$(VENV)/.ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12) and "imagematch needs Python 3.12 or newer, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/.ready
	$(BIN)/python scripts/demo.py --samples samples --out $(DEMO)

test: $(VENV)/.ready
	$(BIN)/python -m pytest

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.ready $(PEERS)/.ready
	@test -d samples/ads || $(BIN)/python scripts/make_samples.py --out samples
	$(BIN)/python -m benchmark speed $(PHOTOS) --peers $(PEERS) $(SPEED)
	$(BIN)/python -m benchmark quality $(PHOTOS)

$(PEERS)/.ready: benchmark-requirements.lock
	$(PYTHON) -m venv $(PEERS)
	$(PEERS_BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmark-requirements.lock
	@touch $@

# Hashes for every platform, no index addresses.
lock: $(VENV)/.ready
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements-dev.lock
	$(BIN)/uv pip compile benchmark-requirements.in --constraints requirements.lock --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header --quiet --output-file benchmark-requirements.lock
	$(BIN)/uv pip compile export-requirements.in --constraints requirements-dev.lock --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header --quiet --output-file export-requirements.lock

clean:
	rm -rf $(VENV) $(PEERS) $(DEMO) samples/*/ samples/*.csv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
