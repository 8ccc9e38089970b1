"""The supported Pythons and Djangos: pyproject.toml's classifiers name them, the rest follows."""

import re
import tomllib
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

import noxfile

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PYTHON = "Programming Language :: Python :: "
DJANGO = "Framework :: Django :: "
VERSION = re.compile(r"\d+\.\d+")


def classified(prefix: str) -> list[str]:
    """Return the versions that the classifiers with this prefix name, the lowest first."""
    names = PYPROJECT["project"]["classifiers"]
    found = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    return sorted(filter(VERSION.fullmatch, found), key=Version)


def promised() -> dict[str, tuple[str, ...]]:
    """Return the Djangos of each Python that README's compatibility line promises."""
    line = re.search(r"^Python \d.+? with Django .+?\. ", README, re.MULTILINE)
    assert line, "README has no line 'Python … with Django …'"
    pairs = {}
    for part in line[0].split(";"):
        pythons, djangos = part.split(" with Django ")
        for python in VERSION.findall(pythons):
            pairs[python] = tuple(VERSION.findall(djangos))
    return pairs


def test_nox_runs_every_python_and_django_of_the_classifiers() -> None:
    """No supported version is left out of nox, and it runs no other."""
    runs = noxfile.supported()
    assert list(runs) == classified(PYTHON)
    assert sorted({each for djangos in runs.values() for each in djangos}) == classified(DJANGO)


def test_the_readme_promises_what_nox_runs() -> None:
    """README's compatibility line names the same pairs of Python and Django."""
    assert promised() == noxfile.supported()


def test_the_lowest_versions_are_the_ones_required() -> None:
    """What is installed, linted and typed for begins with the lowest supported version."""
    python, django = classified(PYTHON)[0], classified(DJANGO)[0]
    project, tools = PYPROJECT["project"], PYPROJECT["tool"]
    assert project["requires-python"] == f">={python}"
    assert f"django>={django}" in project["dependencies"]
    assert tools["ruff"]["target-version"] == f"py{python.replace('.', '')}"
    assert tools["mypy"]["python_version"] == python
    assert f"Python {python} or newer" in README
    assert all(each in SpecifierSet(project["requires-python"]) for each in classified(PYTHON))
