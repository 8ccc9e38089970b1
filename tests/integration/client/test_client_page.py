"""``docs/client.md`` and the README's first example: their code is run, and what they say is so."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncRequestFactory, RequestFactory

from actionstep_connect import exceptions
from actionstep_connect.api import ActionstepClient
from actionstep_connect.client import retries
from actionstep_connect.exceptions import ActionstepConnectError, ApiError
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.documents import ROOT, lines_for
from tests.integration.client.conftest import Clock

PAGE = "docs/client.md"
TEXT = (ROOT / PAGE).read_text()

pytestmark = pytest.mark.django_db(transaction=True)


def code_of(file: str) -> Any:
    """Return a module with the page's code."""
    module = ModuleType(file.removesuffix(".py"))
    exec(compile(lines_for(file, PAGE), file, "exec"), vars(module))
    return module


def test_reading_and_writing(connected_user: User, actionstep_sandbox: Sandbox) -> None:
    """What the page reads and writes is what Actionstep has."""
    before = code_of("reading.py").report(connected_user)
    writing = code_of("writing.py")
    with ActionstepClient(Connection.objects.get_for_user(connected_user)) as actionstep:
        row = writing.record(actionstep, "7", 1.5)
        after = code_of("reading.py").report(connected_user)
        writing.correct(actionstep, row["id"], 2.5)
        assert actionstep.get(f"timerecords/{row['id']}").json()["timerecords"]["quantity"] == 2.5
        writing.remove(actionstep, row["id"])
        with pytest.raises(ApiError):
            actionstep.get(f"timerecords/{row['id']}")
    assert _hours(after) == _hours(before) + 1.5
    assert code_of("reading.py").report(connected_user) == before


def _hours(report: str) -> float:
    found = re.search(r": ([\d.]+) h", report)
    assert found, report
    return float(found[1])


def test_async_code(connected_user: User, actionstep_sandbox: Sandbox) -> None:
    """The async example adds up the same rows."""
    with ActionstepClient(Connection.objects.get_for_user(connected_user)) as actionstep:
        expected = sum(row["quantity"] for row in actionstep.iterate("timerecords"))
    assert asyncio.run(code_of("background.py").total(connected_user)) == pytest.approx(expected)


def test_errors(connected_user: User, actionstep_sandbox: Sandbox, clock: Clock) -> None:
    """The task tries again when that may help, and says so when it cannot."""
    connection = Connection.objects.get_for_user(connected_user)
    row = {
        "entryDate": "2026-11-24",
        "quantity": 1,
        "description": "A call",
        "links": {"action": "7"},
    }
    waits: list[float] = []
    push = code_of("errors.py").push
    push(connection, row, again=waits.append)
    assert waits == []
    actionstep_sandbox.fail("api", 429, retry_after="300")
    push(connection, row, again=waits.append)
    actionstep_sandbox.fail("api", 503)
    push(connection, row, again=waits.append)
    assert waits == [300, 60]
    with pytest.raises(ApiError):
        push(connection, {"quantity": "much"}, again=waits.append)


def test_views(connected_user: User, actionstep_sandbox: Sandbox) -> None:
    """The view shows its user's rows; the one that needs a scope more leads to connect."""
    views = code_of("views.py")
    request = RequestFactory().get("/time/")
    request.user = connected_user
    assert b'"rows": [{' in views.my_time(request).content

    async def auser() -> User:
        return connected_user

    asking = AsyncRequestFactory().get("/notes/")
    asking.auser = auser
    location = asyncio.run(views.my_notes(asking)).headers["Location"]
    assert location == "/actionstep/connect/?scopes=filenotes&next=/notes/&orgkey=acmelaw"


def test_the_table_has_every_error() -> None:
    """Each error that a call may raise has its line, and no other."""
    ours = {
        name
        for name, value in vars(exceptions).items()
        if isinstance(value, type) and issubclass(value, ActionstepConnectError)
    } - {"ActionstepConnectError", "AuthorizationFailed", "NotReminded"}
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == ours


def test_the_figures_are_those_of_the_code() -> None:
    """Attempts, waits and patience are as the page says."""
    assert f"at most {retries.ATTEMPTS} times in all" in TEXT
    assert f"from half a second to {retries.LONGEST_WAIT:g} seconds" in TEXT
    assert retries.FIRST_WAIT == 0.5
    assert f"Patience ends after {retries.PATIENCE:g} seconds" in TEXT
    assert "Only GET, HEAD, OPTIONS, PUT and DELETE" in TEXT
    assert {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"} == retries.IDEMPOTENT


PROOF = """
import json
from urllib.parse import urlsplit

import pytest
from django.test import Client

pytest_plugins = ["actionstep_connect.testing"]


@pytest.mark.django_db
def test_from_nothing_to_ones_data(django_user_model, actionstep_sandbox, settings):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]  # As DEBUG allows, outside tests.
    client = Client(headers={"Host": "127.0.0.1:8000"})
    client.force_login(django_user_model.objects.create(username="somebody"))
    connect = client.get("/my-time/").headers["Location"]
    assert client.get(connect).status_code == 200
    query = urlsplit(connect).query
    to_actionstep = client.post(f"/actionstep/connect/?{query}").headers["Location"]
    back = client.get(actionstep_sandbox.authorize(to_actionstep)).headers["Location"]
    assert back == "/my-time/"
    assert len(json.loads(client.get(back).content)["rows"]) == 480
"""


def test_from_nothing_to_your_data(tmp_path: Path) -> None:
    """The README's first example is fifteen lines, and all that a new project needs beside settings."""
    example = lines_for("my_time.py", "README.md")
    assert len(example.splitlines()) <= 15
    django = [sys.executable, "-m", "django"]
    subprocess.run([*django, "startproject", "mysite", str(tmp_path)], check=True, timeout=60)
    (tmp_path / "my_time.py").write_text(example)
    settings = lines_for("settings.py", "README.md")
    with (tmp_path / "mysite" / "settings.py").open("a") as target:
        target.write(f'\n{settings}\nROOT_URLCONF = "my_time"\n')
    (tmp_path / "test_it.py").write_text(PROOF)
    (tmp_path / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = mysite.settings\n")
    ours = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "ACTIONSTEP_", "PYTEST_")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith(ours)},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
