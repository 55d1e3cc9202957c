# What one does here, in one word each: `make` or `make help` lists them.

PYTHON ?= python3
TOOLS := .venv/.tools
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help run demo test soak rush load check bench scale corpus fuzz loops package deploy destroy clean

help: ## These words
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: $(TOOLS) ## Start the whole desk on this machine, until Ctrl-C
	@$(RUN) -m infra run

demo: $(TOOLS) ## Drive a running desk through what it does, and show what comes back
	@$(RUN) -m infra demo

test: $(TOOLS) ## Run every test
	@$(RUN) -m pytest -n 2 --dist loadgroup

soak: $(TOOLS) ## Play thirty days of three storefronts with faults: SEED=1 DAYS=30 TICKETS=10000 FAULTS=0.02
	@$(RUN) -m tests.soak $(if $(SEED),--seed $(SEED)) $(if $(DAYS),--days $(DAYS)) $(if $(TICKETS),--tickets $(TICKETS)) \
		$(if $(FAULTS),--faults $(FAULTS))

rush: $(TOOLS) ## Have 100,000 tickets due in one minute, with workers killed: TICKETS=n for others
	@$(RUN) -m bench.rush $(if $(TICKETS),--tickets $(TICKETS))

load: $(TOOLS) ## Have many ask a desk at once, and find all it said yes to; then count what 200,000 tickets cost: TICKETS=n for others
	@$(RUN) -m bench.load
	@$(RUN) -m bench.size $(if $(TICKETS),--tickets $(TICKETS))

check: $(TOOLS) ## Lint, format, types
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

corpus: $(TOOLS) ## How well mail is read: figures over a folder of real mail, and what twice a hostile mail costs
	@$(RUN) -m tests.mail.corpus --sources
	@$(RUN) -m tests.mail.growth

fuzz: $(TOOLS) ## Read 1,000,000 mails that are broken at random: MAILS=n SEED=n for others
	@$(RUN) -m tests.mail.fuzz $(if $(MAILS),--mails $(MAILS)) $(if $(SEED),--seed $(SEED))

loops: $(TOOLS) ## Play robots, forgers and mail scanners, 10,000 times each (TIMES=n for others), and fail every call of sending
	@$(RUN) -m tests.mail.loops $(if $(TIMES),--times $(TIMES))
	@$(RUN) -m tests.faults.sending

bench: $(TOOLS) ## Count what use cases ask of AWS and what functions cost to start, and compare: SHORT=yes for a look
	@$(RUN) -m bench $(if $(filter yes,$(SHORT)),--short)

scale: $(TOOLS) ## Say what ten million tickets a day ask of each partition, limit and worker: LARGEST=1 for one storefront
	@$(RUN) -m bench.scale $(if $(LARGEST),--largest $(LARGEST))

package: $(TOOLS) ## Build the templates and the zip into build/
	@$(RUN) -m infra package

deploy: stage $(TOOLS) ## Create or upgrade a stage: STAGE=prod
	@$(RUN) -m infra deploy --stage $(STAGE)

destroy: stage $(TOOLS) ## Remove a stage's desk: STAGE=prod, and its data with DATA=yes
	@$(RUN) -m infra destroy --stage $(STAGE) $(if $(filter yes,$(DATA)),--data)

clean: ## Remove what is built; the desk's data in .careline stays
	@rm -rf build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

$(TOOLS): requirements.txt requirements-tools.txt
	@$(PYTHON) infra/workbench.py $(if $(filter file,$(origin PYTHON)),,--this-python)

.PHONY: stage
stage:
	@test -n "$(STAGE)" || { echo "Which stage? For example: make $(MAKECMDGOALS) STAGE=prod"; exit 1; }
