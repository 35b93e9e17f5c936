# Gatehouse. `make` alone lists what can be made.
PYTHON ?= python3
PORT ?= 8000
SANDBOX_PORT ?= 4566
ARGS ?=
DEPLOY = $(if $(PROFILE),--profile $(PROFILE)) $(if $(REGION),--region $(REGION))
RUN := .venv/bin/python
LOCK := $(RUN) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header pyproject.toml
CODE := portal approvals catalog lambdas sandbox tests benchmarks

.PHONY: help demo test e2e smoke smoke-aws reset lint types fmt lock lambdas deploy-hub deploy-spoke compose-check bench-sync bench-pages pictures corpus
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: .sandbox ## the whole desk on this machine: PORT=8000 SANDBOX_PORT=4566, Ctrl-C stops it
	@exec $(RUN) -m sandbox.demo --port $(PORT) --sandbox-port $(SANDBOX_PORT) $(ARGS)

reset: .sandbox ## stop the demo and forget everything it kept
	@exec $(RUN) -m sandbox.demo reset

smoke: .sandbox ## four launches, end to end, without a browser (ARGS="--many 50" measures)
	@exec $(RUN) -m sandbox.smoke $(ARGS)

smoke-aws: .sandbox ## every way a gate can end, in three accounts, with the desk and by mail
	@exec $(RUN) -m sandbox.smoke.aws

test: lint ## lint, types and every test that needs no browser (ARGS="-k word" chooses)
	@$(MAKE) --no-print-directory -j 2 types .pytest

# Tests of real parts also wait: one process more than there are cores.
.pytest: .dev
	$(RUN) -m pytest -n $$((1 + $$(getconf _NPROCESSORS_ONLN))) --maxprocesses 8 --dist loadfile --no-loadscope-reorder -m "not e2e" $(ARGS)

e2e: .dev ## the tests in a browser (needs Chromium)
	$(RUN) -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m e2e tests/e2e $(ARGS)

lint: .dev ## style and common mistakes
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check

types: .dev ## mypy --strict
	DJANGO_SECRET_KEY=types DATABASE_URL=postgres://types:types@127.0.0.1/types $(RUN) -m mypy $(CODE)

fmt: .dev ## put the code into its format
	$(RUN) -m ruff check --fix
	$(RUN) -m ruff format

lambdas: .dev ## write the functions' code into lambdas/template.yaml (hub) and lambdas/spoke.yaml
	$(RUN) -m lambdas.build

deploy-hub: .sandbox ## the AWS side into one account: PROFILE=… REGION=… ARGS="--parameter DeskUrl=https://…"
	@exec $(RUN) -m lambdas.deploy hub $(DEPLOY) $(ARGS)

deploy-spoke: .sandbox ## the small part for another account or region, the same way
	@exec $(RUN) -m lambdas.deploy spoke $(DEPLOY) $(ARGS)

lock: .dev ## resolve the dependency ranges into requirements/*.txt (ARGS=--upgrade takes newer versions)
	$(LOCK) --all-extras $(ARGS) -o requirements/dev.txt
	$(LOCK) --extra sandbox -c requirements/dev.txt -o requirements/sandbox.txt
	$(LOCK) -c requirements/dev.txt -o requirements/app.txt
	$(LOCK) --extra saml -c requirements/dev.txt -o requirements/saml.txt

corpus: .dev ## gate real templates (GATEHOUSE_CORPUS, else ../shared/corpus) and have each checked, by cfn-lint too
	@exec $(RUN) -m benchmarks.corpus $(ARGS)

bench-sync: .sandbox ## how many calls, seconds and MiB a sync of 350 products with 20 versions takes
	@exec $(RUN) -m benchmarks.sync $(ARGS)

bench-pages: .dev ## queries, weight and first byte of every page, with 1,000 and 1,000,000 requests
	@exec $(RUN) -m benchmarks.pages $(ARGS)

pictures: .dev ## the screenshots in docs/pictures, from a desk on an ordinary Monday
	@exec $(RUN) -m tests.e2e.pictures

compose-check: .sandbox ## build and start the containers, approve one launch through them
	@exec $(RUN) -m sandbox.compose.check

.PHONY: .sandbox .dev .pytest
.sandbox:
	@$(PYTHON) sandbox/bootstrap.py sandbox
.dev:
	@$(PYTHON) sandbox/bootstrap.py dev
