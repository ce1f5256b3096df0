# vitprune. Each target does its own set-up; what is done already is not done again.
PYTHON ?= python3
RUNS ?= runs
BIN := .venv/bin
READY := .venv/.ready
PEERS := .venv/peers/.ready

.PHONY: help setup run test torture long simulation bench bench-gpu requests screen gpu check lock audit clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /	/' | expand -t 12

setup: $(READY)  ## make .venv/ with vitprune and the tools to work on it

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "vitprune needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv .venv || { \
	  echo "$(PYTHON) cannot make virtual environments (Debian: apt-get install python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(READY)

run: $(READY)  ## the main job on real images: train a ViT on digits, prune, retrain, report
	@set -e; now=$$(date +%Y%m%d-%H%M%S); \
	say() { echo "\$$ $$*" >&2; $(BIN)/"$$@"; }; \
	magnitude=magnitude-$$now; random=random-$$now; export VITPRUNE_RUNS=$(RUNS); \
	say vitprune run oneshot_global --workload digits --name $$magnitude; \
	say vitprune run oneshot_random --workload digits --name $$random \
	  --set 'prune.sparsities=[0.8, 0.9, 0.95]'; \
	say vitprune plot $$magnitude $$random; \
	say vitprune export $$magnitude $$random -o $(RUNS)/$$magnitude/summary.md; \
	echo "more: $(BIN)/vitprune masks $$magnitude, $(BIN)/vitprune --help" >&2

test: $(READY)  ## the tests, under 10 minutes on two cores
	$(BIN)/python -m pytest -n 2 --dist worksteal --write-counts

torture: $(READY)  ## what is attacked on purpose, as often as the README says; 15 minutes, root
	$(BIN)/python -m pytest -n 2 --dist worksteal -m campaign --torture --write-counts

long: $(READY)  ## also the tests that train for minutes, and others at full length
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'slow or not slow'

simulation: $(READY)  ## how often verdicts are wrong, on 10,000 simulated studies a configuration
	$(BIN)/python -m benchmarks.simulation

bench: $(PEERS)  ## how fast it is, beside its peers, as a table of ratios; half an hour
	.venv/peers/bin/python -m benchmarks.speed

bench-gpu: $(PEERS)  ## the same on CUDA: steps, masks, and CIFAR-10 for 200 epochs
	.venv/peers/bin/python -m benchmarks.gpu

$(PEERS): $(READY)
	@$(BIN)/python -m venv .venv/peers
	@$(BIN)/python -c 'import sys, site; peers = sys.argv[1]; \
	  here, there = site.getsitepackages()[0], peers + site.getsitepackages()[0].split(".venv")[1]; \
	  open(there + "/shared.pth", "w").write(f"import site; site.addsitedir({here!r})")' .venv/peers
	.venv/peers/bin/python -m pip install --quiet timm==1.0.31 torch-pruning==1.6.1
	@touch $(PEERS)

requests: $(READY)  ## how soon a worker reads what it is asked; a minute
	$(BIN)/python -m benchmarks.requests

screen: $(READY)  ## what the bench costs on a terminal, beside its goals: starts, keys, bytes; ten minutes
	$(BIN)/python -m benchmarks.screen

gpu: $(READY)  ## the tests that need CUDA; without it they are skipped
	$(BIN)/python -m pytest -m gpu -rs

check: $(READY)  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock:  ## requirements.lock: one version of every package, by hashes; UPGRADE=--upgrade for newer ones
	@$(PYTHON) -m venv build/lock && build/lock/bin/python -m pip install --quiet uv
	build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --all-extras \
	  --generate-hashes --custom-compile-command 'make lock' $(UPGRADE) pyproject.toml -o requirements.lock

audit:  ## ask what is known against the packages of requirements.lock; takes a network
	@$(PYTHON) -m venv build/audit && build/audit/bin/python -m pip install --quiet pip-audit
	build/audit/bin/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

clean:  ## remove .venv/ and caches; runs stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist
