"""``docs/hooks.md``, followed to the letter in a new project."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from actionstep_connect.client.changes import STAMPS
from actionstep_connect.hooks.api import Change
from actionstep_connect.hooks.flows.catch_up import is_known
from actionstep_connect.hooks.vocabulary import EVENTS
from tests.support.documents import ROOT, lines_for
from tests.support.new_project import run_its_tests, start_project

PAGE, TUTORIAL = "docs/hooks.md", "docs/tutorial.md"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Start a project, and write what the tutorial and the page say."""
    site = start_project(tmp_path)
    for file in ("settings.py", "urls.py"):
        with (site / file).open("a") as target:
            target.write("\n" + lines_for(file, TUTORIAL) + "\n" + lines_for(file, PAGE))
    (tmp_path / "my_time.py").write_text(lines_for("my_time.py", TUTORIAL))
    (tmp_path / "matters").mkdir()
    (tmp_path / "matters" / "__init__.py").touch()
    for file in ("matters/bearers.py", "matters/actionstep_changes.py", "test_changes.py"):
        (tmp_path / file).write_text(lines_for(file, PAGE))
    for file in ("conftest.py", "pytest.ini"):
        (tmp_path / file).write_text(lines_for(file, "docs/testing.md"))
    return tmp_path


def test_the_page_leads_from_nothing_to_a_handler(project: Path) -> None:
    """A new project with the page's files hears of a change, and its own test passes."""
    assert "1 passed" in run_its_tests(project)


def test_the_handler_has_ten_lines() -> None:
    """What a reader writes in all is as short as the page promises."""
    files = ("urls.py", "matters/actionstep_changes.py", "settings.py")
    lines = "\n".join(lines_for(file, PAGE) for file in files).splitlines()
    assert len([line for line in lines if line.strip()]) <= 10


def test_the_page_names_each_member_and_each_event() -> None:
    """The tables are those of the code, and say rightly what can be caught up."""
    page = (ROOT / PAGE).read_text()
    members = {
        name
        for cell in re.findall(r"^\| (`[a-z_, `]+`) \|", page, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    }
    assert {field.name for field in fields(Change)} <= members
    known: set[str] = set()
    unknown: set[str] = set()
    table = re.compile(r"^\|[^|]*\|([^|]+)\| (caught up|cannot be known) \|$", re.MULTILINE)
    for events, after in table.findall(page):
        (known if after == "caught up" else unknown).update(re.findall(r"`(\w+)`", events))
    assert known == {event for event in EVENTS if is_known(event)}
    assert unknown == EVENTS.keys() - known
    assert {EVENTS[event].resource for event in known} <= STAMPS.keys()
