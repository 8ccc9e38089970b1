"""What is in the log: a connection from refresh to reconnecting, and no person's name."""

import asyncio
import logging
import time
from collections.abc import Callable, Generator
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx2
import pytest
from celery import Celery
from django.core import mail
from pytest_django import Settings

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient, disconnect
from actionstep_connect.client import retries
from actionstep_connect.exceptions import ApiError
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.logs import fingerprint
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.connections import (
    expired,
    make_connection,
    make_due,
    make_user,
    sandbox_connections,
)
from tests.support.documents import lines_for
from tests.support.hostile_server import Answer, HostileServer
from tests.support.person import Person
from tests.support.sandbox import fault
from tests.support.worker_process import celery_settings, running_worker

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_connection_is_followed_by_its_fingerprint(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Each refresh and each change is one record of its connection, with what came of it."""
    caplog.set_level(logging.INFO)
    followed, other = sandbox_connections(sandbox, 2, **expired())
    maintain()
    for _ in range(3):
        make_due(Connection.objects.filter(pk=followed.pk))
        fault(sandbox, "status_503")
        maintain()
    make_due(Connection.objects.filter(pk=followed.pk))
    fault(sandbox, "oauth_error", error="invalid_grant")
    maintain()
    disconnect(followed)
    fields = [vars(record) for record in caplog.records if "fingerprint" in vars(record)]
    mine = [each for each in fields if each["fingerprint"] == fingerprint(followed.pk)]
    assert {each["connection_id"] for each in mine} == {str(followed.pk)}
    assert [(each["levelname"], each["event"][19:], each["outcome"]) for each in mine] == [
        ("INFO", "refresh", "refreshed"),
        ("INFO", "refresh", "failed"),
        ("INFO", "refresh", "failed"),
        ("INFO", "refresh", "failed"),
        ("WARNING", "change", "refresh_failing"),
        ("INFO", "refresh", "refused"),
        ("WARNING", "change", "reconnect_required"),
        ("INFO", "change", "disconnected"),
    ]
    theirs = [each for each in fields if each["fingerprint"] == fingerprint(other.pk)]
    assert [each["outcome"] for each in theirs] == ["refreshed"]


NAME = "Zara Canary"


@pytest.fixture
def api(settings: Settings) -> Generator[HostileServer]:
    """Yield an API that answers as told, and settings that trust it."""
    with HostileServer() as server:
        members = {**server.settings(), "API_HOSTS": [server.host]}
        settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **members}
        yield server


def all_of(records: list[logging.LogRecord]) -> str:
    """Return what any formatter could print of them."""
    return "\n".join(f"{record.getMessage()} {vars(record)}" for record in records)


def read_sync(connection: Connection) -> None:
    with ActionstepClient(connection) as actionstep:
        actionstep.get("participants", params={"lastName": NAME})
        list(actionstep.iterate("participants?firstName=Zara Canary", sort="-id"))
        with pytest.raises(ApiError):
            actionstep.post(f"participants?note={NAME}", json={"participants": {"name": NAME}})
        with actionstep.stream("GET", "participants", params={"q": NAME}) as response:
            response.read()


def read_async(connection: Connection) -> None:
    async def read() -> None:
        async with AsyncActionstepClient(connection) as actionstep:
            await actionstep.get("participants", params={"lastName": NAME})
            [row async for row in actionstep.aiterate("participants?firstName=Zara Canary")]
            with pytest.raises(ApiError):
                await actionstep.post("participants", params={"note": NAME})
            async with actionstep.stream("GET", "participants", params={"q": NAME}) as response:
                await response.aread()

    asyncio.run(read())


@pytest.mark.parametrize("read", [read_sync, read_async])
def test_s60_no_record_of_an_api_call_holds_a_query(
    api: HostileServer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    read: Callable[[Connection], None],
) -> None:
    """Of calls, pages, retries and refusals INFO shows method, path and status, and no name anywhere."""
    monkeypatch.setattr(retries, "FIRST_WAIT", 0)
    caplog.set_level(logging.INFO)
    rows = Answer(body={"participants": []})
    trouble = {"errors": {"code": "AS-1", "detail": f"{NAME} is being merged."}}
    passing = Answer(status=503, body=trouble, headers={"Retry-After": "0"})
    api.script([passing, rows, rows, Answer(status=400, body=trouble), rows])
    read(make_connection(make_user(), granted_scopes=["participants"]))
    written = all_of(caplog.records)
    for spelling in (NAME, quote(NAME), quote_plus(NAME), "Zara"):
        assert spelling not in written
    assert f"HTTP Request: GET {api.url}/api/rest/participants " in caplog.text
    assert "stamina.retry_scheduled" in caplog.text
    assert "ApiError(status=503, code='AS-1')" in written


def test_s60_a_sites_own_requests_are_logged_as_before(
    api: HostileServer, caplog: pytest.LogCaptureFixture
) -> None:
    """What httpx2 says of requests that this package does not make is not touched."""
    caplog.set_level(logging.INFO)
    with httpx2.Client(trust_env=False) as client:
        client.get(f"{api.url}/mine", params={"q": "whole"})
    assert f"HTTP Request: GET {api.url}/mine?q=whole " in caplog.text


def test_s60_no_record_names_a_person(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    """From connecting to the e-mail about reconnecting, a user is a primary key and a connection its id."""
    caplog.set_level(logging.INFO)
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "NOTIFY_USERS": True,
        "REDIRECT_URI": "http://127.0.0.1:8000/actionstep/callback/",
    }
    user = make_user(username="canary-user", first_name="Zara", last_name="Canary")
    person = Person(user)
    person.connect()
    connection = Connection.objects.get()
    make_due(Connection.objects.all())
    fault(sandbox, "oauth_error", error="invalid_grant")
    maintain()
    maintain()
    assert [message.to for message in mail.outbox] == [[user.email]]
    disconnect(connection)
    written = all_of(caplog.records).lower()
    for personal in ("zara", "canary", user.email):
        assert personal not in written
    assert str(connection.pk) in written


def test_a_worker_prints_each_record_once(sandbox: Sandbox, tmp_path: Path) -> None:
    """With the documented LOGGING, although a worker puts a handler of its own on the root logger."""
    lines = lines_for("logging.py", "docs/logging.md")
    celery = celery_settings(tmp_path)
    (connection,) = sandbox_connections(sandbox, 1, **expired())
    app = Celery("site", set_as_current=False)
    app.conf.update(celery)
    log = tmp_path / "worker.log"
    with running_worker(tmp_path, celery, lines=lines), app:
        app.send_task("actionstep_connect.tasks.maintain_connections")
        until = time.monotonic() + 60
        while "actionstep_connect.run outcome" not in log.read_text():
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
    printed = log.read_text()
    assert printed.count("actionstep_connect.run outcome") == 1
    assert printed.count(f"actionstep_connect.refresh connection={connection.pk}") == 1
