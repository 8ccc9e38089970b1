"""``docs/client.md`` and the README's first example: their code is run, and what they say is so."""

import asyncio
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncRequestFactory, RequestFactory
from pytest_django import Settings

from actionstep_connect import exceptions
from actionstep_connect.api import ActionstepClient
from actionstep_connect.client import retries
from actionstep_connect.exceptions import ActionstepConnectError, ApiError
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.api_calls import Clock
from tests.support.documents import ROOT, lines_for
from tests.support.new_project import run_its_tests, start_project

PAGE, TUTORIAL = "docs/client.md", "docs/tutorial.md"
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
        assert (
            actionstep.get(f"timerecords/{row['id']}").json()["timerecords"]["actualHours"] == 2.5
        )
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
        expected = sum(row["actualHours"] for row in actionstep.iterate("timerecords"))
    assert asyncio.run(code_of("background.py").total(connected_user)) == pytest.approx(expected)


def test_errors(connected_user: User, actionstep_sandbox: Sandbox, clock: Clock) -> None:
    """The task tries again when that may help, and says so when it cannot."""
    connection = Connection.objects.get_for_user(connected_user)
    row = {
        "startTimestamp": "2026-11-24T09:00:00+10:00",
        "actualHours": 1,
        "notes": "A call",
        "links": {"action": "7"},
    }
    waits: list[float] = []
    push = code_of("errors.py").push
    push(connection, row, again=waits.append)
    assert waits == []
    actionstep_sandbox.fail("api", 429, retry_after="300")
    push(connection, row, again=waits.append)
    clock.now += 300
    actionstep_sandbox.fail("api", 503)
    push(connection, row, again=waits.append)
    assert waits == [300, 60]
    with pytest.raises(ApiError):
        push(connection, {"actualHours": "much"}, again=waits.append)


def test_views(connected_user: User, actionstep_sandbox: Sandbox, settings: Settings) -> None:
    """The view shows its user's rows; the one that needs a scope more asks for it and for SCOPES."""
    views = code_of("views.py")
    request = RequestFactory().get("/time/")
    request.user = connected_user
    assert b'"rows": [{' in views.my_time(request).content

    async def auser() -> User:
        return connected_user

    asking = AsyncRequestFactory().get("/notes/")
    asking.auser = auser
    location = asyncio.run(views.my_notes(asking)).headers["Location"]
    asked = "%20".join([*settings.ACTIONSTEP_CONNECT["SCOPES"], "filenotes"])
    assert location == f"/actionstep/connect/?scopes={asked}&next=/notes/&orgkey=acmelaw"


def test_the_table_has_every_error() -> None:
    """Each error that a call may raise has its line, and no other."""
    ours = {
        name
        for name, value in vars(exceptions).items()
        if isinstance(value, type) and issubclass(value, ActionstepConnectError)
    } - {"ActionstepConnectError", "AuthorizationFailed", "NotReminded"}
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == ours


def test_the_figures_are_those_of_the_code() -> None:
    """Attempts, waits and max_wait are as the page says."""
    assert f"at most {retries.ATTEMPTS} times in all" in TEXT
    assert f"from half a second to {retries.MAX_PAUSE:g} seconds" in TEXT
    assert retries.FIRST_WAIT == 0.5
    assert f"Patience ends after {retries.MAX_WAIT:g} seconds" in TEXT
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
    client.force_login(django_user_model.objects.create(username="someone"))
    connect = client.get("/my-time/").headers["Location"]
    assert client.get(connect).status_code == 200
    query = urlsplit(connect).query
    to_actionstep = client.post(f"/actionstep/connect/?{query}").headers["Location"]
    back = client.get(actionstep_sandbox.authorize(to_actionstep)).headers["Location"]
    assert back == "/my-time/"
    assert len(json.loads(client.get(back).content)["rows"]) == 480
"""


def test_from_nothing_to_your_data(tmp_path: Path) -> None:
    """The README's quick look is ten lines of code, and what the tutorial builds a new project with."""
    example = lines_for("my_time.py", "README.md")
    assert example == lines_for("my_time.py", TUTORIAL)
    assert len([line for line in example.splitlines() if line]) <= 10
    site = start_project(tmp_path)
    (tmp_path / "my_time.py").write_text(example)
    for file in ("settings.py", "urls.py"):
        with (site / file).open("a") as target:
            target.write("\n" + lines_for(file, TUTORIAL))
    (tmp_path / "test_it.py").write_text(PROOF)
    run_its_tests(tmp_path)
