# Every target sets up what it needs by itself, in .venv of this folder (tools/bootstrap.py says how), and does that once.
#   make demo    speak a text into demo.wav              make lint    check style
#   make test    run all tests                           make bench   run all benchmarks
#   make test TESTS="tests/unit -k voices"  some tests   make format  put the code into the house's form
#   make faults  the fault table with full counts        make soak MINUTES=30  random faults, and a check of the history
#   make golden  compare VietTTS at full size with its own implementation (minutes of compute)
# PYTHON=/path/to/python3.12 chooses the Python, LOA_TORCH=cpu|cuda the build of PyTorch.

TESTS ?= tests
# Most tests wait for processes that start, work and die, so as many run side by side as there are cores; more than four would only wait for each other.
SIDE_BY_SIDE ?= -n auto --maxprocesses 4 --dist loadfile
MINUTES ?= 30
SEED ?= 1
BIN := .venv/bin

.PHONY: demo test faults soak golden lint format bench lock check-locks venv clean help run-setup dev-setup reference

help:
	@sed -n '2,7s/^# *//p' Makefile

demo: run-setup
	@$(BIN)/loa demo

test: dev-setup
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(TESTS)

faults: dev-setup
	@LOA_FAULTS=full $(BIN)/python -m pytest tests/faults --timeout 900

soak: dev-setup
	@$(BIN)/python -m tests.faults.soak --minutes $(MINUTES) --seed $(SEED)

golden: dev-setup reference
	@PYTHONPATH=.reference $(BIN)/python -m pytest tests/golden

lint: dev-setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: dev-setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: dev-setup reference
	@for file in benchmarks/*.py; do echo "== $$file"; PYTHONPATH=.reference $(BIN)/python $$file || exit 1; done

# The locks: new ones after a change of pyproject.toml (`make lock UPGRADE=--upgrade` takes newer versions), and whether they resolve to wheels.
lock: dev-setup
	@$(BIN)/python tools/lock.py $(UPGRADE)

check-locks: dev-setup
	@$(BIN)/python tools/check_locks.py

venv: dev-setup

clean:
	rm -rf .venv .venv.lock .reference .pytest_cache .ruff_cache .hypothesis build dist demo.wav

run-setup:
	@sh tools/bootstrap.sh run

dev-setup:
	@sh tools/bootstrap.sh dev

# The implementation that VietTTS is compared with, and what it imports.
reference: dev-setup
	@cmp -s requirements/reference.txt .reference/installed.txt || { \
		rm -rf .reference && \
		$(BIN)/python -m pip install --quiet --no-deps --target .reference --requirement requirements/reference.txt && \
		cp requirements/reference.txt .reference/installed.txt; }
