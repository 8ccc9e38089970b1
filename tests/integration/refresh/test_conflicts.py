"""Serialization failures and deadlocks are repeated; a database that is away is one clear record."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.db import connection as database

from actionstep_connect import tasks
from actionstep_connect.api import disconnect, get_access_token
from actionstep_connect.flows.conflicts import is_conflict, repeated
from actionstep_connect.flows.maintain import drain, maintain
from actionstep_connect.models import Connection, Heartbeat
from actionstep_connect.testing import Sandbox
from tests.support.conflicts import SerializationError, conflict
from tests.support.connections import (
    expired,
    near_limit,
    sandbox_connection,
    sandbox_connections,
)
from tests.support.sandbox import presented_twice, requests
from tests.support.workers import at_once, database_of_this_test, running_workers

pytestmark = pytest.mark.django_db(transaction=True)


def each_write_conflicts_once() -> Any:
    """Have the first of every kind of write fail with a conflict."""
    seen: Counter[str] = Counter()

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        kind = sql[:200]
        seen[kind] += 1
        if sql.startswith(("UPDATE", "INSERT", "DELETE")) and seen[kind] == 1:
            raise conflict()
        return run(sql, params, many, context)

    return database.execute_wrapper(execute)


def test_a_run_repeats_what_conflicts(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """Claims, stores, events, flags, tally and heartbeat: nothing is lost, and nothing is called away."""
    sandbox_connections(sandbox, 5, **expired(consecutive_failures=3))
    later = datetime.now(UTC) + timedelta(hours=2)
    sandbox_connection(sandbox, **near_limit(refresh_at=later))
    with each_write_conflicts_once():
        report = maintain()
    assert (report.stopped_by, report.refreshed) == (None, 5)
    assert Connection.objects.exclude(flagged_at=None).count() == 1
    assert Heartbeat.objects.get().summary["refreshed"] == 5
    assert presented_twice(sandbox) == 0
    assert "store_repeated" not in caplog.text
    assert "not_counted" not in caplog.text


@pytest.mark.parametrize("work", [get_access_token, disconnect])
def test_what_a_user_asks_for_is_repeated_too(
    sandbox: Sandbox, work: Callable[[Connection], Any]
) -> None:
    """A conflict reaches no page."""
    connection = sandbox_connection(sandbox, **expired())
    with each_write_conflicts_once():
        work(connection)
    assert presented_twice(sandbox) == 0


@pytest.mark.parametrize(
    ("cause", "is_one"),
    [
        (SerializationError(), True),
        (type("Deadlock", (Exception,), {"pgcode": "40P01"})(), True),
        (Exception(1213, "Deadlock found when trying to get lock"), True),
        (Exception(1020, "Record has changed since last read"), True),
        (Exception(2006, "Server has gone away"), False),
        (Exception("database is locked"), False),
        (Exception(), False),
    ],
)
def test_conflicts_are_told_from_a_database_that_is_away(cause: Exception, is_one: bool) -> None:
    """By the database's own code, never by words."""
    assert is_conflict(conflict(cause)) is is_one


def test_conflicts_without_end_are_raised() -> None:
    """There is a bound, and nothing that is no conflict is repeated."""
    tries = []

    def always(error: Exception) -> Callable[[], None]:
        def work() -> None:
            tries.append(error)
            raise error

        return work

    for error, count in ((conflict(), 20), (OperationalError("the database is away"), 1)):
        tries.clear()
        with pytest.raises(OperationalError):
            repeated(always(error))
        assert len(tries) == count


@pytest.mark.postgresql
@pytest.mark.parametrize("level", ["SERIALIZABLE", "REPEATABLE_READ"])
def test_workers_in_a_stricter_isolation_level_share_the_work(sandbox: Sandbox, level: str) -> None:
    """Three runs at one moment conflict, and everything is refreshed once."""
    from psycopg import IsolationLevel  # noqa: PLC0415 - not on other databases.

    sandbox_connections(sandbox, 90, **expired())
    options = {**database_of_this_test()["OPTIONS"], "isolation_level": IsolationLevel[level]}
    with running_workers(3, OPTIONS=options) as workers:
        answers = at_once((worker, "maintain", ()) for worker in workers)
    assert [answer["stopped_by"] for answer in answers] == ["", "", ""]
    assert Connection.objects.filter(generation=2, status="connected").count() == 90
    assert presented_twice(sandbox) == 0


def away() -> Any:
    """Have the database be away."""

    def execute(*_: object) -> Any:
        raise OperationalError("connection refused")

    return database.execute_wrapper(execute)


def command() -> None:
    with pytest.raises(SystemExit):
        call_command("actionstep_maintain")


@pytest.mark.parametrize(
    "work",
    [maintain, drain, tasks.maintain_connections, tasks.drain_due_connections, command],
    ids=["maintain", "drain", "task", "drain-task", "command"],
)
def test_a_run_that_begins_while_the_database_is_away_ends_with_one_record(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, work: Callable[[], Any]
) -> None:
    """One error that names the database, and no traceback; the next run does the work."""
    sandbox_connections(sandbox, 3, **expired())
    with away():
        work()
    (record,) = [each for each in caplog.records if each.name == "actionstep_connect"]
    assert (record.levelname, bool(record.exc_info)) == ("ERROR", False)
    assert "outcome=database" in record.getMessage()
    assert "The database is unavailable" in record.getMessage()
    assert maintain().refreshed == 3


DEMOTE = {
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
}


@pytest.mark.parametrize("work", [maintain, drain], ids=["maintain", "drain"])
def test_a_run_does_not_keep_a_connection_to_a_demoted_primary(
    sandbox: Sandbox, work: Callable[[], Any]
) -> None:
    """Where a failover leaves sessions open that only read, as with CONN_MAX_AGE=None, the next run works."""
    sandbox_connection(sandbox, **expired())
    with database.cursor() as cursor:
        cursor.execute(DEMOTE[database.vendor])
    assert (work().stopped_by, requests(sandbox)) == ("database", 0)
    assert work().refreshed == 1


@pytest.mark.postgresql
def test_a_user_is_served_over_a_new_connection_where_the_primary_was_demoted(
    sandbox: Sandbox,
) -> None:
    """A session that only reads is given up, and the claim is made on the one that follows."""
    connection = sandbox_connection(sandbox, **expired())
    with database.cursor() as cursor:
        cursor.execute(DEMOTE[database.vendor])
    get_access_token(connection)
    assert Connection.objects.get().generation == 2
