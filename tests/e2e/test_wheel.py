"""The README, followed to the letter with the built wheel in a new project."""

import os
import re
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from example_project.demo.browser import Browser, Page
from example_project.demo.story import ORGKEY, SANDBOX_PASSWORD, SANDBOX_USER
from tests.documents import ROOT, lines_for
from tests.free_port import free_ports

README = (ROOT / "README.md").read_text()
SECTION = README.partition("## Add it to your site")[2].partition("\n## ")[0]
ADMIN, PASSWORD = "root", "a-password-of-the-test"
START_SECONDS = 20


def code_blocks(language: str) -> list[str]:
    """Return the README's blocks of a language, of the part about one's own site."""
    return re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)


class NewProject:
    """A project fresh from ``django-admin startproject``, in a virtual environment of its own."""

    def __init__(self, folder: Path, sandbox_port: int) -> None:
        self.folder = folder / "mysite"
        self.sandbox_port = sandbox_port
        scripts = folder / "venv" / "bin"
        unwanted = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "PYTHONPATH", "VIRTUAL_ENV")
        self.env = {name: value for name, value in os.environ.items() if name not in unwanted}
        self.env["PATH"] = f"{scripts}{os.pathsep}{self.env['PATH']}"

    def append(self, file: str) -> None:
        """Add the README's lines to the end of a file, with the sandbox's port of this run."""
        with (self.folder / "mysite" / file).open("a") as target:
            target.write(
                "\n" + lines_for(file, "README.md").replace("8801", str(self.sandbox_port))
            )

    def run(self, script: str) -> str:
        """Run lines of shell as a reader would, and keep what they export."""
        marker = "== environment"
        finished = subprocess.run(
            ["bash", "-euc", f"{script}\necho '{marker}'\nenv -0 | tr '\\0' '\\n'"],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
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
                process.wait(10)


@pytest.fixture
def project(tmp_path: Path) -> NewProject:
    """Build the wheel, install it where nothing else is, and start a project."""
    dist, venv = tmp_path / "dist", tmp_path / "venv"
    for command in (
        ["uv", "build", "--quiet", "--wheel", "--out-dir", str(dist), str(ROOT)],
        ["uv", "venv", "--quiet", "--no-project", str(venv)],
    ):
        subprocess.run(command, check=True, timeout=60, cwd=tmp_path)
    (wheel,) = dist.glob("*.whl")
    python = str(venv / "bin" / "python")
    subprocess.run(
        ["uv", "pip", "install", "--quiet", "--python", python, str(wheel)], check=True, timeout=90
    )
    subprocess.run(
        [str(venv / "bin" / "django-admin"), "startproject", "mysite"],
        check=True,
        cwd=tmp_path,
        timeout=30,
    )
    return NewProject(tmp_path, free_ports(1)[0])


def test_a_new_project_that_follows_the_readme_gets_connected(project: NewProject) -> None:
    """The wheel and the README are enough to connect a user of a brand-new Django project."""
    install, key, migrate, sandbox = code_blocks("sh")
    assert install.strip() == "pip install django-actionstep-connect"
    project.append("settings.py")
    project.append("urls.py")
    project.run(key)
    project.run(migrate)
    project.run("python manage.py check --fail-level WARNING")
    project.run(
        f"DJANGO_SUPERUSER_PASSWORD={PASSWORD} python manage.py createsuperuser "
        f"--noinput --username {ADMIN} --email root@example.com"
    )
    site = f"http://127.0.0.1:{free_ports(1)[0]}"
    actionstep = f"http://127.0.0.1:{project.sandbox_port}"
    with (
        project.running(sandbox.strip().replace("8801", str(project.sandbox_port)), actionstep),
        project.running(
            f"python manage.py runserver --noreload {site.removeprefix('http://')}",
            f"{site}/admin/login/",
        ),
        Browser() as browser,
    ):
        connections = _connect(browser, site)
        assert ORGKEY in connections.text
        project.run("python manage.py actionstep_maintain")


def _connect(browser: Browser, site: str) -> Page:
    page = browser.get(f"{site}/admin/login/?next=/actionstep/")
    page = browser.submit(
        page, page.form("username", "password"), {"username": ADMIN, "password": PASSWORD}
    )
    while page.url.startswith(site):
        page = browser.submit(page, page.form(action="/connect/"))
    who = {"username": SANDBOX_USER, "password": SANDBOX_PASSWORD}
    page = browser.submit(page, page.form("username"), who)
    page = browser.submit(page, page.form("orgkey"), {"orgkey": ORGKEY})
    return browser.submit(page, page.form("decision"), {"decision": "allow"})


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=2, trust_env=False).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False
