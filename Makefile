# Everything here needs only python3 and the package registry.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help install demo test test-all lint format bench docs pictures lock clean
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

clean:
	rm -rf $(VENV) out build dist
