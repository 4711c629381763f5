# The two commands of the README: `make demo` and `make test`. Both set up everything first, and a second run reuses it.
PYTHON ?= python3
TORCH ?= torch==2.13.0
BUILD := build/cmake
BIN := .venv/bin
SOURCES := $(shell find csrc cmake deepbio_torch -type f -not -name '*.pyc' -not -name '*.so') \
  CMakeLists.txt setup.py pyproject.toml README.md
TESTS := $(shell find tests/cpp -type f)
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DEEPBIO_BUILD_DIR := $(CURDIR)/$(BUILD)

.PHONY: demo test test-cpp test-python bench docs fuzz sanitize lint format clean setup sdist wheel
.DELETE_ON_ERROR:

demo: .stamps/installed .stamps/report-tools
	$(BIN)/python examples/demo.py --output demo

test: test-cpp test-python

test-cpp: .stamps/tests-built
	ctest --test-dir $(BUILD) --output-on-failure --parallel $${MAX_JOBS:-$$(nproc)}

test-python: .stamps/installed .stamps/tests-built .stamps/test-tools
	PYTHONSAFEPATH=1 $(BIN)/python -m pytest -n $${MAX_JOBS:-auto} --maxprocesses 4 --dist loadfile

# Every benchmark, each with its peers in the same run; an hour, most of it the peers'. The results stand in
# benchmarks/results. The model's needs a set of samples and, to check its peer, the outputs of the original AAM.
AAM_DATA ?= ../shared/data/microbiome/oral_age_2550
AAM_GOLDEN ?= ../shared/data/aam_golden
bench: .stamps/installed .stamps/test-tools
	cmake -S . -B $(BUILD) -DDEEPBIO_BUILD_BENCHMARKS=ON > /dev/null
	cmake --build $(BUILD) --target benchmark_reader benchmark_unifrac
	$(BIN)/python benchmarks/reader.py --program $(BUILD)/benchmark_reader
	$(BIN)/python benchmarks/loader.py
	$(BIN)/python benchmarks/batches.py
	$(BIN)/python benchmarks/tokenizers.py
	$(BIN)/python benchmarks/unifrac.py --program $(BUILD)/benchmark_unifrac
	$(BIN)/python benchmarks/community.py
	$(BIN)/python benchmarks/encoder.py
	$(BIN)/python benchmarks/genome.py --output benchmarks/results/genome.json
	$(if $(wildcard $(AAM_DATA)),$(BIN)/python benchmarks/model.py --data $(AAM_DATA) --golden $(AAM_GOLDEN),\
	  @echo "benchmarks/model.py skipped: $(AAM_DATA) is not there")
	$(BIN)/python benchmarks/processes.py
	$(BIN)/python benchmarks/measure.py

# The pages of docs/ with the API from docstrings, in build/docs/index.html; a warning is an error.
docs: .stamps/installed .stamps/docs-tools
	PYTHONSAFEPATH=1 $(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

# Each reader of bytes under libFuzzer and sanitizers for SECONDS; skipped, and said so, where clang cannot be had.
fuzz: .stamps/python
	-setup/system.sh $(PYTHON) setup/fuzz-packages.txt
	tests/fuzz/run.sh $(or $(SECONDS),60)

# The layers without torch under sanitizers: addresses, leaks, undefined behaviour, races. Ten minutes.
sanitize: .stamps/python
	tests/sanitize/run.sh

lint: .stamps/installed .stamps/lint-tools
	clang-format --dry-run -Werror $(shell git ls-files 'csrc/*.h' 'csrc/*.cpp' 'csrc/*.inl' 'tests/*.h' 'tests/*.cpp' 'examples/*.cpp')
	ruff check . && ruff format --check .
	mypy

format: .stamps/lint-tools
	clang-format -i $(shell git ls-files 'csrc/*.h' 'csrc/*.cpp' 'csrc/*.inl' 'tests/*.h' 'tests/*.cpp' 'examples/*.cpp')
	ruff check --fix . && ruff format .

setup: .stamps/installed

# Packages to hand out, in dist/: the source, and a wheel that carries its libraries (torch excepted).
sdist: .stamps/python
	$(BIN)/python -c 'import setuptools.build_meta as build; print("dist/" + build.build_sdist("dist"))'

wheel: .stamps/python
	setup/wheel.sh

.stamps/system: setup/packages.txt setup/system.sh
	@mkdir -p $(@D)
	setup/system.sh $(PYTHON)
	@touch $@

.stamps/python: .stamps/system setup/python.sh
	setup/python.sh $(PYTHON) '$(TORCH)'
	@touch $@

# The compiler first, in sight: pip would show nothing for minutes.
.stamps/installed: .stamps/python $(SOURCES)
	NINJA_STATUS='[%f of %t files, %e s] ' $(BIN)/python setup.py --quiet build_ext
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps .
	@touch $@

.stamps/tests-built: .stamps/installed $(TESTS)
	cmake -S . -B $(BUILD) -DDEEPBIO_BUILD_TESTS=ON > /dev/null
	cmake --build $(BUILD) -j $${MAX_JOBS:-$$(nproc)}
	@touch $@

.stamps/test-tools: .stamps/python pyproject.toml
	setup/extras.sh test
	@touch $@

.stamps/lint-tools: .stamps/python pyproject.toml
	setup/extras.sh lint
	@touch $@

.stamps/docs-tools: .stamps/python pyproject.toml
	setup/extras.sh docs
	@touch $@

.stamps/report-tools: .stamps/python pyproject.toml
	setup/extras.sh report
	@touch $@

clean:
	rm -rf build dist .stamps .venv demo
