"""What came of refreshes is counted by the hour, for charts and counters; no sum ever falls."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connections
from django.db import connection as database
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from actionstep_connect.api import get_access_token
from actionstep_connect.exceptions import ReconnectRequired, TemporarilyUnavailable
from actionstep_connect.flows.maintain import drain, maintain
from actionstep_connect.flows.prune import prune
from actionstep_connect.flows.statistics import HOUR_RETENTION, count_refreshes
from actionstep_connect.models import Connection, RefreshHour
from actionstep_connect.models.connection import REFRESH_TOKEN
from actionstep_connect.models.refresh_hour import BEFORE, RefreshOutcome, hour_of
from actionstep_connect.models.run_summary import RunSummary
from actionstep_connect.secret import Secret
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_due, sandbox_connection, sandbox_connections
from tests.support.sandbox import fault, requests
from tests.support.threads import together
from tests.support.workers import at_once, running_workers

pytestmark = pytest.mark.django_db(transaction=True)


def test_runs_and_drain_tasks_of_an_hour_add_up(sandbox: Sandbox) -> None:
    """Refreshed, refused and failed are counted apart, whichever task saw them."""
    connections = sandbox_connections(sandbox, 5, **expired())
    unknown = connections[0].seal(REFRESH_TOKEN, Secret("never-issued"))
    Connection.objects.filter(pk=connections[0].pk).update(sealed_refresh_token=unknown)
    maintain()
    make_due(Connection.objects.filter(generation=2))
    fault(sandbox, "status_503")
    drain()
    hour = RefreshHour.objects.get()
    assert (hour.refreshed, hour.refused, hour.failed) == (7, 1, 1)
    assert hour.hour == hour_of(datetime.now(UTC))


def test_each_hour_has_its_own_row_and_an_idle_run_has_none(sandbox: Sandbox) -> None:
    """A run with nothing to tell writes nothing; the next hour begins at 0."""
    now = datetime.now(UTC)
    maintain()
    assert not RefreshHour.objects.exists()
    count_refreshes(RunSummary(refreshed=3).outcomes)
    with time_machine.travel(now + timedelta(hours=1)):
        count_refreshes(RunSummary(refreshed=5).outcomes)
    assert list(RefreshHour.objects.order_by("hour").values_list("refreshed", flat=True)) == [3, 5]


def test_a_count_is_one_statement_once_its_hour_has_begun() -> None:
    """However many connections a run refreshed, telling so costs one UPDATE."""
    count_refreshes(RunSummary(refreshed=1).outcomes)
    with CaptureQueriesContext(database) as queries:
        count_refreshes(RunSummary(refreshed=5000).outcomes)
    assert [query["sql"].split()[0] for query in queries] == ["UPDATE"]


def test_workers_that_end_together_lose_no_count() -> None:
    """Many runs that end at once, the first of their hour, are all counted."""
    together(lambda: count_refreshes(RunSummary(refreshed=1, refused=2).outcomes), 8)
    assert sum(RefreshHour.objects.values_list("refreshed", flat=True)) == 8
    assert sum(RefreshHour.objects.values_list("refused", flat=True)) == 16


def totals() -> dict[str, int]:
    sums = RefreshHour.objects.aggregate(**{name: Sum(name) for name in RefreshOutcome})
    return {name: count for name, count in sums.items() if count}


def test_a_refresh_on_demand_is_tallied_too(sandbox: Sandbox) -> None:
    """A caller's refresh counts as a run's does, good or bad; waiting for a backoff counts nothing."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "status_503")
    for _ in range(2):
        with pytest.raises(TemporarilyUnavailable):
            get_access_token(connection)
    assert totals() == {"failed": 1}
    make_due(Connection.objects)
    get_access_token(Connection.objects.get())
    assert totals() == {"failed": 1, "refreshed": 1}
    make_due(Connection.objects)
    fault(sandbox, "oauth_error", error="invalid_grant")
    with pytest.raises(ReconnectRequired):
        get_access_token(Connection.objects.get())
    assert totals() == {"failed": 1, "refreshed": 1, "refused": 1}


def test_processes_at_once_lose_no_count(sandbox: Sandbox) -> None:
    """Four processes refresh and count at one moment: the sum is what was requested."""
    sandbox_connections(sandbox, 12)
    with running_workers(4) as processes:
        for _ in range(5):
            make_due(Connection.objects)
            at_once((process, "maintain", ()) for process in processes)
    assert totals() == {"refreshed": requests(sandbox)}


def test_old_hours_are_folded_and_no_sum_falls() -> None:
    """Hours past a week are no longer kept one by one: there is a bound, and the sums stay."""
    now = datetime.now(UTC)
    for age in (3 * HOUR_RETENTION, 2 * HOUR_RETENTION, timedelta(hours=1)):
        with time_machine.travel(now - age):
            count_refreshes(RunSummary(refreshed=2, refused=1, failed=Counter(timeout=3)).outcomes)
            prune()
    before = totals()
    assert before == {"refreshed": 6, "refused": 3, "failed": 9}
    prune()
    prune()
    assert totals() == before
    hours = RefreshHour.objects.order_by("hour").values_list("hour", flat=True)
    assert list(hours) == [BEFORE, hour_of(now - timedelta(hours=1))]


def test_a_refresh_stands_though_it_cannot_be_tallied(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that refuses the count costs no user a token, and the log says so."""

    def fail(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if "refreshhour" in sql:
            raise OperationalError("no room left")
        return execute(sql, *rest)

    connection = sandbox_connection(sandbox, **expired())
    with connections["default"].execute_wrapper(fail):
        get_access_token(connection)
        assert drain().error == ""
    connection.refresh_from_db()
    assert connection.generation == 2
    assert "actionstep_connect.not_counted error=OperationalError" in caplog.text
