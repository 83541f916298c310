# Every target sets up what it needs by itself, in .venv of this folder (tools/bootstrap.py says how), and does that once.
#   make demo    speak a text into demo.wav              make lint    check style
#   make test    run all tests                           make bench   run all benchmarks
#   make test TESTS="tests/unit -k voices"  some tests   make format  put the code into the house's form
# PYTHON=/path/to/python3.12 chooses the Python, LOA_TORCH=cpu|cuda the build of PyTorch.

TESTS ?= tests
BIN := .venv/bin

.PHONY: demo test lint format bench lock check-locks venv clean help run-setup dev-setup

help:
	@sed -n '2,5s/^# *//p' Makefile

demo: run-setup
	@$(BIN)/loa demo

test: dev-setup
	@$(BIN)/python -m pytest $(TESTS)

lint: dev-setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: dev-setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: dev-setup
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

# The locks: new ones after a change of pyproject.toml (`make lock UPGRADE=--upgrade` takes newer versions), and whether they resolve to wheels.
lock: dev-setup
	@$(BIN)/python tools/lock.py $(UPGRADE)

check-locks: dev-setup
	@$(BIN)/python tools/check_locks.py

venv: dev-setup

clean:
	rm -rf .venv .venv.lock .pytest_cache .ruff_cache .hypothesis build dist demo.wav

run-setup:
	@sh tools/bootstrap.sh run

dev-setup:
	@sh tools/bootstrap.sh dev
