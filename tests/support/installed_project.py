"""A new project with the built wheel, in a virtual environment that holds nothing else."""

import os
import subprocess
import time
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.support.documents import ROOT, lines_for

START_SECONDS = 60
FOREIGN = ("DJANGO_", "DATABASE_URL", "PYTHONPATH", "VIRTUAL_ENV", "PYTEST_", "ACTIONSTEP_")


def requirements(extra: str = "") -> list[str]:
    """Return what pyproject.toml says that the package, or one of its extras, needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found: list[str] = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return found


class InstalledProject:
    """A project fresh from ``django-admin startproject``, which follows a page step by step."""

    def __init__(self, folder: Path, page: str, *, wheel: Path) -> None:
        self.page, self.wheel = page, wheel
        self.folder = folder / "mysite"
        scripts = folder / "venv" / "bin"
        self.python = scripts / "python"
        self.env = {
            name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)
        }
        self.env["PATH"] = f"{scripts}{os.pathsep}{self.env['PATH']}"
        _run(["uv", "venv", "--quiet", "--no-project", str(folder / "venv")], folder)
        self.install()
        _run([str(scripts / "django-admin"), "startproject", "mysite"], folder)

    def install(self, extra: str = "") -> None:
        """Install the wheel, with an extra.

        uv takes the lowest versions only of what it is asked for by name, and these it is not.
        """
        named = requirements(extra) if os.environ.get("UV_RESOLUTION") == "lowest-direct" else []
        wheel = f"{self.wheel}[{extra}]" if extra else str(self.wheel)
        uv = ["uv", "pip", "install", "--quiet", "--python", str(self.python)]
        _run([*uv, wheel, *named], self.folder.parent)

    def lines(self, file: str, port: int) -> str:
        """Return what the page puts into a file, with the sandbox's port of this run."""
        return lines_for(file, self.page).replace("8801", str(port))

    def run(self, script: str) -> str:
        """Run lines of shell as a reader would, keep what they export, and return what they print."""
        marker = "== environment"
        finished = subprocess.run(
            ["bash", "-euc", f"{script}\necho '{marker}'\nenv -0 | tr '\\0' '\\n'"],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        output, _, environment = finished.stdout.partition(f"{marker}\n")
        for line in environment.splitlines():
            if line.startswith("ACTIONSTEP_"):
                name, _, value = line.partition("=")
                self.env[name] = value
        return output

    @contextmanager
    def running(self, command: str, url: str) -> Generator[None]:
        """Run a server until the block ends."""
        log = self.folder / "server.log"
        with (
            log.open("w") as output,
            subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self.env,
                stdout=output,
                stderr=output,
            ) as process,
        ):
            try:
                deadline = time.monotonic() + START_SECONDS
                while not _answers(url):
                    assert process.poll() is None, log.read_text()
                    assert time.monotonic() < deadline, log.read_text()
                    time.sleep(0.1)
                yield
            finally:
                process.terminate()
                process.wait(20)


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, check=True, timeout=120, cwd=folder)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=5, trust_env=False).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False
