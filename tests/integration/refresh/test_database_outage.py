"""The database is gone between an answer and its store: nothing is lost.

An outage lasts two seconds here instead of 90, to keep the suite quick. The engine does not know the
difference: it repeats the store, at most half a second apart, until the database is back.
"""

import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection as database
from pytest_django import Settings

from actionstep_connect.flows.maintain import maintain
from actionstep_connect.models import Connection
from tests.support.connections import expired, make_connection, make_user
from tests.support.gate import wait_until
from tests.support.hostile_server import HostileServer, grant
from tests.support.sessions import end_sessions
from tests.support.site_processes import pause
from tests.support.unix_proxy import running_proxy
from tests.support.workers import Worker, database_of_this_test, running_workers

pytestmark = [pytest.mark.alone, pytest.mark.django_db(transaction=True)]

OUTAGE = 2.0  # seconds

Outage = tuple[Worker, Callable[[], None], Callable[[], None]]


@contextmanager
def _cut_off() -> Generator[Outage]:
    """PostgreSQL cannot be reached: connections end, and new ones are refused."""
    options = database_of_this_test()["OPTIONS"]
    with (
        running_proxy(str(options["host"])) as proxy,
        running_workers(1, OPTIONS={**options, "host": str(proxy.folder)}) as (worker,),
    ):
        yield worker, proxy.cut, proxy.mend


@contextmanager
def _demoted() -> Generator[Outage]:
    """PostgreSQL fails over: connections end, and new ones find a server that only reads."""

    def run(sql: str) -> None:
        with database.cursor() as cursor:
            cursor.execute(sql.format(database.ops.quote_name(database.settings_dict["NAME"])))

    def demote() -> None:
        run("ALTER DATABASE {} SET default_transaction_read_only = on")
        end_sessions()

    def promote() -> None:
        run("ALTER DATABASE {} RESET default_transaction_read_only")

    with running_workers(1) as (worker,):
        try:
            yield worker, demote, promote
        finally:
            promote()


@contextmanager
def _locked() -> Generator[Outage]:
    """SQLite's file is locked by another person for longer than anybody waits."""
    present = database_of_this_test()
    blocker = sqlite3.connect(present["NAME"], isolation_level=None)
    options = {**present["OPTIONS"], "timeout": 0.2}
    try:
        with running_workers(1, OPTIONS=options) as (worker,):
            yield (
                worker,
                lambda: _execute(blocker, "BEGIN EXCLUSIVE"),
                lambda: _execute(blocker, "ROLLBACK"),
            )
    finally:
        blocker.close()


def _execute(blocker: sqlite3.Connection, sql: str) -> None:
    blocker.execute(sql)


@pytest.fixture(
    params=[
        pytest.param(_cut_off, marks=pytest.mark.postgresql, id="cut-off"),
        pytest.param(_demoted, marks=pytest.mark.postgresql, id="demoted"),
        pytest.param(_locked, marks=pytest.mark.sqlite, id="locked"),
    ]
)
def outage(
    request: pytest.FixtureRequest, endpoint: HostileServer, settings: Settings
) -> Generator[Outage]:
    """Yield a worker process, and what takes its database away and brings it back."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REFRESH_CONCURRENCY": 8}
    with request.param() as way:
        yield way


@pytest.fixture
def gate(endpoint: HostileServer) -> threading.Event:
    """Return what lets the answers go."""
    event = threading.Event()
    endpoint.answer(body=grant(), gate=event)
    return event


def test_s27_an_outage_between_answers_and_stores_loses_nothing(
    endpoint: HostileServer, gate: threading.Event, outage: Outage
) -> None:
    """Every token that Actionstep gave is stored when the database is back, and sent only once."""
    worker, begin, end = outage
    for number in range(12):
        make_connection(make_user(), **expired(refresh_token=f"token-{number}"))
    worker.tell("maintain")
    wait_until(lambda: len(endpoint.requests) == 4)
    begin()
    gate.set()
    pause(OUTAGE)
    assert Connection.objects.filter(generation=1).count() == 12
    end()
    worker.answer()
    assert not Connection.objects.exclude(lease_owner="").exists()
    _each_sent_once(endpoint)
    maintain()
    assert Connection.objects.filter(generation=2, status="connected").count() == 12
    assert not Connection.objects.exclude(outcome_unknown_since=None).exists()
    _each_sent_once(endpoint)


def test_s27_an_outage_during_a_callers_refresh_loses_nothing(
    endpoint: HostileServer, gate: threading.Event, outage: Outage
) -> None:
    """The caller waits, and gets the new token."""
    worker, begin, end = outage
    connection = make_connection(make_user(), **expired())
    worker.tell("token", connection.pk)
    wait_until(lambda: len(endpoint.requests) == 1)
    begin()
    gate.set()
    pause(OUTAGE)
    end()
    answer: Any = worker.answer()
    connection.refresh_from_db()
    assert (answer, connection.generation) == ("canary-access-token", 2)
    _each_sent_once(endpoint)


def _each_sent_once(endpoint: HostileServer) -> None:
    sent = [request.form["refresh_token"] for request in endpoint.requests]
    assert len(sent) == len(set(sent))
