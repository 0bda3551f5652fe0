"""The gallery in output/ is what the examples give today; ``make gallery`` renders it again."""

from pathlib import Path

import pytest

from symderive.cli import main

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
STALE = "output/ is stale: run 'make gallery' and commit it"


def files(folder):
    return {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_each_rendering_is_up_to_date(example, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)  # a document may name its model file, as make gallery does
    name = str(example.relative_to(ROOT))
    assert main(["derive", name, "--quiet", "--output", str(tmp_path)]) == 0
    new, old = files(tmp_path / example.stem), files(ROOT / "output" / example.stem)
    assert set(new) == set(old), STALE
    changed = [name for name in new if new[name].read_bytes() != old[name].read_bytes()]
    assert changed == [], STALE


def test_no_rendering_has_lost_its_example():
    rendered = {path.name for path in (ROOT / "output").iterdir() if path.is_dir()}
    assert rendered == {path.stem for path in EXAMPLES}, STALE
