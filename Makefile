# Longwire: run quantum circuits on a backend at the other end of a wire.
#
# Every target makes what it needs first. Another interpreter, another folder for
# the environment: make demo PYTHON=python3.12 VENV=/tmp/longwire
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# What runs, and what runs and develops: the first is enough for the demo.
RUNTIME := $(VENV)/.runtime
INSTALLED := $(VENV)/.installed
REQUIREMENTS := client/pyproject.toml server/pyproject.toml constraints.txt
PIP_INSTALL = $(BIN)/python -m pip install --quiet --constraint constraints.txt

# Test files are spread over three processes, each with servers of its own: many of them
# wait most of the time.
PYTEST_ARGS ?= -n 3 --dist loadfile

# Python keeps the modules that it has compiled: a variable that forbids it would have
# every process spend its first second on that.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install demo serve test faults fuzz lint audit types format protos protos-archive protos-released verify-protos docs notebooks verify-docs
.PHONY: bench bench-peers plots loadtest soak constraints verify-constraints loc limits clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) \
	  | awk -F ':.*## ' '{printf "  make %-19s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Longwire needs Python 3.11 or newer, and $(PYTHON) is not:" \
	    "name another one, as in make demo PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(RUNTIME): $(REQUIREMENTS) | $(BIN)/python
	@echo "Installing Longwire in $(VENV); the first time this takes about a minute."
	@$(PIP_INSTALL) --editable client --editable 'server[devices]'
	@touch $@

$(INSTALLED): $(RUNTIME) pyproject.toml
	$(PIP_INSTALL) --editable 'client[plot]' --editable 'server[devices,http,postgresql]' --group dev
	@touch $@

install: $(INSTALLED) ## make .venv with Longwire and all tools of its development

demo: $(RUNTIME) ## run circuits on a server in another process
	@$(BIN)/python -m examples.demo

serve: $(RUNTIME) ## host the default backends on localhost:50051 (ARGS="--config FILE")
	$(BIN)/longwire-server serve $(ARGS)

test: $(INSTALLED) ## run every test (PYTEST_ARGS="-x tests/unit" for some)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# Of each storm.
SECONDS ?= 120

faults: $(INSTALLED) ## run the tests of faults at length (SECONDS=600 SEED=42)
	@seed=$(or $(SEED),$$($(BIN)/python -c 'import random; print(random.getrandbits(32))')); \
	  echo "make faults SECONDS=$(SECONDS) SEED=$$seed"; \
	  LONGWIRE_FAULTS_SECONDS=$(SECONDS) LONGWIRE_FAULTS_SEED=$$seed \
	  $(BIN)/python -m pytest $(PYTEST_ARGS) --timeout $$((600 + 10 * $(SECONDS))) tests/faults

# Each format, and the calls, for so long. Inputs that were found lie in the folder named.
FINDINGS := $(VENV)/fuzz-
ATHERIS := $(VENV)/atheris
FUZZED := qpy openqasm2 openqasm3 qobj

fuzz: $(INSTALLED) ## send damage to a server at length, and to what reads programs (SECONDS=600)
	LONGWIRE_FUZZ_SECONDS=$(SECONDS) $(BIN)/python -m pytest -q tests/integration/test_fuzzing.py
	@$(BIN)/python -m pip install --quiet --upgrade --only-binary :all: --target $(ATHERIS) atheris || { \
	  echo "atheris has no wheel for this Python: fuzzing guided by coverage is left out"; exit 0; }; \
	  for format in $(FUZZED); do PYTHONPATH=tests:$(ATHERIS) \
	    $(BIN)/python tests/fuzz/scanners.py $$format -max_total_time=$(SECONDS) -timeout=30 -rss_limit_mb=4096 -artifact_prefix=$(FINDINGS) \
	    || exit 1; done

lint: $(INSTALLED) ## check style, import rules and protos
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/buf lint protos
	$(BIN)/buf format protos --diff --exit-code
	$(BIN)/buf breaking protos --against protos/released.binpb

# Advisories that do not concern Longwire, each with the reason why, as in
#   --ignore-vuln PYSEC-2026-1  (only the parser of X has it, which nothing calls)
ADVISORIES_IGNORED :=
PIP_AUDIT := $(VENV)/pip-audit.txt

audit: $(INSTALLED) ## look for weaknesses: in the code (bandit), and known ones in what it needs (pip-audit)
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml client/src server/src
	@echo "$(BIN)/pip-audit --requirement constraints.txt"
	@$(BIN)/pip-audit --no-deps --disable-pip --progress-spinner off $(ADVISORIES_IGNORED) \
	  --requirement constraints.txt > $(PIP_AUDIT) 2>&1 || { cat $(PIP_AUDIT); exit 1; }
	@echo "$$(grep -c == constraints.txt) packages, without known weaknesses but for" \
	  "$$(grep -c 'could not be audited' $(PIP_AUDIT)) of which the package index tells nothing"

types: $(INSTALLED) ## check types (mypy, strict)
	$(BIN)/mypy
	$(BIN)/mypy examples/demo protos

format: $(INSTALLED) ## format Python and protos
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/buf format protos --write

protos: $(INSTALLED) ## generate the code of the protos (and of the worker's frames)
	$(BIN)/python protos/generate.py

verify-protos: $(INSTALLED) ## check that the generated code is fresh
	$(BIN)/python protos/generate.py --check

protos-archive: $(INSTALLED) ## pack the protos with their README and licence in dist/
	$(BIN)/python protos/archive.py dist

# What was released must not break: make lint compares with this.
protos-released: $(INSTALLED) ## at a release: keep the protos as those that were released
	$(BIN)/buf build protos --exclude-source-info --output protos/released.binpb

docs: $(INSTALLED) ## write docs/reference/protocol.md from the protos' comments
	$(BIN)/python protos/reference.py

notebooks: $(INSTALLED) ## execute the notebooks of docs/ and keep their outputs
	$(BIN)/python docs/notebooks/execute.py

verify-docs: $(INSTALLED) ## check that docs/reference/protocol.md is fresh
	$(BIN)/python protos/reference.py --check

# BENCH_ARGS=--quick: see that they run, and keep nothing.
bench: $(INSTALLED) ## measure, print and record (bench/); with Ray and Dask after make bench-peers
	$(BIN)/python bench/first_figures.py $(BENCH_ARGS)
	$(BIN)/python bench/throughput_figures.py $(BENCH_ARGS)
	$(BIN)/python bench/cold_start_figures.py $(BENCH_ARGS)
	$(BIN)/python bench/bulk_figures.py $(BENCH_ARGS)
	$(BIN)/python bench/bytes_figures.py $(BENCH_ARGS)
	$(BIN)/python bench/large_result_figures.py $(BENCH_ARGS)
	$(BIN)/python bench/watcher_figures.py $(BENCH_ARGS)
	$(BIN)/python bench/qiskit2_figures.py $(BENCH_ARGS)
	$(BIN)/python bench/start_figures.py $(BENCH_ARGS)

bench-peers: $(INSTALLED) ## install Ray and Dask, for make bench to measure beside Longwire
	$(PIP_INSTALL) --group bench-peers

plots: $(INSTALLED) ## draw what make bench and make loadtest have recorded (docs/pictures/)
	$(BIN)/python bench/plots.py

# Of all that go through the server whose memory is watched.
JOBS ?= 100000

loadtest: $(INSTALLED) ## measure under load, record and draw (JOBS=100000, GROWTH=--million, GHZ=PATH)
	$(BIN)/python bench/load/overload.py
	$(BIN)/python bench/load/growth.py $(GROWTH)
	$(BIN)/python bench/load/memory.py --jobs $(JOBS)
	GHZ="$(GHZ)" $(BIN)/python bench/load/witness.py
	$(BIN)/python bench/plots.py

HOURS ?= 2

soak: $(INSTALLED) ## load a server for hours, and record what grows (HOURS=2)
	$(BIN)/python bench/load/soak.py --hours $(HOURS)

# The comments at the top of the file stay.
PINS := $(VENV)/constraints.txt
FREEZE = { grep '^\#' constraints.txt; $(BIN)/python -m pip freeze --all --exclude pip --exclude-editable; } > $(PINS)

constraints: $(INSTALLED) ## pin in constraints.txt what is installed now
	$(FREEZE)
	cp $(PINS) constraints.txt

verify-constraints: $(INSTALLED) ## check that constraints.txt pins what is installed
	$(FREEZE)
	diff -u constraints.txt $(PINS)

loc: ## count lines of code by folder
	@for folder in client/src server/src protos tests bench examples; do \
	  printf '  %-12s %6d\n' $$folder $$(git ls-files -- $$folder | grep -E '\.(py|proto)$$' \
	  | grep -v _pb2 | xargs cat | wc -l); done

limits: $(INSTALLED) ## check the sizes of files and functions
	$(BIN)/python -m pytest -q tests/architecture/test_sizes.py

clean: ## remove the environment and the tools' caches
	rm -rf $(VENV) .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
