"""README.md: its commands work, its tables and links are true. Its Python runs as a doctest."""

import re
import shlex
from pathlib import Path

import pytest

from symderive import cli
from symderive.readers.toml import KEYS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


COMMANDS = [line[2:] for block in blocks("console") for line in block.splitlines()]


def test_there_are_two_commands_of_one_line_each():
    assert [len(block.splitlines()) for block in blocks("sh")] == [1, 1]
    install, test = blocks("sh")
    assert "symderive derive examples/logistic_neuron.toml" in install
    assert "pytest" in test


@pytest.mark.parametrize("command", COMMANDS)
def test_each_console_command_works(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    example = (ROOT / "examples" / "logistic_neuron.toml").read_text(encoding="utf-8")
    Path("model.toml").write_text(example, encoding="utf-8")
    program, *words = shlex.split(command, comments=True)
    assert program == "symderive"
    assert cli.main(words) == 0
    out, err = capsys.readouterr()
    assert out
    assert not err


@pytest.mark.parametrize(
    "path", [name for name in re.findall(r"`([\w./]+)`", README) if "/" in name]
)
def test_each_path_that_it_names_exists(path):
    produced = path.startswith("output/")
    assert produced or any((base / path).exists() for base in (ROOT, ROOT / "symderive"))


def test_the_map_names_every_module_and_package():
    for path in (ROOT / "symderive").iterdir():
        name = f"{path.name}/" if path.is_dir() else path.name
        known = name in README or name.startswith(("_", "py.typed"))
        assert known or name == "errors.py", name


def test_the_table_of_keys_is_complete():
    table = README[README.index("## A model") : README.index("## The map")]
    for key in KEYS:
        assert f"`[{key}]`" in table or f"`{key}`" in table, key
