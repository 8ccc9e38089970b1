"""Run the tests on every supported Python and Django that is installed here: ``uv run nox``.

The classifiers in ``pyproject.toml`` are the one place that names what is supported.

Nothing is downloaded but packages: an interpreter that is not installed is left out, by name.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import nox
from packaging.version import Version

PROJECT = nox.project.load_toml(Path(__file__).with_name("pyproject.toml"))
DJANGO = "Framework :: Django :: "
#: The first Python of a Django that leaves older ones out.
FIRST_PYTHON = {"6.0": "3.12", "6.1": "3.12"}


def supported() -> dict[str, tuple[str, ...]]:
    """Return the Djangos that each Python is tested with; the classifiers name both."""
    classifiers = PROJECT["project"]["classifiers"]
    djangos = [name.removeprefix(DJANGO) for name in classifiers if name.startswith(DJANGO)]
    return {
        python: tuple(
            django
            for django in djangos
            if Version(python) >= Version(FIRST_PYTHON.get(django, python))
        )
        for python in nox.project.python_versions(PROJECT)
    }


nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = True


def interpreter(version: str) -> str | None:
    """Return the path of a Python: one of pyenv's, also when it is not on the PATH, or the PATH's.

    pyenv's shims do not count: they exist for versions that they then refuse to start.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for python in sorted((pyenv / "versions").glob(f"{version}.*/bin/python{version}")):
        return str(python)
    folders = os.environ.get("PATH", "").split(os.pathsep)
    real = [folder for folder in folders if Path(folder) != pyenv / "shims"]
    return shutil.which(f"python{version}", path=os.pathsep.join(real))


def cells() -> list[nox.param]:
    """Return each supported pair of Python and Django whose Python is installed."""
    found: list[nox.param] = []
    for version, djangos in supported().items():
        python = interpreter(version)
        if python is None:
            sys.stderr.write(f"nox: Python {version} is not installed here, so it is left out.\n")
            continue
        found += [nox.param(python, django, id=f"{version}-{django}") for django in djangos]
    return found


@nox.session(download_python="never")
@nox.parametrize("python,django", cells())
def tests(session: nox.Session, django: str) -> None:
    """Run the tests with one Python and one Django."""
    groups = [f"--group={name}" for name in ("docs", "example", "lint", "test")]
    session.install("--editable", ".", *groups, f"django~={django}.0")
    session.run("pytest", *session.posargs)


def changelog_section(version: str) -> str:
    """Return what the changelog says of a version. Raises ValueError if it says nothing."""
    text = Path(__file__).with_name("CHANGELOG.md").read_text()
    found = re.search(
        rf"^## {re.escape(version)} \(.+?\)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE
    )
    if found is None or not found[1].strip():
        raise ValueError(f"CHANGELOG.md has no section {version}.")
    return found[1].strip()


@nox.session(venv_backend="none", default=False)
def release(session: nox.Session) -> None:
    """Rehearse a release: build, check, install in empty environments, follow the tutorial in a browser."""
    dist = Path("dist")
    shutil.rmtree(dist, ignore_errors=True)
    session.run("uv", "build", "--quiet", "--out-dir", str(dist), external=True)
    files = [str(file) for file in sorted(dist.glob("django_*"))]
    session.run("uvx", "twine", "check", "--strict", *files, external=True)
    (wheel,) = dist.glob("*.whl")
    for resolution in ("lowest-direct", "highest"):
        pytest = ["uv", "run", "--no-sync", "pytest", "tests/e2e/test_wheel.py"]
        env = {"UV_RESOLUTION": resolution, "WHEEL": str(wheel)}
        session.run(*pytest, env=env, external=True)
    session.log(
        "The section of the changelog:\n%s", changelog_section(PROJECT["project"]["version"])
    )
