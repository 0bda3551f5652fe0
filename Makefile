# Everything runs in the environment whose python is first on the PATH; `make dev` fills it.
.PHONY: dev check format gallery bench

dev:
	python -m pip install -q -e '.[dev]'

check:
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	python -m pytest -q -n auto

format:
	ruff format .
	ruff check --fix .

gallery:  # output/, committed: tests say when it is stale
	python -m symderive derive examples/*.toml

bench:
	python benchmarks/bench_startup.py
	python benchmarks/bench_scale.py
	python benchmarks/bench_function.py
