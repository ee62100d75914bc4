# Every target makes what it needs. `make` alone prints this list.

PYTHON  ?= python3
WORKERS ?= auto
PART    ?=
ARGS    ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test lint format bench js docs site diagram dashboards lock audit sbom wheel clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: .venv/run.installed ## start a scoreboard with players that never tire
	$(BIN)/scoreboard demo $(ARGS)

test: .venv/dev.installed ## run every test (WORKERS=2, ARGS="-k ties")
ifeq ($(ARGS),)
	$(BIN)/python -m pytest tests/core -q -n $(WORKERS) \
	  --cov=scoreboard.core --cov-branch --cov-fail-under=100
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --ignore=tests/core
else
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)
endif

lint: .venv/dev.installed ## check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev.installed ## let ruff format and mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv/bench.installed ## measure everything, or one part (PART=awards)
	$(BIN)/python -m bench $(PART) $(ARGS)

js: ## check the JavaScript client's types and write its .d.ts (needs npm)
	cd clients/js && npm ci --silent --no-audit --no-fund && rm -f *.d.ts && npx tsc --project .
	@cd clients/js && for name in scoreboard verify; do \
	  echo "// made from $$name.js $$(sha256sum < $$name.js | cut -c1-64)" >> $$name.d.ts; done

docs: .venv/run.installed ## write the pages that come from the code
	@sed '/^| setting /,$$d' docs/configure.md > docs/.configure.md
	@$(BIN)/scoreboard settings --markdown >> docs/.configure.md
	@mv docs/.configure.md docs/configure.md

site: .venv/dev.installed ## build/site: the documentation, with nothing from elsewhere (npm: its API pages)
	$(BIN)/python docs/publish/stage.py build/pages build/viewer
	$(BIN)/zensical build --strict

diagram: .venv/dev.installed ## draw flowdiagram.drawio.png (needs chromium)
	$(BIN)/python docs/flow/draw.py

dashboards: .venv/dev.installed ## write deploy/grafana/dashboards from deploy/monitoring
	$(BIN)/python -m deploy.monitoring

lock: .venv/dev.installed ## choose versions anew and write requirements/*.txt
	sh requirements/lock.sh $(BIN)/uv

audit: .venv/dev.installed ## look for known weaknesses in what is locked (needs the network)
	sh requirements/audit.sh $(BIN)/pip-audit

sbom: .venv/dev.installed ## write dist/sbom.json: what runs, with hashes
	$(BIN)/python requirements/sbom.py

wheel: .venv/run.installed ## build dist/*.whl
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

clean: ## remove what was made, the virtual environment too
	rm -rf .venv dist build htmlcov .coverage .*_cache .hypothesis

# A stamp newer than its lock file means: installed as locked.
.venv/%.installed: requirements/%.txt pyproject.toml .venv/made
	$(PIP) install --require-hashes --no-deps -r requirements/$*.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Scoreboard needs Python 3.11 or later; '$(PYTHON)' is not. Name one: make PYTHON=python3.12" >&2; \
	  exit 1; }
	@$(PYTHON) -m venv .venv || { \
	  echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	  rm -rf .venv; exit 1; }
	@touch $@
