# Needs make and Python 3.11, 3.12 or 3.13 with venv: every target makes the rest itself.
PYTHON ?= python3
LAB_FLAGS ?=
NB ?=
WORKERS ?= 3

VENV := .venv
STAMP := $(VENV)/.installed
PY := $(VENV)/bin/python

export JUPYTER_PLATFORM_DIRS ?= 1
export JUPYTER_PREFER_ENV_PATH ?= 1
export TF_CPP_MIN_LOG_LEVEL ?= 3
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

# A mirror may be given relative to this folder; the notebooks run in nbs/.
ifneq ($(wildcard $(DRUMLESSON_MIRROR)/.),)
override DRUMLESSON_MIRROR := $(abspath $(DRUMLESSON_MIRROR))
export DRUMLESSON_MIRROR
endif

.PHONY: help lab test format bench lessons evidence docs page clean quarto tools

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

lab: $(STAMP) ## fetch the recorded kits and open JupyterLab (LAB_FLAGS: further flags)
	@$(VENV)/bin/drumlesson kits --quiet || echo "No recorded kits could be fetched: the lessons use synthesised drums (.venv/bin/drumlesson doctor says why)."
	$(PY) -m jupyterlab nbs/index.ipynb $(LAB_FLAGS)

# File after file to whichever worker is free, with the short pages at the end. Three workers for two
# cores: much of the time one waits for a browser or a process (WORKERS: another number). Each has
# one thread, or they would wait for each other.
test: export OMP_NUM_THREADS ?= 1
test: export OPENBLAS_NUM_THREADS ?= 1
test: export TF_NUM_INTRAOP_THREADS ?= 1
test: export TF_NUM_INTEROP_THREADS ?= 1
# Some two hundred processes import the same modules: they are compiled once, whatever is usual here.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(STAMP) tools ## check everything: form, types, drift, every notebook, tests/ (no network; WORKERS: processes)
	DRUMLESSON_MIRROR="$${DRUMLESSON_MIRROR:-off}" $(PY) -m pytest -q -n $(WORKERS) --dist loadscope --no-loadscope-reorder --durations 20 --nbval --nbval-current-env --benchmark-disable tests nbs

format: $(STAMP) ## put notebooks and tests into ruff's form, and export the package
	$(VENV)/bin/ruff check --quiet --fix nbs tests
	$(VENV)/bin/ruff format --quiet nbs tests
	$(PY) -m drumlesson.dev.notebooks export

bench: $(STAMP) ## time the parts that must be fast
	$(PY) -m pytest -q --benchmark-only tests/bench

lessons: $(STAMP) ## export, run every notebook and store its outputs (NB: only these)
	$(PY) -m drumlesson.dev.notebooks export
	$(PY) -m drumlesson.dev.notebooks run $(NB)

evidence: $(STAMP) ## go on with the stored studies: hours, and resumable (STUDIES: only these)
	$(VENV)/bin/drumlesson evidence $(STUDIES)

# README.md comes from `make lessons`: a fresh date keeps nbdev_docs from writing its own.
docs: quarto $(STAMP) ## build the site in _docs (needs Quarto)
	touch README.md
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" nbdev_docs
	$(PY) -m drumlesson.dev.finishing _docs
	$(PY) -m drumlesson.dev.page build _docs
	$(PY) -m drumlesson.dev.answering _docs

page: $(STAMP) ## the page that names drums, with its model, as dist/name_a_drum.zip
	$(PY) -m drumlesson.dev.page zip dist/name_a_drum.zip

# What looks at the scripts of the site; without npm, or without a network, its tests are skipped.
tools:
	@test -d tests/site/node_modules || ! command -v npm >/dev/null \
	  || npm ci --silent --no-audit --no-fund --fetch-retries=0 --prefix tests/site >/dev/null 2>&1 \
	  || { rm -rf tests/site/node_modules; echo "The scripts of the site are not checked for form: npm ci --prefix tests/site fails."; }

quarto:
	@command -v quarto >/dev/null || { echo "make docs needs Quarto, which is not on the PATH: get it from https://quarto.org/docs/get-started/"; exit 1; }

clean: ## remove the environment and all that is made from the sources
	rm -rf $(VENV) tests/site/node_modules _docs _proc build *.egg-info .pytest_cache .hypothesis .benchmarks nbs/nbdev.yml
	find . -name .git -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -type d -prune -exec rm -rf {} +

$(STAMP): constraints.txt settings.ini setup.py
	@test -x $(PY) || { \
	  for python in $(PYTHON) python3.13 python3.12 python3.11 none; do \
	    "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1 && break; \
	  done; \
	  test "$$python" != none || { echo "drumlesson needs Python 3.11, 3.12 or 3.13 with venv: make PYTHON=/path/to/python3"; exit 1; }; \
	  echo "Making $(VENV) with $$python: about 2 GB, some minutes, once."; \
	  "$$python" -m venv $(VENV); }
	$(PY) -m pip install -q -c constraints.txt setuptools wheel
	$(PY) -m pip install -q -c constraints.txt --no-build-isolation --use-pep517 -e ".[dev]"
	@# librosa compiles at its first import and keeps the result; two processes that do so at once can spoil it.
	$(PY) -c "import librosa.beat, librosa.core, librosa.util"
	@touch $@
