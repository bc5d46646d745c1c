.DEFAULT_GOAL := help
PYTHON ?= python3
WORKERS ?= auto

.PHONY: help
help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: venv
venv: ## Make a virtual environment in .venv with everything that development needs
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -e '.[dev]'

.PHONY: install
install: ## Install the project, editable, with everything that development needs, into the active Python
	$(PYTHON) -m pip install -e '.[dev]'

.PHONY: test
test: lint rtl-lint ## Run everything that CI runs: the lints and every test
	$(PYTHON) -m pytest -n $(WORKERS)

.PHONY: test-fast
test-fast: ## Run the tests that take no more than a few seconds each
	$(PYTHON) -m pytest -n $(WORKERS) -m "not slow"

.PHONY: lint
lint: ## Check the Python code's style and types, and that generated files are what the tables say
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) -m machine.generate --check
	$(PYTHON) -m rtl.ports --check

.PHONY: rtl-lint
rtl-lint: ## Check the Verilog with Verilator's lint, all warnings on
	$(PYTHON) -m rtl.lint

.PHONY: generate
generate: ## Write again what is generated from the machine's definition and from the Verilog's ports
	$(PYTHON) -m machine.generate
	$(PYTHON) -m rtl.ports
	$(PYTHON) -m runtime.cli.main operators --markdown > docs/operators.md
	$(PYTHON) -m benchmarks.commands_in_docs

.PHONY: coverage
coverage: ## Count which lines and branches of the Verilog its tests reach, and write docs/rtl-coverage.md
	$(PYTHON) -m rtl.coverage

.PHONY: synth
synth: ## Cells and clock on an ECP5 of nano4 and edge8 (hours on a slow machine), and edge16's generic cells
	$(PYTHON) -m rtl.place_and_route nano4
	$(PYTHON) -m rtl.place_and_route edge8
	$(PYTHON) -m rtl.synthesis edge16 --generic

.PHONY: proofs
proofs: ## Prove the property sets of the Verilog (docs/proofs.md), and show that each fails on its planted bugs
	$(PYTHON) -m rtl.proofs --bugs

.PHONY: demo
demo: ## Compile, simulate and profile the digits network
	tpukit demo
