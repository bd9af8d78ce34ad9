# `make demo` and `make test` from a fresh clone, with Python 3.10+ and pip alone; `make docs` with Python 3.11+.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.installed-docs

.PHONY: demo test lint docs notebook clean

demo: $(STAMP)
	$(BIN)/python tools/demo.py

test: lint
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The site, into site/: open site/index.html. A link or name that leads nowhere is an error.
docs: $(DOCS_STAMP)
	$(BIN)/python -m sphinx -q -W --keep-going -c docs -d build/doctrees . site

# Runs the notebook of the docs and stores its outputs.
notebook: $(DOCS_STAMP)
	$(BIN)/python tools/make_notebook.py

# torch==2.13.0 takes a CPU wheel where the machine offers one. mmengine and mmaction2 are plain wheels.
$(STAMP): setup.py requirements/constraints.txt requirements/runtime.txt requirements/tests.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "mmdualkd needs Python 3.10 or later: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -r requirements/tests.txt
	$(BIN)/python -m pip install --no-deps --no-build-isolation -e .
	touch $@

$(DOCS_STAMP): $(STAMP) requirements/docs.txt
	$(BIN)/python -m pip install -r requirements/docs.txt
	touch $@

clean:
	rm -rf $(VENV) build dist site docs/api *.egg-info .pytest_cache .ruff_cache
