"""Runs under trouble: outages, refusals of a whole fleet, wrong clocks, and time."""

import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection as database
from django.db import connections
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from actionstep_connect.flows.maintain import maintain, may_share_backlog
from actionstep_connect.flows.refresh import refresh_due
from actionstep_connect.models import Connection, ConnectionEvent, Heartbeat
from actionstep_connect.signals import connection_recovered
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_connection, make_user, sandbox_connections
from tests.support.hostile_server import Answer, HostileServer
from tests.support.sandbox import fault, requests

pytestmark = pytest.mark.django_db(transaction=True)


def test_s30_an_outage_costs_a_handful_of_requests(sandbox: Sandbox) -> None:
    """However many are due, a run in an outage stops early; afterwards all are refreshed."""
    sandbox_connections(sandbox, 100, **expired())
    fault(sandbox, "status_503", times=None)
    report = maintain()
    assert report.stopped_by == "outage"
    assert requests(sandbox) <= 20
    assert not Connection.objects.exclude(lease_owner="").exists()
    sandbox.delete("sandbox/faults")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2), tick=True):
        assert maintain().stopped_by is None
    assert Connection.objects.filter(generation=2, flagged_at=None).count() == 100


def test_s29_twenty_refusals_in_a_row_stop_the_run_and_kill_nothing_more(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """A fleet refused at once is reported as the site's fault; later runs probe one at a time."""
    sandbox_connections(sandbox, 60, **expired())
    fault(sandbox, "oauth_error", error="invalid_grant", times=None)
    report = maintain()
    assert (report.stopped_by, report.refused) == ("refusals", 20)
    assert Connection.objects.filter(status="reconnect_required").count() == 20
    assert "20 connections in a row" in Heartbeat.objects.get().last_error
    assert maintain().refused == 1
    sandbox.delete("sandbox/faults")
    report = maintain()
    assert (report.refreshed, report.refused) == (39, 0)
    assert Heartbeat.objects.get().summary["refusals_in_a_row"] == 0
    shouts = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(shouts) == 1


def test_scattered_refusals_do_not_stop_a_run(sandbox: Sandbox) -> None:
    """Twenty-five refusals among successes are twenty-five users' own affairs."""
    sandbox_connections(sandbox, 25, **expired())
    sandbox.post("sandbox/revoke", user="priya")
    healthy = sandbox_connections(sandbox, 50, **expired())
    due = list(Connection.objects.order_by("pk"))
    for number, row in enumerate(due):
        # Two healthy ones between any two refused ones.
        place = 3 * number if row.pk not in {one.pk for one in healthy} else 3 * number + 1
        Connection.objects.filter(pk=row.pk).update(
            refresh_at=datetime.now(UTC) - timedelta(minutes=90) + timedelta(seconds=place % 75)
        )
    report = refresh_due()
    assert (report.refreshed, report.refused, report.stopped_by) == (50, 25, None)


def test_a_refused_client_secret_shouts_once_and_is_in_the_heartbeat(
    sandbox: Sandbox, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong secret ends nothing, is one error in the log however many runs there are, and passes."""
    sandbox_connections(sandbox, 10, **expired())
    right = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**right, "CLIENT_SECRET": "not-the-secret"}
    for _ in range(3):
        maintain()
    assert not Connection.objects.exclude(status="connected", generation=1).exists()
    heartbeat = Heartbeat.objects.get()
    assert heartbeat.summary["stopped_by"] == "client_rejected"
    assert "CLIENT_SECRET" in heartbeat.last_error
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    settings.ACTIONSTEP_CONNECT = right
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2), tick=True):
        report = maintain()
    assert (report.refreshed, report.stopped_by) == (10, None)


def test_a_changed_client_id_touches_nothing_and_shouts_once(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Connections of another client id are never sent with this one; one error says so."""
    sandbox_connections(sandbox, 3, **expired(client_id="former-client"))
    before = list(Connection.objects.order_by("pk").values())
    for _ in range(3):
        assert maintain().due == 0
    assert requests(sandbox) == 0
    assert list(Connection.objects.order_by("pk").values()) == before
    heartbeat = Heartbeat.objects.get()
    assert heartbeat.summary["orphaned"] == 3
    assert "CLIENT_ID" in heartbeat.last_error
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


def test_an_outage_in_which_nothing_answers_is_called_one(
    endpoint: HostileServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few requests fit into a run when each of them takes its whole time; no other worker helps."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "HTTP_TIMEOUT": 0.5}
    for _ in range(30):
        make_connection(make_user(), **expired())
    endpoint.script([Answer(silent=True)] * 30)
    hurried = SimpleNamespace(monotonic=lambda: time.monotonic() * 200)
    monkeypatch.setattr("actionstep_connect.flows.refresh.run.time", hurried)
    report = maintain()
    assert report.stopped_by == "outage"
    assert report.requests < 12
    assert "did not answer" in Heartbeat.objects.get().last_error
    assert not may_share_backlog()


def test_a_run_ends_in_time_and_says_that_more_is_due(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After 55 s less one exchange nothing more is sent, and the rest goes back unclaimed."""
    sandbox_connections(sandbox, 60, **expired())
    clock = SimpleNamespace(monotonic=lambda: 2.0 * requests(sandbox))
    monkeypatch.setattr("actionstep_connect.flows.refresh.run.time", clock)
    report = refresh_due()
    # HTTP_TIMEOUT is 5 s: at two seconds a request, 25 fit into 50 s, and some were on their way.
    assert report.stopped_by == "time"
    assert 25 <= report.refreshed < 50
    assert not Connection.objects.exclude(lease_owner="").exists()


def test_s25_a_receiver_that_raises_undoes_nothing(sandbox: Sandbox) -> None:
    """Receivers run after the last store of the run, and their exceptions go no further."""
    sandbox_connections(sandbox, 6, **expired(consecutive_failures=5))
    stored_by_then = []

    def receive(**_: Any) -> None:
        stored_by_then.append(Connection.objects.filter(generation=2).count())
        raise RuntimeError("a receiver's own trouble")

    connection_recovered.connect(receive)
    assert maintain().refreshed == 6
    connection_recovered.disconnect(receive)
    assert stored_by_then == [6] * 6


def test_s31_no_transaction_is_open_during_http(sandbox: Sandbox) -> None:
    """While requests are on their way another connection writes the same rows without waiting."""
    sandbox_connections(sandbox, 4, **expired())
    fault(sandbox, "slow", times=4, seconds=1)
    written = []

    def write() -> None:
        try:
            while not sandbox.get("sandbox/state")["counters"]["most_token_requests_at_once"]:
                pass
            begun = time.monotonic()
            Connection.objects.update(last_error="written meanwhile")
            written.append(time.monotonic() - begun)
        finally:
            connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    refresh_due()
    thread.join()
    assert written[0] < 0.5


def test_another_environment_is_never_touched(sandbox: Sandbox) -> None:
    """A connection of another environment is not due here."""
    make_connection(make_user(), **expired(environment="staging"))
    assert refresh_due().due == 0


def test_connections_expired_long_ago_are_as_due_as_any(sandbox: Sandbox) -> None:
    """After days without a worker, all are refreshed, and none is flagged on the way."""
    long_ago = datetime.now(UTC) - timedelta(days=15)
    sandbox_connections(
        sandbox,
        8,
        connected_at=long_ago,
        access_token_expires_at=long_ago + timedelta(hours=1),
        refresh_token_expires_at=long_ago + timedelta(days=21),
        refresh_at=long_ago + timedelta(minutes=50),
    )
    assert maintain().refreshed == 8
    assert not ConnectionEvent.objects.exists()


def test_a_clock_22_days_ahead_for_a_while_loses_nothing(
    sandbox: Sandbox, settings: Settings
) -> None:
    """Rows stored under the wrong clock are refreshed in time by the right one; no one is told."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "NOTIFY_USERS": True}
    sandbox_connections(sandbox, 12)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=22), tick=True):
        maintain()
    assert not Connection.objects.exclude(generation=2).exists()
    maintain()
    assert not Connection.objects.exclude(generation=3).exists()
    assert not Connection.objects.filter(
        refresh_at__gt=datetime.now(UTC) + timedelta(hours=1)
    ).exists()
    assert not ConnectionEvent.objects.exists()
    assert mail.outbox == []


def test_a_run_stops_when_asked_and_gives_the_rest_back(sandbox: Sandbox) -> None:
    """What is in flight is stored; what is not goes back as if it had never been claimed."""
    sandbox_connections(sandbox, 80, **expired())
    answered = threading.Event()

    def should_stop() -> bool:
        if Connection.objects.filter(generation=2).count() >= 10:
            answered.set()
        return answered.is_set()

    report = refresh_due(should_stop=should_stop)
    assert report.stopped_by == "shutdown"
    assert 10 <= report.refreshed < 80
    rest = Connection.objects.filter(generation=1)
    assert rest.count() == 80 - report.refreshed
    assert not rest.exclude(lease_owner="", outcome_unknown_since=None).exists()


@pytest.mark.alone
def test_a_slow_database_is_not_outrun(sandbox: Sandbox) -> None:
    """What is claimed, in flight or answered but not stored stays within three times the window."""
    sandbox_connections(sandbox, 200, **expired())
    held: list[int] = []

    def slow(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "sealed_refresh_token" in sql:
            held.append(Connection.objects.filter(generation=1).exclude(lease_owner="").count())
            time.sleep(0.02)
        return execute(sql, params, many, context)

    with database.execute_wrapper(slow):
        report = refresh_due()
    assert report.refreshed == 200
    assert max(held) <= 3 * 16


def test_a_run_begins_gently_and_speeds_up(sandbox: Sandbox) -> None:
    """Four requests are in flight at first, and never more than REFRESH_CONCURRENCY."""
    sandbox_connections(sandbox, 60, **expired())
    fault(sandbox, "slow", times=None, seconds=0.05)
    refresh_due()
    most = sandbox.get("sandbox/state")["counters"]["most_token_requests_at_once"]
    assert 8 <= most <= 16


def test_a_refresh_costs_hardly_more_than_its_store(sandbox: Sandbox) -> None:
    """Claiming and counting cost a fraction of a statement for each connection."""
    sandbox_connections(sandbox, 100, **expired())
    with CaptureQueriesContext(database) as queries:
        refresh_due()
    assert len(queries) <= 175


def test_the_heartbeat_tells_what_a_run_did(sandbox: Sandbox) -> None:
    """When, how long, how many due, refreshed and failed by kind."""
    sandbox_connections(sandbox, 5, **expired())
    fault(sandbox, "status_503")
    maintain()
    heartbeat = Heartbeat.objects.get(pk="maintain_connections")
    assert heartbeat.summary["due"] == 5
    assert heartbeat.summary["refreshed"] == 4
    assert heartbeat.summary["failed"] == {"status_503": 1}
    assert heartbeat.seconds > 0
    assert not heartbeat.is_missing(now=datetime.now(UTC))
    assert heartbeat.is_missing(now=datetime.now(UTC) + timedelta(minutes=4))
