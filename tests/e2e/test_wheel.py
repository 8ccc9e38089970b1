"""The tutorial, followed to the letter with the built wheel in a new project and a real browser."""

import json
import os
import re
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.browser import at_actionstep, press
from tests.support.documents import ROOT
from tests.support.free_port import free_ports
from tests.support.installed_project import InstalledProject

PAGE = "docs/tutorial.md"
TEXT = (ROOT / PAGE).read_text()
ADMIN, PASSWORD = "root", "a-password-of-the-test"

#: It installs packages and starts servers, so a slow machine gets its time.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def code_blocks(language: str) -> list[str]:
    """Return the page's blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """Return the wheel that a rehearsal has built, and names in ``WHEEL``; else build one."""
    if found := os.environ.get("WHEEL"):
        return Path(found).resolve()
    build = ["uv", "build", "--quiet", "--wheel", "--out-dir", str(tmp_path / "dist"), str(ROOT)]
    subprocess.run(build, check=True, timeout=120, cwd=tmp_path)
    return next((tmp_path / "dist").glob("*.whl"))


class Reader:
    """A person who does what the page says, at a site and a sandbox with ports of their own."""

    def __init__(self, project: InstalledProject, page: Page) -> None:
        self.project, self.page = project, page
        site, self.port = free_ports(2)
        self.site, self.actionstep = f"http://127.0.0.1:{site}", f"http://127.0.0.1:{self.port}"

    def append(self, file: str) -> None:
        """Add the page's lines to the end of a file."""
        with (self.project.folder / file).open("a") as target:
            target.write("\n" + self.project.lines(Path(file).name, self.port))

    def replace(self, file: str, old: str, new: str) -> None:
        """Put the page's lines `new` in the place of what begins with its `old`."""
        path = self.project.folder / file
        text, lines = path.read_text(), self.project.lines(new, self.port)
        before, found, _ = text.partition(old)
        assert found, f"{file} has no {old}"
        end = text.find("\n", len(before)) if old.startswith(" ") else len(text)
        path.write_text(before + lines.rstrip("\n") + text[end:])

    def serve(self, command: str) -> AbstractContextManager[None]:
        """Start the site."""
        host = self.site.removeprefix("http://")
        return self.project.running(
            f"{command.strip()} --noreload {host}", f"{self.site}/admin/login/"
        )

    def connect(self) -> dict[str, Any]:
        """Go from the page that asks, through Actionstep's, to the data."""
        press(self.page, "Continue to Actionstep")
        at_actionstep(self.page)
        self.page.wait_for_url(f"{self.site}/my-time/")
        answer: dict[str, Any] = json.loads(self.page.locator("pre").inner_text())
        return answer


@pytest.mark.long
def test_a_new_project_that_follows_the_tutorial_gets_its_data(
    tmp_path: Path, wheel: Path, page: Page
) -> None:
    """The wheel and the tutorial are enough for a user's data, one scope more, and a first test."""
    install, key, tables, sandbox, server, maintain, testing, pytest_line = code_blocks("sh")
    assert "\npip install django-actionstep-connect\n" in install
    assert "django-admin startproject mysite" in install
    reader = Reader(InstalledProject(tmp_path, PAGE, wheel=wheel), page)
    project = reader.project
    for file in ("mysite/settings.py", "mysite/urls.py", "my_time.py"):
        reader.append(file)
    project.run(key)
    _make_tables(project, tables)
    with project.running(sandbox.strip().replace("8801", str(reader.port)), reader.actionstep):
        with reader.serve(server):
            _see_it_work(reader)
            project.run(maintain)
        _add_a_scope(reader)
        with reader.serve(server):
            page.goto(f"{reader.site}/my-time/")
            assert page.get_by_text("new", exact=True).count() == 1
            assert reader.connect()["bills"]
    assert testing.strip() == 'pip install "django-actionstep-connect[testing]"'
    project.install("testing")
    for file in ("conftest.py", "test_my_time.py"):
        reader.append(file)
    assert "1 passed" in project.run(pytest_line)


def _make_tables(project: InstalledProject, tables: str) -> None:
    """Migrate, and answer what ``createsuperuser`` asks."""
    migrate, superuser = tables.splitlines()
    project.run(migrate)
    project.run("python manage.py check --fail-level WARNING")
    answers = f"--noinput --username {ADMIN} --email root@example.com"
    project.run(f"DJANGO_SUPERUSER_PASSWORD={PASSWORD} {superuser} {answers}")


def _see_it_work(reader: Reader) -> None:
    page = reader.page
    page.goto(f"{reader.site}/admin/")
    page.get_by_label("Username").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Log in")
    page.goto(f"{reader.site}/my-time/")
    assert reader.connect()["rows"]
    page.goto(f"{reader.site}/admin/")
    page.get_by_role("link", name="Actionstep connections").wait_for()


def _add_a_scope(reader: Reader) -> None:
    reader.replace("mysite/settings.py", '    "SCOPES": ', "scopes.py")
    reader.replace("my_time.py", "@actionstep_connection_required", "my_time_and_bills.py")
