# Every target makes .venv by itself, from the hashed locks in requirements/; PYTHON=... chooses the interpreter.
.DEFAULT_GOAL := help
.PHONY: help demo test quick check bench simulate slices soak fuzz models coverage mutate verifier verifiers fix lock clean

BIN := .venv/bin

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 8

demo: .venv/.installed ## two desks on this machine, from pairing to evidence; ends by itself
	@if [ -t 1 ]; then $(BIN)/watchline demo --open; else $(BIN)/watchline demo; fi

test: .venv/.installed ## every test, on two cores; installs what the tests need beyond PyPI, or says what is missing
	@sh scripts/system-packages.sh || true
	@$(BIN)/python -m pytest -q -n 2 $(ARGS)

quick: .venv/.installed ## the tests a developer runs: all but the slow ones
	@$(BIN)/python -m pytest -q -n 2 -m "not slow" $(ARGS)

check: .venv/.installed ## format, lint, types, layers, docs and house rules
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_layers.py tests/test_docs.py tests/test_tidy.py

bench: .venv/.installed .venv/.bench ## measure against a floor of the same run; FULL=1 for the long one
	@$(BIN)/python -m bench $(ARGS)

simulate: .venv/.installed ## simulated desks, faults and liars; SEEDS=a:b says which runs
	@$(BIN)/python -m reliability simulator --seeds $(or $(SEEDS),0:20) $(ARGS)

slices: .venv/.installed ## a slice of each kind of attack with new seeds, which are printed
	@$(BIN)/python -m reliability simulator --new 20
	@$(BIN)/python -m reliability power --new 10
	@$(BIN)/python -m reliability parties --new 40
	@$(BIN)/python -m reliability kills --new 1
	@$(BIN)/python -m reliability fuzz --new 1

soak: .venv/.installed ## go on breaking it for HOURS=8, and add that to reliability/record.json
	@$(BIN)/python -m reliability.soak --hours $(or $(HOURS),8) $(ARGS)

fuzz: .venv/.installed .venv/.fuzz ## fuzz every parser, guided by coverage; TARGET=payload SECONDS=600
	@$(BIN)/python -m reliability.fuzz cover $(TARGET) --seconds $(or $(SECONDS),60) $(ARGS)

models: .venv/.installed ## search the Spin models; FULL=1 for larger bounds
	@$(BIN)/python -m models $(ARGS)

coverage: .venv/.installed ## branch coverage of core; fails below 100 %
	@mkdir -p build && $(BIN)/python -m coverage run -m pytest -q tests/core tests/attacks tests/journal tests/desk
	@$(BIN)/python -m coverage report

mutate: .venv/.installed ## mutation score of core; MODULE=merkle for one, COUNT=50 for so many by chance, AFRESH=1 for all anew
	@$(BIN)/python -m reliability.mutation $(MODULE) --jobs 2 $(if $(COUNT),--at-most $(COUNT)) $(if $(AFRESH),--afresh)

verifier: ## join the modules of verifier/ into the page that is handed on
	@python3 scripts/build_verifier.py

verifiers: .venv/.installed ## both verifiers over N=10000 good and N damaged bundles
	@PYTHONPATH=src:. $(BIN)/python -m tests.verifier --count $(or $(N),1000) $(ARGS)

fix: .venv/.installed ## mend what the linter and the formatter can mend
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lock: ## renew requirements/*.txt from pyproject.toml (needs uv)
	@sh scripts/lock.sh $(ARGS)

clean: ## remove .venv and everything the tools made
	@sh scripts/clean.sh

.venv/.installed: requirements/dev.txt pyproject.toml scripts/setup.sh
	@PYTHON="$(PYTHON)" sh scripts/setup.sh

# What is measured beside us; without it the run says what is missing.
.venv/.bench: requirements/bench.txt .venv/.installed
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes --only-binary :all: -r $< && touch $@

# What guides `make fuzz` by coverage; nothing else needs it.
.venv/.fuzz: requirements/fuzz.txt .venv/.installed
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install --require-hashes --only-binary :all: -r $< && touch $@
