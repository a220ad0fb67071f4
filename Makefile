# `make simulate` and `make test` are all one needs: each first brings what is missing (see setup/install.sh).

WORKERS ?= 10
# Processes the tests run in; JOBS=0 runs them in one, which starts faster and keeps `--pdb` usable.
JOBS ?= 2
# More options: make simulate ARGS="--network ethereum:local:foundry", make test ARGS="tests/contracts -k settle"
ARGS ?=

APE = .venv/bin/ape

# What a network's rules have to do with, but for what a step costs, which other rules price otherwise.
QUORUM_TESTS = tests/contracts tests/chain/test_connection.py tests/chain/test_deploy.py tests/chain/test_history.py \
	--deselect tests/contracts/test_gas.py::test_every_step_costs_what_is_recorded
CLIENT ?= besu

.PHONY: help setup simulate test test-thorough test-quorum test-clique quorum quorum-down lint coverage mutants results
.PHONY: clean

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

test-quorum: setup ## run the tests by a Quorum's rules; on a real one too if QUORUM_RPC has addresses of its nodes
	$(APE) test -n $(JOBS) --dist loadfile -m "not slow" --network ethereum:local:foundry --quorum-rules $(QUORUM_TESTS)
	$(APE) test -rs tests/networks -m "not slow" $(ARGS)

test-clique: setup ## learn on three validators of upstream Geth, built here where there is Go
	@sh setup/geth.sh; status=$$?; [ $$status = 3 ] || { [ $$status = 0 ] && $(APE) test -s -rs tests/networks/test_validators.py; }

quorum: setup ## start a local Quorum of four validators in docker (CLIENT=besu or goquorum)
	@CLIENT=$(CLIENT) sh setup/quorum.sh up

quorum-down: ## stop it, and forget its chain
	@CLIENT=$(CLIENT) sh setup/quorum.sh down

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
