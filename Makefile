# `make simulate` and `make test` are all one needs: each first brings what is missing (see setup/install.sh).

WORKERS ?= 10
# Processes the tests run in; JOBS=0 runs them in one, which starts faster and keeps `--pdb` usable.
JOBS ?= 2
# More options: make simulate ARGS="--network ethereum:local:foundry", make test ARGS="tests/contracts -k settle"
ARGS ?=

APE = .venv/bin/ape

.PHONY: help setup simulate test test-thorough lint coverage mutants results clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | awk '{ name = $$1; sub(/^[^ ]* /, ""); printf "make %-14s %s\n", name, $$0 }'

setup: ## install what is missing: Python and npm packages, compiler, Anvil, contracts
	@PYTHON="$(PYTHON)" sh setup/install.sh

simulate: setup ## simulate a learning server and its workers on a local chain (WORKERS=10)
	$(APE) run simulate --workers $(WORKERS) $(ARGS)

test: setup ## run the tests, all but the slow ones (JOBS=2)
	$(APE) test -n $(JOBS) --dist loadfile -m "not slow" $(ARGS)

test-thorough: setup ## run every test, with many more examples of each property
	HYPOTHESIS_PROFILE=thorough $(APE) test -n $(JOBS) --dist loadfile $(ARGS)

lint: setup ## check style and likely mistakes in Python and Solidity
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	node_modules/.bin/solhint --disc --noPoster --max-warnings 0 'contracts/**/*.sol'
	.venv/bin/python setup/standard_json.py >.build/standard.json
	.venv/bin/slither .build/standard.json --solc .venv/solc/solc-v*

coverage: setup ## measure which lines, branches and statements of package, scripts and contracts the tests run
	.venv/bin/ape test -n 0 -m "not slow" --contract-coverage --cov --cov-report=term $(ARGS)

mutants: setup ## change the contracts in one place at a time and see whether the tests notice (an hour and a half)
	.venv/bin/python -m mutants $(ARGS)

results: setup ## measure everything again and write docs/results.md (half an hour; MNIST_DIR names MNIST's files)
	@[ -n "$$MNIST_DIR" ] || echo "MNIST_DIR is not set: MNIST's files (11 MB) are taken from the cache or downloaded" >&2
	rm -rf .build/results
	.venv/bin/python -m benchmarks

clean: ## remove everything that was installed, built or cached
	rm -rf .venv node_modules .build .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
