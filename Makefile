# Each target builds or updates the environments it needs first; that is instant when nothing changed.
# PYTHON chooses the interpreter to build them with; ARGS is passed on to the command; WORKERS run the tests.

PYTHON ?= $(or $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done),python3)
WORKERS ?= 4
BOOTSTRAP = $(PYTHON) localstack/bootstrap.py
VENV = .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run stop demo chaos test fuzz bench lint docs clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Start the arena in three local regions and fight a battle; Ctrl-C stops it (ARGS="--regions us-east-1")
	@$(BOOTSTRAP)
	@./arena up $(ARGS)

stop: ## Stop a local arena started elsewhere; its data stays
	@$(BOOTSTRAP) --only project
	@./arena down

demo: ## Let a local region scale with a real trace, 15 minutes, and plot it (ARGS="--trace FILE")
	@$(BOOTSTRAP)
	@./arena demo $(ARGS)

chaos: ## Strike what three local regions stand on while they are played, and check what was acknowledged (ARGS="--minutes 3 --seed 7")
	@$(BOOTSTRAP)
	@./arena chaos $(ARGS)

test: ## Run all tests, shared among WORKERS processes (ARGS="tests/unit -k energy" for some); as root on Debian it installs the browser they drive
	@$(BOOTSTRAP) --system-packages
	@$(BOOTSTRAP) --only scan
	@$(BOOTSTRAP) --only docs
	@$(VENV)/python -m pytest $(or $(ARGS),-n $(WORKERS))

fuzz: ## Fuzz what reads strangers' words, led by coverage, a minute each (ARGS="--seconds 600 sign-in"); Linux on x86-64
	@$(BOOTSTRAP) --only fuzz
	@.arena/envs/fuzz/bin/python -m tests.fuzz $(ARGS)

bench: ## Time everything beside a bare yardstick; ratios and budgets in a table, figures in .arena/bench (ARGS="--quick", ARGS="--list", ARGS="limiter logs" for some)
	@$(BOOTSTRAP)
	@$(VENV)/python -m bench $(ARGS)

lint: ## Check style and types, and look for secrets
	@$(BOOTSTRAP) --only project
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy .
	@./arena scan secrets

docs: ## Build the documentation as a site that needs no network: site/index.html
	@$(BOOTSTRAP) --only docs
	@.arena/envs/docs/bin/python -m properdocs build $(ARGS)
	@echo "open site/index.html"

clean: ## Stop the local arena and delete its data and every built environment
	@if [ -x $(VENV)/python ]; then ./arena down --purge; fi
	rm -rf .arena .venv site .chalice/deployments .pytest_cache .mypy_cache .ruff_cache .hypothesis localstack/plugin/build localstack/plugin/*.egg-info
