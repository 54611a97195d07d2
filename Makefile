# Everything is set up in .venv, from requirements.lock; only Python 3.11, make and the package
# registry are needed. uv is fetched into .cache where it is missing.

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .cache/uv/bin/uv)
RUN := .venv/bin/
READY := .venv/.ready

.PHONY: help demo serve test test-all check unit integration chaos bench docs fmt lock audit dist clean

help: ## list what can be made
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(READY) ## see both modes at work, offline
	$(RUN)modegate demo

serve: $(READY) ## run the gateway
	$(RUN)modegate serve

test: check ## format, lint, types, architecture, then every test with coverage
	$(RUN)pytest --numprocesses 2 --dist loadfile --cov --cov-report=term -m "not exhaustive" tests
	$(RUN)python tools/coverage_gate.py

test-all: test ## the same, then the cases that repeat what it proves with other inputs
	$(RUN)pytest --numprocesses 2 --dist loadfile -m exhaustive tests

check: $(READY) docs ## what needs no test run
	$(RUN)ruff format --check .
	$(RUN)ruff check .
	$(RUN)mypy
	$(RUN)lint-imports

unit: $(READY) ## the pure tests alone: seconds
	$(RUN)pytest -m "not exhaustive" tests/unit

integration: $(READY) ## the tests against the real CLI, SDK and sockets
	$(RUN)pytest -m "not exhaustive" tests/integration

chaos: $(READY) ## 2 x 10,000 turns that fail in every way: half an hour
	MODEGATE_CHAOS_TURNS=10000 $(RUN)pytest -s --timeout 0 tests/integration/test_chaos.py

bench: $(READY) ## measure side by side: a quarter of an hour; PEERS=litellm installs and adds others
	$(RUN)python -m benchmarks.passthrough $(addprefix --peer ,$(PEERS))
	$(RUN)python -m benchmarks.growth
	$(RUN)python -m benchmarks.claude_code
	$(RUN)python -m benchmarks.disconnects

docs: $(READY) ## build the documentation's site into build/docs
	$(RUN)sphinx-build --quiet --fail-on-warning --keep-going --fresh-env docs build/docs

fmt: $(READY) ## mend format and what the linter can mend
	$(RUN)ruff format .
	$(RUN)ruff check --fix .

lock: $(UV) ## bring requirements.lock up to pyproject.toml; make lock UPGRADE=--upgrade for the latest of all
	$(UV) lock $(UPGRADE)
	$(UV) export --quiet --all-extras --all-groups --no-emit-project --no-header \
		--format requirements-txt --output-file requirements.lock

audit: $(READY) ## look for known faults in the locked packages
	$(UV) tool run pip-audit --require-hashes --disable-pip --requirement requirements.lock

dist: $(READY) ## build the sdist and the wheel, and check them
	rm -rf dist
	$(UV) build --quiet --build-constraints requirements.lock --out-dir dist .
	$(UV) tool run twine@7.0.0 check --strict dist/*.tar.gz dist/*.whl

clean: ## remove what was made
	rm -rf .venv .cache build dist .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

$(READY): requirements.lock pyproject.toml $(UV)
	$(UV) venv --quiet --allow-existing --python 3.11 .venv
	$(UV) pip sync --quiet --python .venv --require-hashes requirements.lock
	$(UV) pip install --quiet --python .venv --no-deps --editable .
	@touch $(READY)

.cache/uv/bin/uv:
	$(PYTHON) -m venv .cache/uv
	.cache/uv/bin/pip install --quiet --disable-pip-version-check uv
