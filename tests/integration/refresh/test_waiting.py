"""Waiting: for another caller's answer, for a lock, and in an outage for nothing."""

import asyncio
import os
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connections, transaction
from django.db.models import F
from pytest_django import Settings

from actionstep_connect.api import aget_access_token, arefresh, get_access_token, refresh
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.database import Place
from actionstep_connect.flows.database.lines import (
    CONNECTION_TIMEOUT,
    CONNECTIONS,
    LOOKS,
    MAX_EXCHANGES,
    OwnProcess,
    _processes,
)
from actionstep_connect.flows.refresh import refresh_now
from actionstep_connect.flows.refresh.claim import claim_one, give_back, new_owner
from actionstep_connect.models import Connection, Heartbeat
from actionstep_connect.models.heartbeat import MAINTENANCE
from actionstep_connect.testing import Sandbox
from tests.support.connections import (
    expired,
    make_connection,
    make_user,
    sandbox_connection,
    sandbox_connections,
)
from tests.support.gate import close_gate, wait_until
from tests.support.hostile_server import Answer, HostileServer
from tests.support.sandbox import requests
from tests.support.site_processes import pause
from tests.support.workers import TIMEOUT, running_workers

pytestmark = pytest.mark.django_db(transaction=True)


def beat(stopped_by: str, *, ago: float) -> None:
    """Store the heartbeat of a run that ended so many seconds ago."""
    ended = datetime.now(UTC) - timedelta(seconds=ago)
    values = {
        "started_at": ended - timedelta(seconds=40),
        "finished_at": ended,
        "seconds": 40,
        "summary": {"stopped_by": stopped_by},
    }
    Heartbeat.objects.update_or_create(job=MAINTENANCE, defaults=values)


def token_of(connection: Connection) -> str:
    """Ask for a token as another caller, and return it, or the code of what went wrong."""
    try:
        return get_access_token(Connection.objects.get(pk=connection.pk))
    except TemporarilyUnavailable as error:
        return error.code
    finally:
        connections.close_all()


def test_waiters_of_a_claim_that_is_given_back_get_their_token(sandbox: Sandbox) -> None:
    """However long it was held: a run that ends while they wait costs none of them an error."""
    connection = sandbox_connection(sandbox, **expired())
    for _ in range(3):
        claim = claim_one(connection, statuses=["connected"], owner=new_owner())
        assert claim is not None
        with ThreadPoolExecutor(8) as threads:
            waiters = [threads.submit(token_of, connection) for _ in range(8)]
            pause(2.5)  # Longer than a lock is waited for.
            give_back([claim])
            tokens = {waiter.result() for waiter in waiters}
        connection.refresh_from_db()
        assert tokens == {connection.open_access_token().reveal()}
        Connection.objects.update(**expired())
    assert requests(sandbox) == 3


def test_callers_do_not_wait_anew_for_a_process_that_was_killed(
    sandbox: Sandbox, settings: Settings
) -> None:
    """A lease that is older than an answer may take holds no page up, until it lapses."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "HTTP_TIMEOUT": 45}
    connection = sandbox_connection(sandbox, **expired())
    assert claim_one(connection, statuses=["connected"], owner=new_owner())
    minute_ago = F("lease_expires_at") - timedelta(minutes=1)
    Connection.objects.update(lease_expires_at=minute_ago)
    begun = time.monotonic()
    assert token_of(connection) == "being_refreshed"
    assert time.monotonic() - begun < 45
    Connection.objects.update(lease_expires_at=F("lease_expires_at") - timedelta(minutes=2))
    get_access_token(connection)
    assert requests(sandbox) == 1


@pytest.mark.postgresql
def test_a_locked_row_is_named_with_what_to_do(sandbox: Sandbox) -> None:
    """The caller's own lock would never be waited out: the message says so."""
    sandbox_connection(sandbox, **expired())
    with transaction.atomic():
        connection = Connection.objects.select_for_update().get()
        with pytest.raises(
            TemporarilyUnavailable, match=r"locked by .*select_for_update"
        ) as caught:
            get_access_token(connection)
    assert caught.value.code == "locked"
    assert requests(sandbox) == 0


def test_waiting_in_async_code_takes_no_thread(endpoint: HostileServer) -> None:
    """While sixty callers wait for one slow answer, asyncio's executor has not even begun."""
    connection = make_connection(make_user(), **expired())
    rows = [Connection.objects.get(pk=connection.pk) for _ in range(60)]
    gate = close_gate(endpoint)

    async def ask_all() -> set[str]:
        callers = [asyncio.create_task(aget_access_token(row)) for row in rows]
        while not endpoint.requests:  # noqa: ASYNC110 - the server's threads know no asyncio.
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert not any(caller.done() for caller in callers)
        assert getattr(asyncio.get_running_loop(), "_default_executor", None) is None
        begun = time.monotonic()
        assert await asyncio.to_thread(lambda: "an unrelated view") == "an unrelated view"
        assert time.monotonic() - begun < 5  # It would wait for the gate, which is closed.
        gate.open()
        return set(await asyncio.gather(*callers))

    assert asyncio.run(ask_all()) == {"canary-access-token"}
    assert len(endpoint.requests) == 1


def test_twelve_async_users_of_a_slow_endpoint_wait_once(endpoint: HostileServer) -> None:
    """Their twelve requests are in flight together."""
    rows = [make_connection(make_user(), **expired()) for _ in range(12)]
    gates = [close_gate(endpoint) for _ in rows]

    async def ask_all() -> None:
        callers = [asyncio.create_task(aget_access_token(row)) for row in rows]
        while len(endpoint.requests) < len(rows):  # noqa: ASYNC110 - as above.
            await asyncio.sleep(0.01)
        for gate in gates:
            gate.open()
        await asyncio.gather(*callers)

    asyncio.run(ask_all())
    assert Connection.objects.filter(generation=2).count() == len(rows)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Generator[OwnProcess]:
    """Set up an executor of this process's of which nothing is taken."""
    process = OwnProcess()
    monkeypatch.setitem(_processes, os.getpid(), process)
    yield process
    process.executor.shutdown()


def test_async_callers_wait_for_a_thread_as_long_as_sync_ones_do(
    sandbox: Sandbox, process: OwnProcess
) -> None:
    """What gets no thread within moments is not given up while the database serves others."""
    connection = sandbox_connection(sandbox, **expired())
    place, is_over = Place.of_caller(), threading.Event()
    blocked = [process.executor.submit(is_over.wait, 60) for _ in range(MAX_EXCHANGES + LOOKS)]
    lines = [process.join_line(place.alias) for _ in range(CONNECTIONS)]

    def serve_others() -> None:
        for line in lines:
            with line.lent(place):
                pass

    async def refresh_late() -> None:
        caller = asyncio.create_task(arefresh(connection))
        begun = time.monotonic()
        while time.monotonic() - begun < CONNECTION_TIMEOUT + 1 and not caller.done():
            await asyncio.to_thread(serve_others)
            await asyncio.sleep(0.2)
        is_over.set()
        await caller

    try:
        asyncio.run(refresh_late())
    finally:
        is_over.set()
        wait(blocked)
        for line in lines:
            process.leave_line(line)
    assert connection.generation == 2


def test_async_code_without_a_thread_hears_of_it(sandbox: Sandbox, process: OwnProcess) -> None:
    """Where no thread can be had, as at the end of a process, the error is one to be expected."""
    first, second = sandbox_connections(sandbox, 2, **expired())
    asyncio.run(arefresh(first))
    process.executor.shutdown()
    with pytest.raises(TemporarilyUnavailable, match="No thread can be started"):
        asyncio.run(arefresh(second))
    assert requests(sandbox) == 1


class HastyExecutor(ThreadPoolExecutor):
    """Threads that have ended before their caller goes on, as may happen on a busy machine."""

    def submit(self, /, *args: Any, **kwargs: Any) -> Any:
        """Begin work, and wait for it."""
        done = super().submit(*args, **kwargs)
        wait((done,))
        return done


def test_async_code_that_is_the_last_user_of_a_connection_has_it_closed(
    sandbox: Sandbox, process: OwnProcess, caplog: pytest.LogCaptureFixture
) -> None:
    """In a thread, because Django refuses to close one in an event loop."""
    connection = sandbox_connection(sandbox, **expired())
    process.executor.shutdown()
    process.executor = HastyExecutor(LOOKS)
    asyncio.run(arefresh(connection))
    process.executor.shutdown()
    lines = [process.join_line(Place.of_caller().alias) for _ in range(CONNECTIONS)]
    own = [line._connection for line in lines if line._connection is not None]
    assert [each.connection for each in own] == [None]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_in_an_outage_that_the_last_run_met_users_fail_at_once(sandbox: Sandbox) -> None:
    """Nothing is sent but a probe now and then; a run that goes well ends it."""
    rows = sandbox_connections(sandbox, 6, **expired())
    beat("outage", ago=5)
    begun = time.monotonic()
    assert [token_of(row) for row in rows] == ["outage"] * 6
    assert (time.monotonic() - begun < 5, requests(sandbox)) == (True, 0)
    assert not Connection.objects.exclude(lease_owner="", outcome_unknown_since=None).exists()
    beat("", ago=0)
    assert get_access_token(rows[0])
    assert requests(sandbox) == 1


def test_an_outage_that_is_over_is_noticed_by_a_probe(sandbox: Sandbox) -> None:
    """The first probe that succeeds lets all others through."""
    rows = sandbox_connections(sandbox, 3, **expired())
    beat("outage", ago=30)
    for row in rows:
        assert get_access_token(row)
    assert requests(sandbox) == 3


def test_an_old_outage_is_forgotten(sandbox: Sandbox) -> None:
    """When no run followed for minutes, each caller finds out again."""
    connection = sandbox_connection(sandbox, **expired())
    beat("outage", ago=600)
    assert get_access_token(connection)


def test_an_admin_who_knows_better_sends_in_an_outage(sandbox: Sandbox) -> None:
    """An admin's renewed try waits for no probe."""
    connection = sandbox_connection(
        sandbox, **expired(status="reconnect_required", status_reason="refused")
    )
    beat("outage", ago=5)
    refresh_now(connection, even_if_refused=True)
    assert connection.generation == 2


def test_an_outage_that_this_process_met_is_not_met_anew(
    endpoint: HostileServer, settings: Settings
) -> None:
    """One user waits for HTTP_TIMEOUT, the next fail at once, and a probe's user waits briefly."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "HTTP_TIMEOUT": 4}
    first, second, third, fourth = (make_connection(make_user(), **expired()) for _ in range(4))
    endpoint.script([Answer(silent=True)])
    assert token_of(first) == "timeout"
    begun = time.monotonic()
    assert token_of(second) == "outage"
    assert time.monotonic() - begun < 3  # Not HTTP_TIMEOUT.
    assert len(endpoint.requests) == 1
    gate = close_gate(endpoint)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=15), tick=True):
        begun = time.monotonic()
        assert token_of(second) == "under_way"
        assert time.monotonic() - begun < 4
        assert token_of(third) == "outage"
        gate.open()
        wait_until(lambda: Connection.objects.get(pk=second.pk).generation == 2)
        assert token_of(fourth) == "canary-access-token"
    assert len(endpoint.requests) == 3


def test_s27_a_child_of_celerys_pool_ends_after_the_answers_it_waits_for(
    endpoint: HostileServer, settings: Settings, tmp_path: Path
) -> None:
    """It would end with them at a deploy, or after its last task, though their callers have left."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "HTTP_TIMEOUT": 45}
    connection = make_connection(make_user(), **expired())
    beat("outage", ago=30)
    gate, left = close_gate(endpoint), tmp_path / "left"
    with running_workers(1) as (worker,):
        worker.tell("leave_and_end", connection.pk, left)
        wait_until(left.exists)
        worker.process.join(0.2)
        gate.open()
        worker.process.join(TIMEOUT)
        assert worker.process.exitcode == 0
    assert Connection.objects.get().generation == 2


def test_a_waiter_fails_as_soon_as_the_outage_is_known(
    endpoint: HostileServer, settings: Settings
) -> None:
    """It does not wait for the rest of another process's lease."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "HTTP_TIMEOUT": 3}
    held, other = (make_connection(make_user(), **expired()) for _ in range(2))
    assert claim_one(held, statuses=["connected"], owner=new_owner())
    endpoint.script([Answer(silent=True)])
    with ThreadPoolExecutor(2) as threads:
        waiter, caller = (threads.submit(token_of, each) for each in (held, other))
        assert (caller.result(), waiter.result()) == ("timeout", "outage")


def test_a_token_that_lives_serves_in_an_outage(sandbox: Sandbox) -> None:
    """Less than was asked for, but alive."""
    now = datetime.now(UTC)
    connection = sandbox_connection(
        sandbox,
        connected_at=now - timedelta(minutes=59),
        access_token_expires_at=now + timedelta(seconds=30),
    )
    token = connection.open_access_token().reveal()
    beat("outage", ago=1)
    assert get_access_token(connection) == token
    with pytest.raises(TemporarilyUnavailable) as caught:
        refresh(connection)
    assert (caught.value.code, requests(sandbox)) == ("outage", 0)
