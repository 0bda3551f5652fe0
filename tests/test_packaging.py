"""The wheel, installed in an environment of its own, away from the repository."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*words, cwd):
    """Standard output of a command that must succeed, free of this process's Python settings."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [*map(str, words)], cwd=cwd, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = ["wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, ROOT]
    run(*pip, *build, cwd=folder)
    (built,) = folder.glob("symderive-*.whl")
    return built


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory):
    """A new environment that holds the wheel, and of this one only the dependencies."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "--without-pip", "env", cwd=folder)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    python = folder / "env" / "bin" / "python"
    run(*pip, "--python", python, "install", "-q", "--no-deps", wheel, cwd=folder)
    (packages,) = (folder / "env" / "lib").glob("python*/site-packages")
    # Behind its own packages, so that a symderive installed here cannot be the one that answers.
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder


def test_the_wheel_holds_the_package_and_every_template(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    templates = {
        f"symderive/_templates/{path.relative_to(ROOT / 'templates')}"
        for path in (ROOT / "templates").rglob("*")
        if path.is_file()
    }
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "symderive").rglob("*.py")}
    assert templates
    assert names >= templates | modules | {"symderive/py.typed"}
    assert not [name for name in names if name.startswith(("tests", "output", "examples"))]


def test_the_installed_package_answers_from_its_own_folder(clean):
    code = "import symderive; print(symderive.__file__, symderive.__version__)"
    file, version = run(clean / "env/bin/python", "-c", code, cwd=clean).split()
    assert Path(file).is_relative_to(clean / "env")
    assert version == run("env/bin/symderive", "--version", cwd=clean).split()[1]


def test_the_installed_command_writes_every_format(clean):
    example = ROOT / "examples" / "logistic_neuron.toml"
    listed = run("env/bin/symderive", "derive", example, cwd=clean).split()
    assert [Path(name).suffix for name in listed] == [".md", ".tex", ".pdf", ".html"]
    for name in listed:
        assert (clean / name).stat().st_size > 1000


def test_there_is_one_version():
    import tomllib
    from importlib.metadata import version

    with (ROOT / "pyproject.toml").open("rb") as file:
        stated = tomllib.load(file)["project"]["version"]
    assert version("symderive") == stated
    assert f"## {stated}" in (ROOT / "CHANGELOG.md").read_text()
