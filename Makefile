# A convenience over the command `volume-booster`: nothing here is needed to use it.
# It makes a virtual environment, .venv, and installs into it first; PYTHON=/path/to/python3 names the Python to use.
#   make simulate [ARGS="--target 5000 --seed 7"]   the real OctoBot in simulation, until the target is reached
#   make backtest [ARGS="--target 5000 --seed 7"]   the same campaign in OctoBot's backtesting, in seconds
#   make bench [ARGS=--short]                       what the volume booster costs beside OctoBot alone: docs/benchmarks.md
#   make test                                       everything, on each OctoBot line that this machine has a Python for
#   make check                                      the quick part: style, types, laws

SHELL := /bin/sh
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
PACKED := setup.py pyproject.toml metadata.json README.md LICENSE Trading profiles
SOURCES := setup.py pyproject.toml metadata.json README.md $(shell find Trading profiles -type f -not -path '*/__pycache__/*')
# two more than there are cores: many tests wait for the time to pass
WORKERS = $$($(BIN)/python -c "import os; print((os.cpu_count() or 1) + 2)")
PIP := $(BIN)/python -m pip --disable-pip-version-check install --progress-bar off
PROGRESS := sh .ci/with-progress

.PHONY: simulate backtest bench test check clean

simulate: $(VENV)/run.stamp
	@$(BIN)/volume-booster simulate $(ARGS)

backtest: $(VENV)/run.stamp
	@$(BIN)/volume-booster backtest $(ARGS)

bench: $(VENV)/test.stamp
	@$(BIN)/python -m tests.bench $(ARGS)

# each line is installed and linted beside the other, since that is mostly waiting; the tests run one after the other
test:
	@pythons=$$(sh .ci/find-python --each-line) || exit 1; \
	lines=; \
	for python in $$pythons; do \
		version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		venv=$(VENV); [ -z "$$lines" ] || venv=$(VENV)-$$version; \
		lines="$$lines $$version|$$venv|$$python"; \
	done; \
	preparing=; trap 'kill $$preparing 2>/dev/null; exit 130' INT TERM; \
	for line in $$lines; do \
		rest=$${line#*|}; \
		$(MAKE) --no-print-directory lint VENV=$${rest%%|*} PYTHON="$${rest#*|}" & preparing="$$preparing $$!"; \
	done; \
	for one in $$preparing; do wait $$one || { kill $$preparing 2>/dev/null; exit 1; }; done; trap - INT TERM; \
	ran=; \
	for line in $$lines; do \
		version=$${line%%|*}; rest=$${line#*|}; share=; \
		echo "== Python $$version, $${rest%%|*}"; \
		if [ -n "$$ran" ]; then share='not once'; \
		elif [ "$$lines" != " $$line" ]; then share='not second'; fi; \
		$(MAKE) --no-print-directory tests VENV=$${rest%%|*} PYTHON="$${rest#*|}" SELECT="$$share" || exit 1; \
		ran="$$ran $$version"; \
	done; \
	case "$$ran" in *3.10*|*3.11*) ;; *) echo "Not run: OctoBot 2.0.15, no Python 3.10 or 3.11 here";; esac; \
	case "$$ran" in *3.12*|*3.13*) ;; *) echo "Not run: OctoBot 2.1.1, no Python 3.12 or 3.13 here";; esac

.PHONY: tests
tests: $(VENV)/test.stamp
	@$(BIN)/python -m pip list 2>/dev/null | grep -i '^octobot '
	LAW_EXAMPLES=$${LAW_EXAMPLES:-20} $(BIN)/python -m pytest -n $(WORKERS) --dist load --maxschedchunk 2 $(if $(SELECT),-m "$(SELECT)")

check: $(VENV)/test.stamp lint
	LAW_EXAMPLES=20 $(BIN)/python -m pytest -n auto --dist worksteal -m "not long" \
		tests/core tests/octobot tests/test_architecture.py tests/test_documents.py

.PHONY: lint
lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/python.stamp:
	@python=$$(PYTHON="$(PYTHON)" sh .ci/find-python) && echo "Making $(VENV) with $$python: some seconds" && \
		"$$python" -m venv $(VENV)
	@touch $@

# not editable: what is tested is what is installed; from a copy, so that no old build folder brings removed files back
$(VENV)/run.stamp: $(VENV)/python.stamp $(SOURCES)
	@echo "Installing OctoBot and the volume booster from PyPI into $(VENV): two to five minutes the first time"
	@rm -rf $(VENV)/source && mkdir $(VENV)/source && cp -R $(PACKED) $(VENV)/source
	@$(PROGRESS) "Installing into $(VENV)" $(PIP) $(VENV)/source
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	@echo "Installing what the tests need: about a minute"
	@$(PROGRESS) "Installing into $(VENV)" $(PIP) --upgrade '$(VENV)/source[test]'
	@touch $@

clean:
	rm -rf .venv .venv-* .pytest_cache .mypy_cache .ruff_cache .hypothesis
