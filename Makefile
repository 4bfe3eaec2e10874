PYTHON ?= python3
VENV := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help environments run stop test lint clean

help: ## Show the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

environments:
	@$(PYTHON) localstack/bootstrap.py

run: environments ## Bring the arena up in three regions; Ctrl-C stops all
	@./arena up

stop: ## Stop an arena that runs in the background
	@./arena down

test: environments ## Run every test
	@$(VENV)/python -m pytest

lint: environments ## Check style and types
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy app.py chalicelib infra localstack/localcloud tests

clean: ## Stop everything and delete data, environments and caches
	@if [ -x $(VENV)/python ]; then ./arena down --purge; fi
	@rm -rf .venv .arena .chalice/deployments .mypy_cache .ruff_cache .pytest_cache .hypothesis
