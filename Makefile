# All targets install into .venv, from requirements.lock. They need Python 3.11, make and a package
# registry. If uv is missing, it is installed into .cache.

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .cache/uv/bin/uv)
RUN := .venv/bin/
# More workers than cores, because most tests of processes and time limits wait.
WORKERS := $(shell echo $$(( 2 * $$(getconf _NPROCESSORS_ONLN) )))
READY := .venv/.ready
CHECKS := docs format types architecture
# Without compiled files each worker, and each process that a test starts, compiles what it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo serve test test-all check compiled format types architecture unit integration chaos bench docs fmt lock audit dist clean

help: ## list all targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(READY) ## show both modes, offline
	$(RUN)modegate demo

serve: $(READY) ## run the gateway
	$(RUN)modegate serve

# Without the first step each worker compiles the tests and what they import.
test: $(READY) ## check format, lint, types and architecture, then run every test
	@$(MAKE) --no-print-directory --jobs=5 compiled $(CHECKS)
	$(RUN)pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(COVERAGE) -m "not exhaustive" tests

test-all: ## run make test with coverage, then the tests that repeat its cases with other inputs
	$(MAKE) test COVERAGE="--cov --cov-report=term"
	$(RUN)python tools/coverage_gate.py
	$(RUN)pytest --numprocesses $(WORKERS) --dist loadfile -m exhaustive tests

check: $(READY) ## check docs, format, lint, types and architecture; run no tests
	@$(MAKE) --no-print-directory --jobs=4 $(CHECKS)

compiled: $(READY)
	@collected=$$($(RUN)pytest --quiet --collect-only tests 2>&1) || { echo "$$collected"; exit 1; }

format: $(READY)
	$(RUN)ruff format --check .
	$(RUN)ruff check .

types: $(READY)
	$(RUN)mypy

architecture: $(READY)
	$(RUN)lint-imports

unit: $(READY) ## run the pure unit tests; takes seconds
	$(RUN)pytest -m "not exhaustive" tests/unit

integration: $(READY) ## run the tests against the real CLI, SDK and sockets
	$(RUN)pytest -m "not exhaustive" tests/integration

chaos: $(READY) ## run 2 x 10,000 turns that fail in every way; takes half an hour
	MODEGATE_CHAOS_TURNS=10000 $(RUN)pytest -s --timeout 0 tests/integration/test_chaos.py

bench: $(READY) ## run the comparative benchmarks; takes a quarter of an hour; PEERS=litellm adds other gateways
	$(RUN)python -m benchmarks.passthrough $(addprefix --peer ,$(PEERS))
	$(RUN)python -m benchmarks.growth
	$(RUN)python -m benchmarks.footprint
	$(RUN)python -m benchmarks.claude_code
	$(RUN)python -m benchmarks.disconnects
	$(RUN)python -m benchmarks.large_bodies
	$(RUN)python -m benchmarks.long_streams

docs: $(READY) ## build the documentation site into build/docs
	$(RUN)sphinx-build --quiet --fail-on-warning --keep-going --fresh-env docs build/docs

fmt: $(READY) ## fix format and lint
	$(RUN)ruff format .
	$(RUN)ruff check --fix .

lock: $(UV) ## update requirements.lock from pyproject.toml; UPGRADE=--upgrade updates all packages
	$(UV) lock $(UPGRADE)
	$(UV) export --quiet --all-extras --all-groups --no-emit-project --no-header \
		--format requirements-txt --output-file requirements.lock

audit: $(READY) ## check the locked packages for known vulnerabilities
	$(UV) tool run pip-audit --require-hashes --disable-pip --requirement requirements.lock

dist: $(READY) ## build and check the sdist and the wheel
	rm -rf dist
	$(UV) build --quiet --build-constraints requirements.lock --out-dir dist .
	$(UV) tool run twine@7.0.0 check --strict dist/*.tar.gz dist/*.whl

clean: ## delete all generated files
	rm -rf .venv .cache build dist .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(READY): requirements.lock pyproject.toml $(UV)
	$(UV) venv --quiet --allow-existing --python 3.11 .venv
	$(UV) pip sync --quiet --python .venv --require-hashes requirements.lock
	$(UV) pip install --quiet --python .venv --no-deps --editable .
	@touch $(READY)

.cache/uv/bin/uv:
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/pip install --quiet --disable-pip-version-check uv
