# Everything a newcomer needs is `make demo` and `make test`; both set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
TESTS := $(VENV)/installed-for-tests
ESTATES := $(notdir $(patsubst %/,%,$(dir $(wildcard estates/*/estate.toml))))
# whole files side by side: within a file the tests share servers
SIDE_BY_SIDE := -n auto --dist loadfile

.PHONY: demo estate drills estates test unit lint types cover bench soak pictures tour docs clean

$(STAMP): pyproject.toml requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Watchkeeper needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) tools/install.py $(VENV) requirements.txt
	@touch $@

$(TESTS): $(STAMP) requirements-test.txt
	@$(PYTHON) tools/install.py $(VENV) requirements-test.txt
	@touch $@

demo: $(STAMP)          ## start the sample shop, break it, and watch its runbook bring it back
	@$(BIN)/watchkeeper demo

estate: $(STAMP)        ## build and start one of the five estates, and say which ports it took: make estate NAME=bazar
	@test -n "$(NAME)" || { echo "Which one? make estate NAME=$(firstword $(ESTATES))   ($(ESTATES))"; exit 2; }
	@estates/$(NAME)/estate up

# two faults at a time, of estates side by side; OPTIONS="--record FILE" keeps what is seen
drills: $(TESTS)        ## break all five estates in every way they know, and see what their runbooks make of it
	@$(BIN)/watchkeeper drill $(addprefix estates/,$(ESTATES)) $(OPTIONS)

estates: $(TESTS)       ## the tests of the five estates, in Docker
	@$(BIN)/python -m pytest -rs -m estate tests/estates

test: $(TESTS)          ## all tests on SQLite with pip's own servers; says what it skipped
	@$(BIN)/python -m pytest -rs $(SIDE_BY_SIDE) $(if $(COVER),--cov --cov-report=)

unit: $(TESTS)          ## the fast tests alone
	@$(BIN)/python -m pytest -m "not slow and not demo and not real"

lint: $(TESTS)          ## style, format, import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

types: $(TESTS)         ## strict types
	@$(BIN)/mypy

cover:                  ## all tests, and what of the code they ran
	@$(MAKE) --no-print-directory test COVER=1 && $(BIN)/coverage report

bench: $(TESTS)         ## the performance table, each row beside its limit or peer
	@$(BIN)/python -m compileall -q src bench && $(BIN)/python bench/table.py

soak: $(TESTS)          ## the long tests: a thousand nights, kills at every write
	@WATCHKEEPER_TEST_SOAK=1 $(BIN)/python -m pytest -rs tests/soak tests/run tests/scale tests/book/test_any_input.py tests/tell/test_every_page.py

pictures: $(TESTS)      ## the README's pictures, by Debian's Chromium
	@$(BIN)/python docs/pictures/make.py

tour: $(TESTS)          ## the pictures of the tour: an estate's data are corrupted, in Docker
	@$(BIN)/python docs/pictures/make.py --tour --wait 600

docs: $(TESTS)          ## the generated pages of docs/reference
	@$(BIN)/python docs/generate.py

clean:                  ## forget the installation and what tests left
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov
