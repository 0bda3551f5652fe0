"""Shared by all tests: ``pytest --update`` rewrites the files that outputs are compared with."""

import difflib
from pathlib import Path

import pytest
from hypothesis import settings

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser):
    parser.addoption("--update", action="store_true", help="rewrite tests/golden")


@pytest.fixture
def golden(request):
    """Compare text with a file of tests/golden; ``--update`` writes the file instead."""

    def compare(name, text):
        path = GOLDEN / name
        if request.config.getoption("--update"):
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"{path} is missing: run pytest --update, and read it"
        old = path.read_text(encoding="utf-8")
        lines = difflib.unified_diff(old.splitlines(), text.splitlines(), "golden", "now", n=1)
        assert text == old, "\n".join([*lines][:60])

    return compare


# The same examples on every machine: a failure is one that anybody can run again.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")
