"""S48: what one row meets stops no other row."""

import logging
import math
from collections.abc import Callable, Generator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, ProgrammingError
from django.db import connection as database
from pytest_django import Settings

from actionstep_connect.api import get_access_token
from actionstep_connect.exceptions import (
    ClientRejected,
    ReconnectRequired,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.flows.refresh import run as engine
from actionstep_connect.models import Connection, Heartbeat
from actionstep_connect.models.connection import REFRESH_TOKEN
from actionstep_connect.secret import Secret
from tests.support.connections import expired, kinds, make_connection, make_user
from tests.support.hostile_server import Answer, HostileServer, Request, grant

pytestmark = pytest.mark.django_db(transaction=True)

HEALTHY = 40


class ChoosyServer(HostileServer):
    """A token endpoint that answers some refresh tokens in a way of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, Answer] = {}

    def receive(self, request: Request) -> Answer:
        answer = super().receive(request)
        return self.answers.get(request.form["refresh_token"], answer)

    def sent(self, token: str) -> int:
        """Return how often `token` was presented."""
        return [request.form["refresh_token"] for request in self.requests].count(token)


@pytest.fixture
def server(settings: Settings) -> Generator[ChoosyServer]:
    """Yield a choosy token endpoint, and settings that lead to it."""
    with ChoosyServer() as server:
        settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **server.settings()}
        yield server


def rejection(error: str = "unauthorized_client") -> Answer:
    return Answer(status=400, body={"error": error})


def longest_due(count: int, **values: Any) -> list[Connection]:
    """Store connections that are first in the line, each with a refresh token of its own."""
    long_ago = datetime.now(UTC) - timedelta(hours=5)
    rows = []
    for number in range(count):
        due = expired(refresh_at=long_ago + timedelta(seconds=number), **values)
        rows.append(make_connection(make_user(), refresh_token=f"first-{number}", **due))
    return rows


def healthy_ones(count: int = HEALTHY) -> None:
    for number in range(count):
        make_connection(make_user(), refresh_token=f"healthy-{number}", **expired())


def refreshed() -> int:
    return Connection.objects.filter(generation=2, status="connected").count()


def minutes_later(minutes: float) -> Any:
    return time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes), tick=True)


@pytest.mark.parametrize("error", ["unauthorized_client", "invalid_client"])
def test_s48_a_rejected_row_is_noted_and_the_others_go_first(
    server: ChoosyServer, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One row that Actionstep rejects costs one request; all 40 others are refreshed in the same run."""
    (rejected,) = longest_due(1)
    healthy_ones()
    server.answers = {"first-0": rejection(error)}
    report = maintain()
    assert (report.stopped_by, report.refreshed) == (None, HEALTHY)
    rejected.refresh_from_db()
    assert (rejected.status, rejected.generation, rejected.lease_owner) == ("connected", 1, "")
    assert error in rejected.last_error
    assert (rejected.consecutive_failures, rejected.outcome_unknown_since) == (1, None)
    assert rejected.refresh_at is not None
    assert rejected.refresh_at > datetime.now(UTC) + timedelta(seconds=30)
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [getattr(record, "connection_id", "") for record in warnings] == [str(rejected.pk)]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("count", [2, 5, 12])
def test_s48_however_many_rows_are_rejected_the_others_are_refreshed(
    server: ChoosyServer, count: int
) -> None:
    """Rejected rows at the head of the line hold the others up for a few minutes at most."""
    longest_due(count)
    healthy_ones()
    server.answers = {f"first-{number}": rejection() for number in range(count)}
    for minute in range(count // 3 + 1):
        with minutes_later(minute):
            report = maintain()
    assert refreshed() == HEALTHY
    assert report.stopped_by is None
    assert all(server.sent(token) <= 3 for token in server.answers)


def test_s48_a_rejected_row_backs_off_further_each_time(server: ChoosyServer) -> None:
    """The row is tried again forever, at most about ten minutes apart, and serves once it may."""
    (row,) = longest_due(1)
    server.answers = {"first-0": rejection()}
    moment, waits = datetime.now(UTC), []
    for _ in range(6):
        with time_machine.travel(moment, tick=False):
            maintain()
            row.refresh_from_db()
            assert row.refresh_at is not None
            waits.append(row.refresh_at - moment)
            moment = row.refresh_at
    assert waits[0] < timedelta(minutes=1.5) < waits[3]
    assert max(waits) <= timedelta(minutes=12.5)
    server.answers.clear()
    with time_machine.travel(moment, tick=True):
        assert maintain().refreshed == 1


def test_s48_wrong_credentials_are_told_as_the_sites_fault(server: ChoosyServer) -> None:
    """Three different connections in a row speak for the site, though they came in three runs."""
    for number in range(3):
        with minutes_later(number):
            make_connection(make_user(), refresh_token=f"rejected-{number}", **expired())
            server.answers[f"rejected-{number}"] = rejection("invalid_client")
            report = maintain()
            Connection.objects.update(refresh_at=datetime.now(UTC) + timedelta(days=1))
    assert report.stopped_by == "client_rejected"
    assert "CLIENT_SECRET" in Heartbeat.objects.get().last_error
    with minutes_later(4):
        assert maintain().stopped_by == "client_rejected"  # Nothing was tried, so it still stands.
        make_connection(make_user(), refresh_token="healthy", **expired())
        assert maintain().stopped_by is None


def test_s48_on_demand_the_caller_learns_of_the_rejection_and_the_row_goes_behind(
    server: ChoosyServer,
) -> None:
    """ClientRejected for the caller who asked; the next one asks Actionstep nothing for a minute."""
    (row,) = longest_due(1)
    server.answers = {"first-0": rejection()}
    with pytest.raises(ClientRejected):
        get_access_token(row)
    with pytest.raises(TemporarilyUnavailable, match="unauthorized_client"):
        get_access_token(row)
    assert server.sent("first-0") == 1
    with minutes_later(1.1), pytest.raises(ClientRejected):
        get_access_token(row)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=400, body={"error": "invalid_grant"}),
        Answer(status=500),
        Answer(drop=True),
        Answer(body=grant(refresh_token=None, access_token=None)),
        Answer(body="<html>"),
        Answer(body=grant(orgkey="another")),
    ],
    ids=["refused", "500", "dropped", "no-tokens", "html", "other-organisation"],
)
def test_s48_no_answer_to_one_row_holds_up_the_others(server: ChoosyServer, answer: Answer) -> None:
    """Three rows at the head of the line that are answered badly; all others are refreshed at once."""
    longest_due(3)
    healthy_ones()
    server.answers = {f"first-{number}": answer for number in range(3)}
    report = maintain()
    assert report.stopped_by is None
    healthy = Connection.objects.filter(generation=2, orgkey="acmelaw", status="connected")
    assert healthy.count() == HEALTHY, report


def test_s48_only_a_rejection_is_logged_as_a_warning(
    server: ChoosyServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be the site's trouble; what else became of a row is information."""
    rejected, good = longest_due(2)
    server.answers["first-0"] = rejection()
    with caplog.at_level(logging.INFO, logger="actionstep_connect"):
        maintain()
    refreshes = [vars(each) for each in caplog.records if "connection_id" in vars(each)]
    logged = {each["connection_id"]: (each["levelname"], each["outcome"]) for each in refreshes}
    assert logged == {
        str(rejected.pk): ("WARNING", "failed"),
        str(good.pk): ("INFO", "refreshed"),
    }


def test_s48_a_row_that_cannot_be_decrypted_holds_up_no_other(server: ChoosyServer) -> None:
    """Whatever stands in place of its tokens."""
    for text in ("v1.deadbeef.AAAA", "not an envelope", ""):
        longest_due(1, sealed_refresh_token=text)
    healthy_ones()
    report = maintain()
    assert (report.stopped_by, refreshed()) == (None, HEALTHY)


def stores_of(row: Connection, error: Exception) -> Any:
    """Have every UPDATE of `row` that would store tokens fail."""

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        keys = [str(each).replace("-", "") for each in params or ()]
        if sql.startswith("UPDATE") and "sealed_refresh_token" in sql and row.pk.hex in keys:
            raise error
        return run(sql, params, many, context)

    return database.execute_wrapper(execute)


def test_s48_a_row_that_cannot_be_stored_goes_behind(server: ChoosyServer) -> None:
    """It gets a note and a backoff, as every failure does, and gives its lease back."""
    (row,) = longest_due(1)
    healthy_ones()
    with stores_of(row, ProgrammingError("a trigger of the site's own")):
        report = maintain()
    assert (report.stopped_by, report.refreshed) == (None, HEALTHY)
    row.refresh_from_db()
    assert (row.consecutive_failures, row.lease_owner) == (1, "")
    assert "ProgrammingError" in row.last_error
    assert row.outcome_unknown_since is not None
    assert row.refresh_at is not None
    assert row.refresh_at > datetime.now(UTC)


def test_s48_a_row_that_stays_locked_ends_no_run_late(
    server: ChoosyServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the database takes other writes, one answer is not tried to be stored forever."""
    monkeypatch.setattr(engine, "STORE_TIMEOUT", 0.5)
    (row,) = longest_due(1)
    healthy_ones(5)
    Heartbeat.objects.all().delete()
    with stores_of(row, OperationalError("lock timeout")):
        assert maintain().refreshed == 5
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [getattr(record, "connection_id", "") for record in told] == [str(row.pk)]


def no_event_is_stored(times: float = math.inf) -> Any:
    """Have the next INSERTs of an event fail."""
    failures = count()

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT") and "connectionevent" in sql and next(failures) < times:
            raise ProgrammingError("a trigger of the site's own")
        return run(sql, params, many, context)

    return database.execute_wrapper(execute)


def test_s48_tokens_are_stored_though_their_event_cannot_be(server: ChoosyServer) -> None:
    """A trouble with the audit trail costs no connection its tokens."""
    (row,) = longest_due(1, consecutive_failures=5)
    with no_event_is_stored():
        maintain()
    row.refresh_from_db()
    assert (row.generation, row.consecutive_failures) == (2, 0)


def test_s48_an_event_that_cannot_be_stored_at_once_is_stored_with_its_tokens(
    server: ChoosyServer,
) -> None:
    """One failure, which may have been a time limit, leaves no gap in the audit trail."""
    (row,) = longest_due(1, consecutive_failures=5)
    with no_event_is_stored(times=1):
        maintain()
    row.refresh_from_db()
    assert (row.generation, kinds(row)) == (2, ["recovered"])


def ask_for_a_token() -> None:
    """Do what a page does."""
    with suppress(TemporarilyUnavailable, ReconnectRequired):
        get_access_token(Connection.objects.get())


@pytest.mark.parametrize("way", [maintain, ask_for_a_token])
def test_s48_an_ending_whose_event_cannot_be_stored_waits_for_it(
    server: ChoosyServer, way: Callable[[], Any]
) -> None:
    """No connection ends without its user being told: it backs off, and ends when that is possible."""
    (row,) = longest_due(1, consecutive_failures=2)
    server.answers["first-0"] = rejection("invalid_grant")
    with no_event_is_stored():
        way()
    row.refresh_from_db()
    assert (row.status, row.consecutive_failures, row.lease_owner) == ("connected", 3, "")
    with minutes_later(5):
        way()
    row.refresh_from_db()
    assert (row.status, row.status_reason) == ("reconnect_required", "refused")
    assert kinds(row) == ["reconnect_required"]


def test_s48_a_row_that_kills_its_worker_takes_no_other_with_it(server: ChoosyServer) -> None:
    """Rows whose last worker died are claimed one by one, when nothing else is under way."""
    lapsed = datetime.now(UTC) - timedelta(minutes=1)
    rows = longest_due(4, lease_owner="dead", lease_expires_at=lapsed, outcome_unknown_since=lapsed)
    healthy_ones(12)
    held: list[int] = []

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "sealed_refresh_token" in sql:
            leased = Connection.objects.exclude(lease_owner__in=["", "dead"])
            if leased.filter(pk__in=[row.pk for row in rows]).exists():
                held.append(leased.count())
        return run(sql, params, many, context)

    with database.execute_wrapper(execute):
        assert maintain().refreshed == 16
    assert held == [1] * 4


def test_s48_many_unreadable_rows_at_once_are_not_their_users_affair(server: ChoosyServer) -> None:
    """A database whose users were renumbered is not emptied: the run stops after twenty."""
    rows = longest_due(30)
    moved = rows[0].seal(REFRESH_TOKEN, Secret("another row's"))
    Connection.objects.exclude(pk=rows[0].pk).update(sealed_refresh_token=moved)
    Connection.objects.filter(pk=rows[0].pk).delete()
    report = maintain()
    assert report.stopped_by == "refusals"
    assert Connection.objects.filter(status="reconnect_required").count() == 20
