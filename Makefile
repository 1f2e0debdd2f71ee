# make demo    predict the octet's stiffness, check it by beam FEM, draw octet.png
# make test    run the tests                    make check   style, lint and types
# make gallery draw every picture of docs/gallery again
# make fuzz    damaged files for every reader, FUZZ_SECONDS=120 of them
# make front   build viz/web/front.js, the script of the pages, again (needs Node.js and npm)
# make clean   remove .venv and caches
#
# Needs Python >= 3.11, make and a network connection. Variables you may set:
#   PYTHON=/path/to/python3.12      the Python that makes .venv
#   PIP_INSTALL_ARGS="..."          more arguments for pip install, e.g. --find-links=folder/of/wheels
#   VENV_ARGS=--system-site-packages   use packages (a CPU build of torch) that PYTHON has already
#   PYTEST_ARGS="-n 4 -k viz"       arguments for pytest
# Every PIP_* variable of your environment reaches pip as it is.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then command -v "$$name"; break; fi; done)
VENV := .venv
VENV_ARGS ?=
PIP_INSTALL_ARGS ?=
PYTEST_ARGS ?= -n 2
FUZZ_SECONDS ?= 120
READY := $(VENV)/.installed

.PHONY: demo test check fuzz front install clean
demo: $(READY)
	$(VENV)/bin/lattice-gnn predict data/samples/octet.json --check solid --voxels-per-diameter 6 --picture octet.png

test: $(READY)
	$(VENV)/bin/python -m pytest $(PYTEST_ARGS)

check: $(READY)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

fuzz: $(READY)
	OMP_NUM_THREADS=1 $(VENV)/bin/python tests/fuzz/fuzz.py --seconds $(FUZZ_SECONDS)

# Two pages share one script: its sources are in viz/web/src, the bundle is committed.
front:
	cd viz/web/src && npm ci && npm run check && npm run build

gallery: $(READY)
	OMP_NUM_THREADS=1 $(VENV)/bin/python docs/draw_gallery.py

install: $(READY)

$(READY): pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ]; then \
		echo "lattice-gnn needs Python 3.11 or newer, and none was found on PATH:" \
			"install it, or name it with make PYTHON=/path/to/python3.12" >&2; exit 1; fi
	@"$(PYTHON)" -c 'import sys' 2>/dev/null || { \
		echo "PYTHON=$(PYTHON) does not run: give the path of a Python 3.11 or newer" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "lattice-gnn needs Python 3.11 or newer, but $(PYTHON) is" \
			"$$("$(PYTHON)" -V 2>&1): name another with make PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) lacks the modules venv and ensurepip, which make $(VENV):" \
			"install them (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV_ARGS) $(VENV)
	$(VENV)/bin/python -m pip install $(PIP_INSTALL_ARGS) -c constraints.txt -e '.[test]' || { \
		echo "pip could not install lattice-gnn (its message is above): check the network" \
			"connection, or pass pip what it needs through PIP_* variables or" \
			"PIP_INSTALL_ARGS" >&2; exit 1; }
	@touch $(READY)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
