# Everything here needs only python3 and the package registry.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help install demo test test-all lint format bench docs pictures lock sbom audit clean
help:
	@echo "make install   create .venv from requirements.lock"
	@echo "make demo      a synthetic business, from Postgres to HTML reports in out/"
	@echo "make test      the test suite"
	@echo "make test-all  the slow tests, too"
	@echo "make lint      ruff, mypy and the import rules"
	@echo "make format    ruff's formatter"
	@echo "make bench     performance ratios, measured side by side"
	@echo "make docs      the generated pages and files: reference, exposures"
	@echo "make pictures  the README's pictures, from the demo; needs Chromium"
	@echo "make lock      resolve the dependencies again"
	@echo "make sbom      out/sbom.json: what an installation holds, as CycloneDX"
	@echo "make audit     known vulnerabilities of it, from OSV; needs the network"

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	python3 -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: install
	$(BIN)/sselfie demo

# A file's tests share what they set up, so a file stays on one worker.
PYTEST := $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile

test: install
	$(PYTEST)

test-all: install
	$(PYTEST) --slow

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install
	$(BIN)/python -m tests.bench

docs: install
	$(BIN)/python docs/write_reference.py
	$(BIN)/python docs/write_exposures.py
	$(BIN)/python docs/write_billing.py

pictures: install
	$(BIN)/python docs/draw_pictures.py

lock: install
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--all-extras --group dev --python-version 3.11 pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--constraint requirements.lock --python-version 3.11 pyproject.toml \
		--output-file requirements-run.lock

# Both tools are fetched by name and version when they are asked for, and are no part of the locks.
sbom: install
	@mkdir -p out
	@$(BIN)/uv tool run --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py requirements \
		--pyproject pyproject.toml --output-reproducible --output-file out/sbom.json \
		requirements-run.lock \
		|| { echo "no SBOM: cyclonedx-bom 7.5.0 cannot be had from the package registry" >&2; exit 1; }
	@echo out/sbom.json

# Strict: a package of which the service knows nothing is no package without vulnerabilities.
audit: install
	@mkdir -p out && rm -f out/audit.txt
	@$(BIN)/uv tool run --quiet pip-audit==2.10.1 --strict --vulnerability-service osv \
		--requirement requirements-run.lock --require-hashes --disable-pip \
		--progress-spinner off --output out/audit.txt 2> out/audit.log; status=$$?; \
	if [ -s out/audit.txt ]; then cat out/audit.txt; fi; \
	if [ ! -s out/audit.txt ] && [ $$status -ne 0 ]; then \
		echo "not audited: pip-audit 2.10.1 or OSV (https://api.osv.dev) cannot be reached;" \
			"out/audit.log has the reason" >&2; exit 2; \
	fi; \
	if [ $$status -eq 0 ]; then echo "no known vulnerability in requirements-run.lock"; fi; \
	exit $$status

clean:
	rm -rf $(VENV) out build dist
