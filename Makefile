# Each target builds or updates the environments it needs first; that is instant when nothing changed.
# PYTHON chooses the interpreter to build them with; ARGS is passed on to the command.

PYTHON ?= $(or $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done),python3)
BOOTSTRAP = $(PYTHON) localstack/bootstrap.py
VENV = .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run stop demo test bench lint clean

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

test: ## Run all tests (ARGS="tests/unit -k energy" for some)
	@$(BOOTSTRAP)
	@$(VENV)/python -m pytest $(ARGS)

bench: ## Time leaderboards, limits, cache and metrics beside what they add to; take the cache away; let three regions converge
	@$(BOOTSTRAP)
	@$(VENV)/python -m bench.leaderboard $(ARGS)
	@$(VENV)/python -m bench.limiter
	@$(VENV)/python -m bench.read_cache
	@$(VENV)/python -m bench.cache_outage
	@$(VENV)/python -m bench.metrics
	@$(VENV)/python -m bench.replication_lag
	@$(VENV)/python -m bench.replication_simulation

lint: ## Check style and types
	@$(BOOTSTRAP) --only project
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy .

clean: ## Stop the local arena and delete its data and every built environment
	@if [ -x $(VENV)/python ]; then ./arena down --purge; fi
	rm -rf .arena .venv .chalice/deployments .pytest_cache .mypy_cache .ruff_cache .hypothesis localstack/plugin/build localstack/plugin/*.egg-info
