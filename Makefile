# SPDX-License-Identifier: GPL-3.0-or-later
.DEFAULT_GOAL := help
.PHONY: help site check stop reset setup lint test fast-test faults awx guides docs bench clean distclean

INVENTORY ?= inventories/local
ARGS ?=

PLAYBOOK = sh scripts/as_root.sh $(INVENTORY) .venv/bin/ansible-playbook -i $(INVENTORY)
CHECK = PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/python scripts/check.py

help: ## Show what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

setup:
	@sh scripts/setup.sh run

site: setup ## Bring up the cluster and its environments, prove every control (INVENTORY=..., ARGS=...)
	@$(PLAYBOOK) site.yml $(ARGS)

check: setup ## Say what `make site` would change, and change nothing
	@$(PLAYBOOK) site.yml --check --diff $(ARGS)

stop: setup ## Stop the cluster and keep its state
	@$(PLAYBOOK) playbooks/cluster_stop.yml $(ARGS)

lint: ## Run every static check on both ends of the support range
	@sh scripts/setup.sh dev
	@sh scripts/setup.sh newest
	@$(CHECK) lint

test: ## Run every test: units, integration, the three ways, Molecule on a real cluster
	@sh scripts/setup.sh dev
	@sh scripts/setup.sh newest
	@$(CHECK) test

fast-test: ## Run the unit tests only
	@sh scripts/setup.sh dev
	@$(CHECK) fast-test

faults: ## Run the fault injection suite (slow)
	@sh scripts/setup.sh dev
	@$(CHECK) faults

awx: ## Launch every job template as AWX does, and apply its objects (slow)
	@sh scripts/setup.sh dev
	@$(CHECK) awx

guides: ## Run the commands of the guides in a fresh clone, with the local cluster (slow)
	@sh scripts/setup.sh dev
	@$(CHECK) guides

docs: ## Build the documentation site in build/site/html
	@sh scripts/setup.sh dev
	@PATH="$(CURDIR)/.venv/bin:$$PATH" sh scripts/docs_site.sh

bench: ## Run the benchmarks against their contenders (slow)
	@sh scripts/setup.sh dev
	@$(CHECK) bench

clean: ## Stop and remove all that was made here; built tools stay in their cache
	@sh scripts/clean.sh

distclean: ## The same, and remove the cache of tools too
	@sh scripts/clean.sh --tools
