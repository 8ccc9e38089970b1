"""Run the tests on every supported Python and Django that is installed here: ``uv run nox``.

Nothing is downloaded but packages: an interpreter that is not installed is left out, by name.
"""

import os
import shutil
import sys
from pathlib import Path

import nox

SUPPORTED = {
    "3.11": ("5.2",),
    "3.12": ("5.2", "6.0", "6.1"),
    "3.13": ("5.2", "6.0", "6.1"),
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
    for version, djangos in SUPPORTED.items():
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
    groups = [f"--group={name}" for name in ("example", "test")]
    session.install("--editable", ".", *groups, f"django~={django}.0")
    session.run("pytest", *session.posargs)
