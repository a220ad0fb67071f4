# `make simulate` and `make test` are all you need: each first installs what is missing (see setup/install.sh).

WORKERS ?= 10
PACE ?= 1s
# Processes that run the tests; JOBS=0 runs them in one, which starts faster and keeps `--pdb` usable.
JOBS ?= 2
# More options: make simulate ARGS="--network ethereum:local:foundry", make test ARGS="tests/contracts -k settle"
ARGS ?=

APE = .venv/bin/ape

# The tests that depend on a network's rules, except for recorded gas, which other rules price differently.
QUORUM_TESTS = tests/contracts tests/chain/test_connection.py tests/chain/test_deploy.py tests/chain/test_history.py \
	--deselect tests/contracts/test_gas.py::test_every_step_costs_what_is_recorded
CLIENT ?= besu

LOCK = uv pip compile --universal --python-version 3.10 --fork-strategy fewest --annotation-style line --no-header
SHELL_SCRIPTS = .ci/run $(wildcard setup/*.sh)

.PHONY: help setup setup-dev simulate page test test-page test-thorough test-quorum test-clique quorum quorum-down lint docs coverage
.PHONY: fuzz prove mutants results lock clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | awk '{ name = $$1; sub(/^[^ ]* /, ""); printf "make %-14s %s\n", name, $$0 }'

setup: ## install what is missing to run: Python and npm packages, compiler, Anvil, contracts
	@PYTHON="$(PYTHON)" sh setup/install.sh

setup-dev: ## install what is missing to develop: the same, and what tests and linters need
	@PYTHON="$(PYTHON)" sh setup/install.sh --dev

simulate: setup ## simulate a learning server and its workers on a local chain (WORKERS=10)
	$(APE) run simulate --workers $(WORKERS) $(ARGS)

page: setup ## watch a simulation in the browser, with two evil workers in ten (PACE=1s)
	$(APE) run simulate --page --pace $(PACE) --workers $(WORKERS) --evil 2 --rounds 10 $(ARGS)

test: setup-dev ## run the tests, except for the slow ones (JOBS=2)
	@sh setup/chromium.sh --check
	$(APE) test -n $(JOBS) --dist loadfile -m "not slow" $(ARGS)

test-thorough: setup-dev ## run all proofs and tests, with many more examples of each property
	@sh setup/prove.sh || [ $$? = 3 ]
	HYPOTHESIS_PROFILE=thorough $(APE) test -n $(JOBS) --dist loadfile $(ARGS)

test-page: setup-dev ## run the tests of the page, in Chromium, which apt installs if it is missing; pictures: reports/page
	@sh setup/chromium.sh
	$(APE) test -n 0 tests/page $(ARGS)

test-quorum: setup-dev ## run the tests under Quorum's rules; on a real network too if QUORUM_RPC has its nodes' URLs
	$(APE) test -n $(JOBS) --dist loadfile -m "not slow" --network ethereum:local:foundry --quorum-rules $(QUORUM_TESTS)
	$(APE) test -rs tests/networks $(ARGS)

test-clique: setup-dev ## learn on three validators of upstream Geth, built here if Go is installed
	@sh setup/geth.sh; status=$$?; [ $$status = 3 ] || { [ $$status = 0 ] && $(APE) test -s -rs tests/networks/test_validators.py; }

quorum: setup ## start a local Quorum network of four validators in Docker (CLIENT=besu or goquorum)
	@CLIENT=$(CLIENT) sh setup/quorum.sh up

quorum-down: ## stop it and delete its chain
	@CLIENT=$(CLIENT) sh setup/quorum.sh down

lint: setup-dev ## check style, types and likely mistakes in Python, Solidity and shell scripts
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/shellcheck $(SHELL_SCRIPTS)
	node_modules/.bin/solhint --disc --noPoster --max-warnings 0 'contracts/**/*.sol'
	.venv/bin/python setup/standard_json.py >.build/standard.json
	.venv/bin/slither .build/standard.json --solc .venv/solc/solc-v*

docs: setup ## write docs/contracts.md from the comments of the contracts
	.venv/bin/python -m setup.contract_docs

coverage: setup-dev ## measure the coverage of Python lines and branches (95 % or fail) and of the contracts' statements
	$(APE) test -n 0 -m "not slow" --contract-coverage --cov --cov-report=term $(ARGS)

fuzz: setup-dev ## play the contracts by random calls of everybody, with Forge (three minutes; RUNS=500, CALLS=150)
	@sh setup/fuzz.sh $(ARGS)

prove: setup-dev ## prove properties of the contracts for all inputs within bounds, with halmos and z3 (three minutes)
	@sh setup/prove.sh $(ARGS) || [ $$? = 3 ]

mutants: setup-dev ## mutate the contracts in one place at a time and see whether the tests notice (an hour and a half)
	.venv/bin/python -m mutants $(ARGS)

results: setup-dev ## measure everything again and write docs/results.md (half an hour; MNIST_DIR: MNIST's files)
	@[ -n "$$MNIST_DIR" ] || echo "MNIST_DIR is not set: taking MNIST's files (11 MB) from the cache, or downloading them" >&2
	.venv/bin/python -m benchmarks

lock: ## pin the dependencies of pyproject.toml again, for Python 3.10 to 3.12 (needs uv)
	$(LOCK) pyproject.toml --extra plots --output-file requirements.txt >/dev/null
	$(LOCK) pyproject.toml --all-extras --constraint requirements.txt --output-file requirements-dev.txt >/dev/null

clean: ## remove everything that was installed, built or cached
	rm -rf .venv .venv-prove node_modules .build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
