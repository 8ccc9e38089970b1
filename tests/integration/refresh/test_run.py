"""Runs: everything that is due is refreshed once."""

import os
import signal
from collections.abc import Generator
from typing import Any, NoReturn

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.db.backends.signals import connection_created

from actionstep_connect.flows.refresh import refresh_due
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_connection, make_user, sandbox_connections
from tests.support.gate import close_gate, meanwhile
from tests.support.hostile_server import HostileServer, grant

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_refreshes_everything_that_is_due(sandbox: Sandbox) -> None:
    """Every due connection gets a new pair; the sandbox sees each refresh token once."""
    sandbox_connections(sandbox, 30, **expired())
    report = refresh_due()
    assert (report.due, report.refreshed, report.stopped_by) == (30, 30, None)
    assert not Connection.objects.exclude(generation=2).exists()
    state = sandbox.get("sandbox/state")
    assert state["counters"]["token_requests"]["refresh_token"] == 30


def test_the_command_leaves_signals_as_they_were() -> None:
    """A site that calls it in a loop can still be stopped between two rounds."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    call_command("actionstep_maintain")
    assert [signal.getsignal(number) for number in numbers] == before


class Struck(BaseException):
    """Ends a process that does nothing about its signal."""


@pytest.fixture(params=["SIGTERM", "SIGINT", "SIGHUP"])
def signal_to_end(request: pytest.FixtureRequest) -> Generator[int]:
    """Yield a signal that ends a process; here it raises where nothing else is done about it."""

    def strike(*_: object) -> NoReturn:
        raise Struck

    number = getattr(signal, request.param)
    before = signal.signal(number, strike)
    yield number
    signal.signal(number, before)


def test_s27_a_signal_that_ends_the_command_lets_it_end_well(
    endpoint: HostileServer, signal_to_end: int
) -> None:
    """Also that of a terminal which closes: what is in flight is stored, and nothing more is sent."""
    make_connection(make_user(), **expired())
    gate = close_gate(endpoint)

    def end() -> None:
        gate.wait()
        os.kill(os.getpid(), signal_to_end)
        gate.open()

    with meanwhile(end):
        call_command("actionstep_maintain")
    assert Connection.objects.get().generation == 2


def test_the_command_goes_on_where_a_signal_is_ignored(
    endpoint: HostileServer, signal_to_end: int
) -> None:
    """As under nohup, whose command outlives its terminal."""
    signal.signal(signal_to_end, signal.SIG_IGN)
    make_connection(make_user(), **expired())
    endpoint.answer(body=grant())
    seen: list[Any] = []

    def look(**_: object) -> None:
        seen.append(signal.getsignal(signal_to_end))

    connection_created.connect(look)
    database.close()
    call_command("actionstep_maintain")
    connection_created.disconnect(look)
    assert seen == [signal.SIG_IGN]
