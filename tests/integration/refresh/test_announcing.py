"""What has to be told is stored with what it tells about, and announced at least once."""

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import OperationalError, transaction
from django.db import connection as database
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from actionstep_connect.api import disconnect, get_access_token
from actionstep_connect.exceptions import ReconnectRequired
from actionstep_connect.flows import events
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.flows.refresh import refresh_due
from actionstep_connect.models import Connection, ConnectionEvent
from actionstep_connect.signals import (
    connection_ended,
    connection_flagged,
    connection_recovered,
    reconnect_required,
)
from actionstep_connect.testing import Sandbox
from tests.support.connections import (
    expired,
    make_connection,
    make_user,
    near_limit,
    sandbox_connection,
    sandbox_connections,
)
from tests.support.hostile_server import HostileServer
from tests.support.sandbox import fault
from tests.support.threads import together
from tests.support.workers import running_workers

pytestmark = pytest.mark.django_db(transaction=True)

SIGNALS = (connection_ended, connection_flagged, connection_recovered, reconnect_required)


@pytest.fixture
def told() -> Generator[list[tuple[str, Any]]]:
    """Yield the kind of each event whose signal was sent, with the key of the event."""
    received: list[tuple[str, Any]] = []

    def receive(event: ConnectionEvent, connection: Connection, **_: Any) -> None:
        assert event.connection_id == connection.pk
        received.append((event.kind, event.pk))

    for each in SIGNALS:
        each.connect(receive)
    yield received
    for each in SIGNALS:
        each.disconnect(receive)


class Killed(BaseException):
    """Stands for a process that is gone."""


@contextmanager
def killed_before(does: Callable[[str], bool]) -> Generator[None]:
    """End the block where a statement of that kind would begin, as if the process had been killed."""

    def execute(run: Any, sql: str, *arguments: Any) -> Any:
        if does(sql):
            raise Killed
        return run(sql, *arguments)

    with database.execute_wrapper(execute), pytest.raises(Killed):
        yield


def announces(sql: str) -> bool:
    return sql.startswith("UPDATE") and "connectionevent" in sql


def stores_event(sql: str) -> bool:
    return sql.startswith("INSERT") and "connectionevent" in sql


def pending() -> "QuerySet[ConnectionEvent]":
    return ConnectionEvent.objects.exclude(announce_at=None)


def test_an_ending_that_was_stored_and_not_told_is_told_by_the_next_run(
    sandbox: Sandbox, settings: Settings, told: list[tuple[str, Any]]
) -> None:
    """The process dies between the store of a refusal and its signal: signal and e-mail still come."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "NOTIFY_USERS": True,
        "REDIRECT_URI": "https://site.example/actionstep/callback/",
    }
    connection = sandbox_connection(sandbox, **expired())
    type(connection.user).objects.update(email="user@law.example")
    sandbox.post("sandbox/revoke", user="priya")
    with killed_before(announces):
        maintain()
    connection.refresh_from_db()
    assert connection.status == "reconnect_required"
    assert [event.kind for event in pending()] == ["reconnect_required"]
    assert told == []
    maintain()
    assert [kind for kind, _ in told] == ["reconnect_required"]
    assert not pending().exists()
    assert len(mail.outbox) == 1
    maintain()
    assert len(told) == len(mail.outbox) == 1


@pytest.mark.parametrize("kind", ["refused", "recovered", "organisation", "scopes", "endpoint"])
def test_a_change_and_its_event_are_stored_in_one_step(sandbox: Sandbox, kind: str) -> None:
    """Killed before the event is stored, the change is not stored either, and nothing is half told."""
    values = {"consecutive_failures": 5} if kind == "recovered" else {}
    connection = sandbox_connection(sandbox, **expired(**values))
    if kind == "refused":
        sandbox.post("sandbox/revoke", user="priya")
    elif kind != "recovered":
        changes = {
            "organisation": {"orgkey": "another"},
            "scopes": {"scope": "timerecords"},
            "endpoint": {"api_endpoint": "https://evil.example/api/"},
        }
        fault(sandbox, "members", changes=changes[kind])
    columns = ("status", "generation", "granted_scopes", "api_endpoint", "consecutive_failures")
    before = Connection.objects.values(*columns).get()
    with killed_before(stores_event):
        refresh_due()
    assert Connection.objects.values(*columns).get() == before
    assert not connection.events.exists()


@pytest.mark.parametrize("step", [stores_event, announces], ids=["stored", "announced"])
def test_a_flag_is_told_though_its_run_was_killed(
    sandbox: Sandbox, told: list[tuple[str, Any]], step: Callable[[str], bool]
) -> None:
    """At whichever step the process dies, the flag has its event and its signal in the end."""
    later = datetime.now(UTC) + timedelta(hours=2)
    connection = make_connection(make_user(), **near_limit(refresh_at=later))
    with killed_before(step):
        maintain()
    for _ in range(2):
        maintain()
    connection.refresh_from_db()
    assert connection.flagged_at is not None
    assert [kind for kind, _ in told] == ["flagged"]


@pytest.mark.parametrize("step", [stores_event, announces], ids=["stored", "announced"])
def test_a_disconnect_is_told_though_its_process_was_killed(
    sandbox: Sandbox, told: list[tuple[str, Any]], step: Callable[[str], bool]
) -> None:
    """Either it has not happened, or its event is there and the next run sends its signal."""
    connection = sandbox_connection(sandbox)
    with killed_before(step):
        disconnect(connection)
    maintain()
    status = Connection.objects.get().status
    kinds = [kind for kind, _ in told]
    assert (status, kinds) in [("connected", []), ("disconnected", ["disconnected"])]


def test_a_disconnect_is_told_when_its_transaction_commits(
    sandbox: Sandbox, told: list[tuple[str, Any]]
) -> None:
    """What a caller's rollback undoes is told no one."""
    connection = sandbox_connection(sandbox)
    with suppress(RuntimeError), transaction.atomic():
        disconnect(connection)
        raise RuntimeError("the caller's own trouble")
    maintain()
    assert told == []
    with transaction.atomic():
        disconnect(Connection.objects.get())
        assert told == []
    assert [kind for kind, _ in told] == ["disconnected"]


def test_an_ending_on_demand_is_told_though_its_process_was_killed(
    sandbox: Sandbox, told: list[tuple[str, Any]]
) -> None:
    """A page's own refresh that was refused and not told is told by the next run."""
    connection = sandbox_connection(sandbox, **expired())
    sandbox.post("sandbox/revoke", user="priya")

    def fail(run: Any, sql: str, *arguments: Any) -> Any:
        if announces(sql):
            raise OperationalError("the database is away")
        return run(sql, *arguments)

    with database.execute_wrapper(fail), pytest.raises(ReconnectRequired):
        get_access_token(connection)
    assert told == []
    maintain()
    assert [kind for kind, _ in told] == ["reconnect_required"]


def test_s27_killed_while_a_receiver_runs_it_is_called_again(
    endpoint: HostileServer, told: list[tuple[str, Any]]
) -> None:
    """At least once: an event whose announcing was cut short is announced by the next run."""
    connection = make_connection(make_user(), **expired())
    endpoint.answer(status=400, body={"error": "invalid_grant"})
    with running_workers(1) as (worker,):
        worker.tell("maintain_and_die_while_telling")
        worker.process.join(30)
        assert worker.process.exitcode == -signal.SIGKILL
    connection.refresh_from_db()
    assert connection.status == "reconnect_required"
    assert pending().count() == 1
    maintain()
    assert [kind for kind, _ in told] == ["reconnect_required"]


def test_runs_at_once_announce_each_event_once(
    sandbox: Sandbox, told: list[tuple[str, Any]]
) -> None:
    """Each event is claimed before its signal is sent, so two runs seldom send it twice."""
    sandbox_connections(sandbox, 6, **expired(consecutive_failures=5))
    with killed_before(announces):
        maintain()
    assert pending().count() == 6
    together(events.announce_pending, 4)
    assert len(told) == len({key for _, key in told}) == 6
    assert not pending().exists()


def test_an_event_of_a_deleted_user_is_told_nobody(sandbox: Sandbox) -> None:
    """It goes with its connection, and stops no run."""
    connection = sandbox_connection(sandbox, **expired(consecutive_failures=5))
    with killed_before(announces):
        maintain()
    connection.user.delete()
    assert maintain().stopped_by is None
    assert not pending().exists()


def test_telling_costs_a_good_refresh_no_statement(sandbox: Sandbox) -> None:
    """A refresh that changes nothing for people is one UPDATE, in no transaction of its own."""
    sandbox_connections(sandbox, 30, **expired())
    with CaptureQueriesContext(database) as queries:
        refresh_due()
    stores = [query["sql"] for query in queries if "sealed_refresh_token" in query["sql"]]
    # MariaDB is told within the statement how long to wait for a lock: SET STATEMENT … FOR UPDATE …
    assert len([sql for sql in stores if sql.startswith(("UPDATE", "SET STATEMENT"))]) == 30
    assert not [query for query in queries if "INSERT" in query["sql"]]
    assert len(queries) <= 70


def test_without_anything_due_a_run_still_announces(
    sandbox: Sandbox, told: list[tuple[str, Any]]
) -> None:
    """A site that has just one connection tells of its ending too."""
    sandbox_connection(sandbox, **expired())
    sandbox.post("sandbox/revoke", user="priya")
    with killed_before(announces):
        refresh_due()
    assert refresh_due().due == 0
    assert len(told) == 1
