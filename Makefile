# Two commands for people: `make demo` and `make test`. Everything else serves them.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
TORCH ?= torch==2.13.0
PORT ?= 8050
BIN := .venv/bin
TEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -q

.PHONY: demo test check app figures notebooks setup clean

demo: setup            ## set up, run the main job on the shipped model, open the app
	$(BIN)/interp study --model mental-math
	$(BIN)/interp run operands --model mental-math --task a+b
	$(BIN)/interp run grokking --model modadd-59
	$(BIN)/interp app --port $(PORT)

test: setup            ## every test, browser included where there is one
	$(TEST)

check: setup           ## what a change must pass before it is committed: under two minutes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(TEST) -m "not slow and not browser"

app: setup             ## open the app on the present store
	$(BIN)/interp app --port $(PORT)

figures: setup         ## every figure, table and verdict of the experiments, and the page that shows them
	$(BIN)/interp figures --out figures

notebooks: setup       ## run the notebooks' scripts again and keep what they show
	$(BIN)/python -m experiments.notebooks experiments/tour/story.py experiments/own_model/story.py
	$(BIN)/python -m experiments.notebooks experiments/af1/story.py
	$(BIN)/python -m experiments.notebooks experiments/circuits/story.py
	$(BIN)/python -m experiments.notebooks experiments/fourier/story.py
	$(BIN)/python -m experiments.notebooks experiments/multiplication/story.py

setup: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt $(TORCH)
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:                 ## remove the environment and caches; results in store/ stay
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis build *.egg-info
