# make demo   installs into .venv and runs the demo: models of known truth, one page
# make test   installs what the tests need (the browser too, where it is missing), lints, and runs the ordinary tests
# make test-fast  runs the unit tests alone; make test-slow the long ones that make test leaves out
# make hooks  installs the git hooks of .pre-commit-config.yaml
# make docs   builds the documentation's pages into build/docs
# make notebooks  runs the notebooks of docs/notebooks and writes their outputs
# make bench  measures the engines and rewrites the tables of docs/performance.md; make bench-page the page's,
#             make bench-evaluate those of the answers
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHROMIUM := /usr/bin/chromium
MATERIALS := $(abspath ../shared/materials)

PYTEST := $(if $(wildcard $(MATERIALS)),KNOWSHIFT_MATERIALS=$(MATERIALS)) $(BIN)/python -m pytest

.PHONY: demo test test-fast test-slow lint types hooks browser domain check-cuis
.PHONY: bench bench-quick bench-page bench-evaluate docs notebooks clean

demo: $(VENV)/.installed
	$(BIN)/probe demo

test: $(VENV)/.tested lint browser
	$(PYTEST) -m "not slow" tests

test-fast: $(VENV)/.tested
	$(PYTEST) -m "not slow and not heavy" tests

test-slow: $(VENV)/.tested browser
	$(PYTEST) -m slow tests

lint: $(VENV)/.tested types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy expects the folder to have the package's name, whatever the clone is called.
types: $(VENV)/.tested
	@mkdir -p $(VENV)/src && ln -sfn ../.. $(VENV)/src/knowshift
	cd $(VENV)/src && ../bin/mypy --config-file knowshift/pyproject.toml

hooks: $(VENV)/.tested
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[dev]"
	$(BIN)/pre-commit install

# Rebuilds the embedded domains' files from their sources.
domain: $(VENV)/.installed
	$(BIN)/python -m knowshift.terms.build

# Holds the embedded concepts' CUIs against the Disease Ontology.
check-cuis: $(VENV)/.installed
	$(BIN)/python -m knowshift.terms.cuis $(MATERIALS) --check

# The engines side by side: about 25 minutes on two quiet cores. minicons and lm-eval run in an environment of their own,
# or in that of RIVALS_PYTHON.
RIVALS := $(VENV)/rivals
bench: export RIVALS_PYTHON := $(or $(RIVALS_PYTHON),$(RIVALS)/bin/python)

bench: $(VENV)/.tested $(if $(RIVALS_PYTHON),,$(RIVALS)/.installed)
	$(BIN)/python benchmarks/engines --write docs/performance.md --json $(VENV)/bench.json

bench-quick: $(VENV)/.tested
	$(BIN)/python benchmarks/engines --quick

# The page at 50,000 places of terms and eight models: about three minutes.
bench-page: $(VENV)/.tested browser
	$(BIN)/python benchmarks/report_page.py --write docs/performance.md

# 900 questions of three models, in one go and broken off.
bench-evaluate: $(VENV)/.tested
	$(BIN)/python benchmarks/evaluate.py --interrupt --write docs/performance.md

# The documentation as pages in build/docs; any warning is an error. From a copy: where the environment lies in the
# package's folder, each of its modules would be read too.
docs: $(VENV)/.documented
	@rm -rf $(VENV)/docs && mkdir -p $(VENV)/docs/knowshift
	@tar -c --exclude=./.git --exclude=./.venv --exclude=./build --exclude=./runs . | tar -x -C $(VENV)/docs/knowshift
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict \
	  --config-file $(VENV)/docs/knowshift/mkdocs.yml --site-dir $(CURDIR)/build/docs
	@echo "documentation: build/docs/index.html"

# Executes the notebooks and writes their outputs back.
notebooks: $(VENV)/.tested
	$(BIN)/python docs/notebooks/execute.py

$(RIVALS)/.installed: constraints.txt
	$(PYTHON) -m venv $(RIVALS)
	$(RIVALS)/bin/python -m pip install -q --disable-pip-version-check \
	  $$(grep -E '^(torch|transformers|lm_eval)==' constraints.txt) minicons==0.3.39
	touch $@

browser:
	@test -x $(CHROMIUM) || { apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } \
	  || echo "no $(CHROMIUM): the page's browser tests will be skipped"

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.tested: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[test]"
	touch $@ $(VENV)/.installed

$(VENV)/.documented: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[docs]"
	touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist *.egg-info
