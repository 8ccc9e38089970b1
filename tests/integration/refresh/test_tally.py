"""What runs did is tallied by the hour, for the admin's chart."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection as database
from django.db import connections
from django.test.utils import CaptureQueriesContext

from actionstep_connect.crypto import Secret
from actionstep_connect.flows.maintain import drain, maintain
from actionstep_connect.flows.prune import HOUR_RETENTION, prune
from actionstep_connect.flows.refresh import Report
from actionstep_connect.flows.tally import tally
from actionstep_connect.models import Connection, RefreshHour
from actionstep_connect.models.connection import REFRESH_TOKEN
from actionstep_connect.models.refresh_hour import hour_of
from actionstep_connect.testing import Sandbox
from tests.connections import expired, sandbox_connections
from tests.integration.refresh.test_answers import fault
from tests.integration.refresh.test_processes import make_due

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
    """A run with nothing to tell writes nothing; the next hour begins at nought."""
    now = datetime.now(UTC)
    maintain()
    assert not RefreshHour.objects.exists()
    tally(Report(refreshed=3))
    with time_machine.travel(now + timedelta(hours=1)):
        tally(Report(refreshed=5))
    assert list(RefreshHour.objects.order_by("hour").values_list("refreshed", flat=True)) == [3, 5]


def test_a_tally_is_one_statement_once_its_hour_has_begun() -> None:
    """However many connections a run refreshed, telling so costs one UPDATE."""
    tally(Report(refreshed=1))
    with CaptureQueriesContext(database) as queries:
        tally(Report(refreshed=5000))
    assert [query["sql"].split()[0] for query in queries] == ["UPDATE"]


def test_workers_that_end_together_lose_no_count() -> None:
    """Many runs that end at once, the first of their hour, are all counted."""
    gate = threading.Barrier(8)

    def end_a_run() -> None:
        gate.wait()
        try:
            tally(Report(refreshed=1, refused=2))
        finally:
            connections.close_all()

    workers = [threading.Thread(target=end_a_run) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(RefreshHour.objects.values_list("refreshed", flat=True)) == 8
    assert sum(RefreshHour.objects.values_list("refused", flat=True)) == 16


def test_old_hours_are_pruned() -> None:
    """Hours that nobody looks at any more go; there are never more than those of a week."""
    hour = hour_of(datetime.now(UTC))
    RefreshHour.objects.create(hour=hour)
    RefreshHour.objects.create(hour=hour - HOUR_RETENTION - timedelta(hours=1))
    assert prune() == 1
    assert RefreshHour.objects.get().hour == hour
