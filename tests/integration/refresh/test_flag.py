"""Flagging: a flag means something, once per refresh token, and goes when it is over."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError
from django.db import connection as database
from pytest_django import Settings

from actionstep_connect.flows.flag import flag_expiring
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.models import Connection, ConnectionEvent, EventKind
from actionstep_connect.signals import connection_flagged, connection_recovered
from actionstep_connect.testing import Sandbox
from tests.support.connections import (
    kinds,
    make_connection,
    make_user,
    near_limit,
    sandbox_connection,
)
from tests.support.sandbox import fault, requests

pytestmark = pytest.mark.django_db(transaction=True)


def test_flagged_once_when_refreshing_was_tried_in_vain(sandbox: Sandbox) -> None:
    """A failing connection within WARN_BEFORE is flagged with one event and one signal."""
    connection = sandbox_connection(sandbox, **near_limit())
    fault(sandbox, "status_503", times=None)
    flagged = []

    def receive(connection: Connection, **_: Any) -> None:
        flagged.append(connection.pk)

    connection_flagged.connect(receive)
    for minutes in (0, 1, 30):
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes), tick=True):
            maintain()
    connection_flagged.disconnect(receive)
    connection.refresh_from_db()
    assert flagged == [connection.pk]
    assert connection.flagged_at is not None
    assert kinds(connection).count(EventKind.FLAGGED) == 1


def test_not_flagged_before_it_was_tried(sandbox: Sandbox, settings: Settings) -> None:
    """After an outage of the workers a due connection is refreshed first; a leased one is left alone."""
    connection = sandbox_connection(
        sandbox,
        **near_limit(lease_owner="x", lease_expires_at=datetime.now(UTC) + timedelta(minutes=2)),
    )
    maintain()
    connection.refresh_from_db()
    assert (connection.flagged_at, connection.generation) == (None, 1)
    Connection.objects.update(lease_owner="", lease_expires_at=None)
    maintain()
    connection.refresh_from_db()
    assert (connection.flagged_at, connection.generation) == (None, 2)


def test_whoever_is_flagged_is_told(sandbox: Sandbox) -> None:
    """Where the database goes away between a flag and its event neither stays, and both are repeated."""
    far = datetime(2099, 1, 1, tzinfo=UTC)
    for _ in range(3):
        make_connection(make_user(), **near_limit(refresh_at=far))
    events = []

    def fail_once(run: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("INSERT") and "connectionevent" in sql:
            events.append(sql)
            if len(events) == 2:
                raise OperationalError("the database is away")
        return run(sql, *arguments)

    with database.execute_wrapper(fail_once):
        assert flag_expiring() == 3
    assert not Connection.objects.filter(flagged_at=None).exists()
    assert ConnectionEvent.objects.filter(kind=EventKind.FLAGGED).count() == 3


def test_recovered_when_a_refresh_succeeds(sandbox: Sandbox) -> None:
    """Success clears the flag and says so."""
    connection = sandbox_connection(sandbox, **near_limit(flagged_at=datetime.now(UTC)))
    recovered = []

    def receive(connection: Connection, **_: Any) -> None:
        recovered.append(connection.pk)

    connection_recovered.connect(receive)
    maintain()
    connection_recovered.disconnect(receive)
    connection.refresh_from_db()
    assert (connection.flagged_at, recovered) == (None, [connection.pk])


def test_past_the_limit_only_actionstep_ends_it(sandbox: Sandbox) -> None:
    """This machine's clock ends nothing: the token is presented again, and here it still serves."""
    past = datetime.now(UTC) - timedelta(days=2)
    connection = sandbox_connection(sandbox, **near_limit(refresh_token_expires_at=past))
    maintain()
    connection.refresh_from_db()
    assert (connection.status, connection.generation) == ("connected", 2)


def test_past_the_limit_a_refusal_ends_it(sandbox: Sandbox) -> None:
    """Refused past its limit: the user has to reconnect."""
    past = datetime.now(UTC) - timedelta(days=2)
    connection = sandbox_connection(sandbox, **near_limit(refresh_token_expires_at=past))
    sandbox.post("sandbox/expire", what="refresh")
    maintain()
    connection.refresh_from_db()
    assert (connection.status, connection.status_reason) == ("reconnect_required", "refused")


def test_a_former_clients_connection_is_flagged_all_the_same(sandbox: Sandbox) -> None:
    """It can never be refreshed under this client id: its user is told in time."""
    connection = sandbox_connection(sandbox, **near_limit(client_id="former-client"))
    maintain()
    connection.refresh_from_db()
    assert connection.flagged_at is not None


def test_a_healthy_fleet_is_never_flagged(sandbox: Sandbox) -> None:
    """With a worker running, thirty days pass without a flag."""
    connection = sandbox_connection(sandbox)
    moment = datetime.now(UTC)
    sandbox.post("sandbox/options", refresh_token_lifetime=10**8)
    for _ in range(30):
        moment += timedelta(days=1)
        with time_machine.travel(moment, tick=True):
            maintain()
    connection.refresh_from_db()
    assert kinds(connection) == []
    assert connection.generation == 31


def test_an_idle_connection_is_only_kept_alive(sandbox: Sandbox, settings: Settings) -> None:
    """Unused, it costs a request in days rather than one in 50 minutes, and is never flagged."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "IDLE_AFTER": timedelta(days=2),
    }
    connection = sandbox_connection(sandbox)
    sandbox.post("sandbox/options", refresh_token_lifetime=10**8)
    moment, start = datetime.now(UTC), datetime.now(UTC)
    while moment < start + timedelta(days=32):
        with time_machine.travel(moment, tick=False):
            maintain()
            connection.refresh_from_db()
        assert connection.refresh_at is not None
        moment = max(connection.refresh_at, moment + timedelta(minutes=1))
    in_the_first_two_days = 48 * 60 / 45
    assert requests(sandbox) <= in_the_first_two_days + 4
    assert kinds(connection) == []
