"""S26: a refresh inside another user's transaction stays out of it, and never waits forever."""

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Generator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import DjangoAssertNumQueries, Settings

from actionstep_connect.api import aget_access_token, get_access_token, refresh
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.models import Connection, ConnectionEvent, EventKind
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_connection, make_user, sandbox_connection
from tests.support.gate import Gate, close_gate, meanwhile, wait_until
from tests.support.hostile_server import HostileServer
from tests.support.sandbox import requests

pytestmark = pytest.mark.django_db(transaction=True)

only_postgresql = pytest.mark.postgresql
only_sqlite = pytest.mark.sqlite


class OnPurposeError(Exception):
    """Another user's code fails."""


def refresh_and_fail(request: HttpRequest) -> HttpResponse:
    get_access_token(Connection.objects.get())
    raise OnPurposeError


def use_and_fail(request: HttpRequest) -> HttpResponse:
    connection = Connection.objects.get()
    connection.user.first_name = "Written by the view"
    connection.user.save()
    get_access_token(connection)
    raise OnPurposeError


urlpatterns = [path("refresh/", refresh_and_fail), path("use/", use_and_fail)]


@pytest.fixture
def browser(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Return a browser before the views above, under ATOMIC_REQUESTS."""
    settings.ROOT_URLCONF = __name__
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
    return Client()


@only_postgresql
def test_s26_a_view_that_refreshes_and_then_fails_keeps_the_token(
    sandbox: Sandbox, browser: Client
) -> None:
    """Under ATOMIC_REQUESTS all that the view wrote is undone, and the new token stays."""
    connection = sandbox_connection(sandbox, **expired())
    with pytest.raises(OnPurposeError):
        browser.get("/refresh/")
    connection.refresh_from_db()
    assert (connection.generation, connection.lease_owner) == (2, "")
    refresh(connection)
    assert connection.generation == 3
    assert requests(sandbox) == 2


def test_s26_nothing_of_ours_is_written_in_a_callers_transaction(
    sandbox: Sandbox, browser: Client
) -> None:
    """The use of a good token is not recorded when the view fails, nor anything else touched."""
    long_ago = datetime.now(UTC) - timedelta(hours=3)
    sandbox_connection(sandbox, last_used_at=long_ago)
    before = Connection.objects.values().get()
    with pytest.raises(OnPurposeError):
        browser.get("/use/")
    assert Connection.objects.values().get() == before


def test_s26_a_use_is_recorded_after_the_callers_transaction(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """Once, when it commits, however often the token was asked for inside."""
    long_ago = datetime.now(UTC) - timedelta(hours=3)
    connection = make_connection(make_user(), last_used_at=long_ago)
    connection.check_user()
    with django_assert_num_queries(3) as queries, transaction.atomic():
        for _ in range(5):
            get_access_token(connection)
        assert connection.last_used_at == long_ago
    begin, commit, use = (query["sql"] for query in queries.captured_queries)
    assert (begin.split()[0], commit) == ("BEGIN", "COMMIT")
    assert "UPDATE" in use
    connection.refresh_from_db()
    assert connection.last_used_at > long_ago


@only_postgresql
def test_s26_a_refresh_shows_nothing_of_the_callers_transaction(sandbox: Sandbox) -> None:
    """What it stores is committed while the caller's transaction is still open."""
    sandbox_connection(sandbox, **expired())
    with transaction.atomic():
        connection = Connection.objects.get()
        get_access_token(connection)
        assert connection.generation == 2
        with meanwhile(lambda: Connection.objects.get().generation) as elsewhere:
            assert elsewhere.get() == 2
        transaction.set_rollback(True)
    assert Connection.objects.get().generation == 2


@only_postgresql
def test_s26_a_transaction_without_a_block_is_one_too(sandbox: Sandbox) -> None:
    """Where someone switched autocommit off, a refresh commits nevertheless."""
    sandbox_connection(sandbox, **expired())
    transaction.set_autocommit(False)
    try:
        connection = Connection.objects.get()
        get_access_token(connection)
        transaction.rollback()
    finally:
        transaction.set_autocommit(True)
    row = Connection.objects.get()
    assert row.generation == connection.generation == 2


@only_postgresql
@pytest.mark.alone
def test_s26_a_caller_that_locked_the_row_does_not_deadlock(sandbox: Sandbox) -> None:
    """TemporarilyUnavailable in a few seconds, nothing sent, and all is well afterwards."""
    sandbox_connection(sandbox, **expired())
    begun = time.monotonic()
    with transaction.atomic():
        connection = Connection.objects.select_for_update().get()
        with pytest.raises(TemporarilyUnavailable) as caught:
            get_access_token(connection)
    assert time.monotonic() - begun < 5
    assert caught.value.retry_after is not None
    assert requests(sandbox) == 0
    get_access_token(connection)
    assert requests(sandbox) == 1


@only_postgresql
def test_s26_a_caller_that_only_points_at_the_row_is_served(sandbox: Sandbox) -> None:
    """A new row of the caller's with a foreign key to the connection does not keep the refresh from it."""
    connection = sandbox_connection(sandbox, **expired())
    with transaction.atomic():
        ConnectionEvent.objects.create(connection=connection, kind=EventKind.FLAGGED)
        connections["default"].check_constraints()  # Else the row is pointed at only at the end.
        get_access_token(connection)
    connection.refresh_from_db()
    assert connection.generation == 2


@only_postgresql
def test_s26_a_lock_taken_while_the_answer_is_under_way_only_delays_its_store(
    endpoint: HostileServer, settings: Settings
) -> None:
    """A transaction that holds the row when the answer comes is waited for; the token is stored."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "HTTP_TIMEOUT": 1}
    make_connection(make_user(), **expired())
    gate = close_gate(endpoint)
    with meanwhile(maintain) as result:
        gate.wait()
        with transaction.atomic():
            held = Connection.objects.select_for_update().get()
            gate.open()
            with pytest.raises(TemporarilyUnavailable):
                get_access_token(held, min_validity=60)
    assert result.get().refreshed == 1
    assert Connection.objects.get().generation == 2


@only_sqlite
def test_s26_sqlite_raises_before_anything_is_sent(sandbox: Sandbox) -> None:
    """In a transaction on SQLite an expired token is not refreshed: its cure is in the message."""
    sandbox_connection(sandbox, **expired())
    before = Connection.objects.values().get()
    with transaction.atomic():
        connection = Connection.objects.get()
        with pytest.raises(TemporarilyUnavailable, match="before the transaction") as caught:
            get_access_token(connection)
        with pytest.raises(TemporarilyUnavailable, match="before the transaction"):
            refresh(connection)
    assert caught.value.retry_after is not None
    assert requests(sandbox) == 0
    assert Connection.objects.values().get() == before


@only_sqlite
def test_s47_sqlite_refuses_maintenance_before_anything_is_sent(sandbox: Sandbox) -> None:
    """Inside a transaction the command and the flow say what to do, and touch nothing."""
    sandbox_connection(sandbox, **expired())
    before = Connection.objects.values().get()
    with transaction.atomic():
        with pytest.raises(CommandError, match="Maintenance cannot run inside a transaction"):
            call_command("actionstep_maintain")
        with pytest.raises(TemporarilyUnavailable, match="Do it before the transaction begins"):
            maintain()
    assert requests(sandbox) == 0
    assert Connection.objects.values().get() == before
    call_command("actionstep_maintain")
    assert requests(sandbox) == 1


@only_sqlite
def test_s26_sqlite_serves_the_present_token_while_it_lives(sandbox: Sandbox) -> None:
    """Less than was asked for, but alive: better than none."""
    now = datetime.now(UTC)
    connection = sandbox_connection(
        sandbox,
        connected_at=now - timedelta(minutes=59),
        access_token_expires_at=now + timedelta(seconds=30),
    )
    with transaction.atomic():
        token = get_access_token(connection, min_validity=60)
    assert token == connection.open_access_token().reveal()
    assert requests(sandbox) == 0


@pytest.fixture
def plain_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Keep SQLite's journal as it is where no one chose one: readers keep others from committing.

    In a copy of the database, because the journal cannot be changed while another thread has it open.
    """
    connection, file = connections["default"], str(tmp_path / "plain.sqlite3")
    connection.ensure_connection()
    with closing(sqlite3.connect(file)) as copy:
        connection.connection.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
    monkeypatch.setitem(connection.settings_dict, "NAME", file)
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"timeout": 0.5})
    connection.close()
    yield
    connection.close()


@only_sqlite
@pytest.mark.timeout(30)
def test_s26_a_caller_in_the_midst_of_reading_does_not_deadlock(
    sandbox: Sandbox, plain_journal: None
) -> None:
    """An unfinished read of the caller's, as of an iterator, holds up no store."""
    connection = sandbox_connection(sandbox, **expired())
    User.objects.bulk_create(User(username=f"colleague-{number}") for number in range(300))
    users = (user for user in User.objects.iterator(chunk_size=10))  # Which can be closed.
    next(users)
    try:
        token = get_access_token(connection)
        assert len(list(users)) == 300
    finally:
        users.close()
    stored = Connection.objects.get()
    assert stored.open_access_token().reveal() == token
    assert stored.generation == 2


@pytest.mark.django_db
def test_s26_inside_a_test_case_the_callers_connection_is_used(sandbox: Sandbox) -> None:
    """In a block of Django's TestCase the row is refreshed where the test sees it, nested or not."""
    connection = sandbox_connection(sandbox, **expired())
    get_access_token(connection)
    with transaction.atomic():
        refresh(connection)
    assert Connection.objects.get().generation == 3


def test_s26_a_cancelled_async_caller_still_stores_the_answer(endpoint: HostileServer) -> None:
    """A client that hung up does not cost its user the connection."""
    connection = make_connection(make_user(), **expired())
    gate = close_gate(endpoint)

    async def call_and_cancel() -> None:
        task = asyncio.create_task(aget_access_token(connection))
        await asyncio.to_thread(gate.wait)
        task.cancel()
        asyncio.get_running_loop().call_later(0.1, gate.open)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(call_and_cancel())
    wait_until(lambda: Connection.objects.get().generation == 2)
    row = Connection.objects.get()
    assert row.open_refresh_token().reveal() == "canary-refresh-token"
    assert row.lease_owner == ""


class TimeLimitError(Exception):
    """What Celery's soft time limit, or a server's time-out, throws into the main thread."""


@pytest.fixture
def time_limit() -> Generator[Callable[[Gate], None]]:
    """Yield what throws TimeLimitError into the main thread once a request has arrived."""

    def raise_error(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise TimeLimitError

    def strike(gate: Gate) -> None:
        gate.wait()
        os.kill(os.getpid(), signal.SIGALRM)
        gate.open()

    before = signal.signal(signal.SIGALRM, raise_error)
    yield strike
    signal.signal(signal.SIGALRM, before)


def test_s25_a_time_limit_during_a_refresh_loses_no_answer(
    endpoint: HostileServer, time_limit: Callable[[Gate], None]
) -> None:
    """The limit strikes its task, once the answer is stored."""
    connection = make_connection(make_user(), **expired())
    strike = partial(time_limit, close_gate(endpoint))
    with meanwhile(strike), pytest.raises(TimeLimitError):
        get_access_token(connection)
    row = Connection.objects.get()
    assert (row.generation, row.lease_owner) == (2, "")
    refresh(row)
    assert row.generation == 3


@only_postgresql
def test_s25_a_time_limit_in_a_callers_transaction_loses_no_answer(
    endpoint: HostileServer, time_limit: Callable[[Gate], None]
) -> None:
    """There too it strikes once the answer is stored, because the process may end with the task."""
    connection = make_connection(make_user(), **expired())
    strike = partial(time_limit, close_gate(endpoint))

    def generation() -> int:
        return Connection.objects.get().generation

    with transaction.atomic():
        with meanwhile(strike), pytest.raises(TimeLimitError):
            get_access_token(connection)
        with meanwhile(generation) as stored:
            assert stored.get() == 2
