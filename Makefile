# A convenience over the command `volume-booster`: nothing here is needed to use it.
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
SOURCES := setup.py pyproject.toml metadata.json README.md $(shell find Trading profiles -type f -not -path '*/__pycache__/*')
# two more than there are cores: many tests wait for the time to pass
WORKERS = $$($(BIN)/python -c "import os; print((os.cpu_count() or 1) + 2)")
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: simulate backtest bench test check clean

simulate: $(VENV)/run.stamp
	@$(BIN)/volume-booster simulate $(ARGS)

backtest: $(VENV)/run.stamp
	@$(BIN)/volume-booster backtest $(ARGS)

bench: $(VENV)/test.stamp
	@$(BIN)/python -m tests.bench $(ARGS)

test:
	@pythons=$$(sh .ci/find-python --each-line) || exit 1; \
	for python in $$pythons; do \
		version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		venv=$(VENV); [ -z "$$first" ] || venv=$(VENV)-$$version; first=no; \
		echo "== Python $$version, $$venv"; \
		once=; [ -z "$$ran" ] || { once='not once'; export LAW_EXAMPLES=25; }; \
		$(MAKE) --no-print-directory test-one VENV=$$venv PYTHON="$$python" SELECT="$$once" || exit 1; \
		ran="$$ran $$version"; \
	done; \
	case "$$ran" in *3.10*|*3.11*) ;; *) echo "Not run: OctoBot 2.0.15, no Python 3.10 or 3.11 here";; esac; \
	case "$$ran" in *3.12*|*3.13*) ;; *) echo "Not run: OctoBot 2.1.1, no Python 3.12 or 3.13 here";; esac

.PHONY: test-one
test-one: $(VENV)/test.stamp lint
	@$(BIN)/python -m pip list 2>/dev/null | grep -i '^octobot '
	LAW_EXAMPLES=$${LAW_EXAMPLES:-100} $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(if $(SELECT),-m "$(SELECT)")

check: $(VENV)/test.stamp lint
	LAW_EXAMPLES=20 $(BIN)/python -m pytest -n auto --dist worksteal -m "not long" \
		tests/core tests/octobot tests/test_architecture.py tests/test_documents.py

.PHONY: lint
lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/python.stamp:
	@python=$$(PYTHON="$(PYTHON)" sh .ci/find-python) && echo "Making $(VENV) with $$python" && "$$python" -m venv $(VENV)
	@touch $@

# not editable: what is tested is what is installed; an old build folder would bring removed files back
$(VENV)/run.stamp: $(VENV)/python.stamp $(SOURCES)
	@echo "Installing OctoBot and the volume booster (the first time takes a minute or two)"
	@rm -rf build *.egg-info
	@$(PIP) . && rm -rf build *.egg-info
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	@$(PIP) --upgrade '.[test]' && rm -rf build *.egg-info
	@touch $@

clean:
	rm -rf .venv .venv-* build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
