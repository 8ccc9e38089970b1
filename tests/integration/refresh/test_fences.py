"""Leases and generations: whose answer counts, and when nothing may be sent any more."""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.db.models.functions import Now
from pytest_django import Settings

from actionstep_connect.api import disconnect
from actionstep_connect.flows.refresh import refresh_due
from actionstep_connect.flows.refresh.claim import (
    Claim,
    claim_due,
    claim_lapsed,
    give_back,
    new_owner,
)
from actionstep_connect.flows.refresh.renew import Failed, NotSent, Refused, Renewed, renew
from actionstep_connect.flows.refresh.store import store, store_failed
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.connections import (
    expired,
    make_connection,
    make_user,
    sandbox_connection,
    sandbox_connections,
)
from tests.support.gate import close_gate, meanwhile
from tests.support.hostile_server import HostileServer, grant
from tests.support.person import Person, callback_url
from tests.support.sandbox import fault, requests

pytestmark = pytest.mark.django_db(transaction=True)

INVALID_GRANT: dict[str, Any] = {"status": 400, "body": {"error": "invalid_grant"}}


def claimed() -> Claim:
    (claim,) = claim_due(limit=1, owner=new_owner()) or claim_lapsed(owner=new_owner())
    return claim


def let_leases_lapse() -> None:
    """Have every lease end in the past, as if its owner had been gone for minutes."""
    Connection.objects.exclude(lease_owner="").update(lease_expires_at=Now() - timedelta(seconds=1))


def only() -> Connection:
    return Connection.objects.get()


def test_s23_a_refusal_of_an_older_token_does_not_count(endpoint: HostileServer) -> None:
    """A token that was refused after another had taken its place harms no one."""
    connection = make_connection(make_user(), **expired())
    gate = close_gate(endpoint, **INVALID_GRANT)
    with meanwhile(refresh_due) as result:
        gate.wait()
        let_leases_lapse()
        endpoint.answer(body={"access_token": "new", "refresh_token": "newer"})
        refresh_due()
        gate.open()
    assert result.get().superseded == 1
    connection.refresh_from_db()
    assert (connection.status, connection.generation) == ("connected", 2)
    assert connection.open_refresh_token().reveal() == "newer"


def test_s23_a_refusal_by_a_former_owner_does_not_count(endpoint: HostileServer) -> None:
    """A process that lost its lease cannot mark a row dead while another is presenting the same token."""
    make_connection(make_user(), **expired())
    late = claimed()
    let_leases_lapse()
    owner = claimed()
    assert store(late, Refused()) is None
    store_failed(late, Refused(), OperationalError())
    row = only()
    assert (row.status, row.lease_owner) == ("connected", owner.owner)
    assert row.consecutive_failures == 0


def test_s24_a_lease_outlasts_the_http_time_limit(settings: Settings) -> None:
    """By the database's own clock there is room for two whole exchanges and a minute."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "HTTP_TIMEOUT": 45}
    make_connection(make_user(), **expired())
    claimed()
    assert Connection.objects.filter(lease_expires_at__gt=Now() + timedelta(seconds=145)).exists()
    until, since = only().lease_expires_at, only().outcome_unknown_since  # One statement set both.
    assert until is not None
    assert since is not None
    assert abs(until - since - timedelta(seconds=150)) < timedelta(milliseconds=5)


def test_s24_nobody_else_claims_a_row_under_lease() -> None:
    """Until the lease lapses; then anybody may, and nothing else is due before it."""
    make_connection(make_user(), **expired())
    claimed()
    assert claim_due(limit=5, owner=new_owner()) == []
    let_leases_lapse()
    assert claim_due(limit=5, owner=new_owner()) == []
    assert len(claim_lapsed(owner=new_owner())) == 1


def test_s24_lapsed_leases_are_taken_last() -> None:
    """A row that kills its workers does not starve the others, however long it is overdue."""
    long_ago = datetime.now(UTC) - timedelta(days=3)
    deadly = make_connection(make_user(), **expired(refresh_at=long_ago))
    claimed()
    let_leases_lapse()
    others = {make_connection(make_user(), **expired()).pk for _ in range(2)}
    assert {claim.id for claim in claim_due(limit=3, owner=new_owner())} == others
    assert [claim.id for claim in claim_lapsed(owner=new_owner())] == [deadly.pk]


def test_s24_a_lease_is_released_only_by_its_owner() -> None:
    """Neither a late return nor a late failure ends the lease of another."""
    make_connection(make_user(), **expired())
    late = claimed()
    let_leases_lapse()
    owner = claimed()
    give_back([late])
    store(late, NotSent())
    row = only()
    assert row.lease_owner == owner.owner
    assert row.lease_expires_at is not None
    assert row.outcome_unknown_since is not None


def test_s19_claims_given_back_together_keep_what_each_knew() -> None:
    """A token that may have been spent before stays marked; one that was not is as before its claim."""
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    marked = make_connection(make_user(), **expired(outcome_unknown_since=long_ago))
    fresh = make_connection(make_user(), **expired())
    assert give_back(claim_due(limit=2, owner=new_owner())) == 2
    rows = {row.pk: row for row in Connection.objects.all()}
    assert rows[marked.pk].outcome_unknown_since == long_ago
    assert rows[fresh.pk].outcome_unknown_since is None
    assert {row.lease_owner for row in rows.values()} == {""}


def test_s24_a_late_failure_changes_nothing(sandbox: Sandbox) -> None:
    """It counts for no one: another is at work on the row."""
    sandbox_connection(sandbox, **expired())
    late = claimed()
    fault(sandbox, "status_503")
    outcome = renew(late)
    assert isinstance(outcome, Failed)
    let_leases_lapse()
    owner = claimed()
    before = Connection.objects.values().get()
    assert store(late, outcome) is None
    assert Connection.objects.values().get() == before
    assert before["lease_owner"] == owner.owner


def test_s24_a_late_answer_never_overwrites_a_newer_token(endpoint: HostileServer) -> None:
    """The answer to an older refresh token comes after the store of a newer one: dropped."""
    make_connection(make_user(), **expired())
    gate = close_gate(endpoint)
    with meanwhile(refresh_due) as result:
        gate.wait()
        let_leases_lapse()
        endpoint.answer(body={"access_token": "new", "refresh_token": "newer"})
        refresh_due()
        gate.open()
    report = result.get()
    assert (report.refreshed, report.superseded) == (0, 1)
    assert only().open_refresh_token().reveal() == "newer"
    assert only().generation == 2


def test_s24_a_good_late_answer_heals_a_row_marked_dead_meanwhile(endpoint: HostileServer) -> None:
    """The successor of the token that was refused to another person is the one that counts."""
    make_connection(make_user(), **expired())
    gate = close_gate(endpoint)
    with meanwhile(refresh_due) as result:
        gate.wait()
        let_leases_lapse()
        endpoint.answer(**INVALID_GRANT)
        refresh_due()
        assert (only().status, only().status_reason) == ("reconnect_required", "interrupted")
        gate.open()
    assert result.get().refreshed == 1
    row = only()
    assert (row.status, row.status_reason, row.lease_owner) == ("connected", "", "")
    assert row.open_refresh_token().reveal() == "canary-refresh-token"
    assert row.refresh_at is not None


@pytest.mark.parametrize("unknown_since", [None, datetime(2026, 1, 1, tzinfo=UTC)])
def test_s24_a_claim_that_runs_short_is_dropped_unsent(
    sandbox: Sandbox, unknown_since: datetime | None
) -> None:
    """Less than HTTP_TIMEOUT of lease is left: nothing is sent, and the row is as before its claim."""
    sandbox_connection(sandbox, **expired(outcome_unknown_since=unknown_since))
    before = Connection.objects.values().get()
    claim = claimed()
    assert only().outcome_unknown_since is not None
    # HTTP_TIMEOUT is 5 seconds here, and the lease 70; it was claimed 65 seconds ago.
    late = claim._replace(begun=claim.begun - 65)
    outcome = renew(late)
    assert isinstance(outcome, NotSent)
    assert requests(sandbox) == 0
    store(late, outcome)
    assert Connection.objects.values().get() == before
    assert isinstance(renew(claimed()._replace(begun=claim.begun - 60)), Renewed)


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="Linux has this clock")
def test_s24_a_claim_runs_short_while_its_machine_sleeps(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What wakes up with a claim from before does not send it: another process may have, meanwhile."""
    sandbox_connection(sandbox, **expired())
    claim, read = claimed(), time.clock_gettime
    asleep = {time.CLOCK_BOOTTIME: 65.0}  # Seconds; the lease is 70, and HTTP_TIMEOUT 5.
    monkeypatch.setattr(time, "clock_gettime", lambda clock: read(clock) + asleep.get(clock, 0))
    assert isinstance(renew(claim), NotSent)
    assert requests(sandbox) == 0


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="Linux has this clock")
def test_s24_what_a_run_did_not_send_is_logged_as_such(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A machine that slept between claim and request gives the row back, and the next run sends it."""
    sandbox_connection(sandbox, **expired())
    read, readings = time.clock_gettime, count()

    def asleep_after_the_first(clock: int) -> float:
        return read(clock) + (65.0 if next(readings) else 0.0)

    monkeypatch.setattr(time, "clock_gettime", asleep_after_the_first)
    with caplog.at_level(logging.INFO, logger="actionstep_connect"):
        report = refresh_due()
    monkeypatch.undo()
    told = [vars(record).get("outcome") for record in caplog.records]
    assert (told[0], report.failed) == ("not_sent", {})
    refresh_due()
    assert only().generation == 2


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="Linux has this clock")
def test_s32_what_fails_oddly_before_it_is_sent_is_noted_by_its_name(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It counts as one failure of its row, raises nothing, and its message is not repeated."""
    sandbox_connection(sandbox, **expired())
    claim = claimed()

    def fail(clock: int) -> float:
        raise OSError("canary")

    monkeypatch.setattr(time, "clock_gettime", fail)
    outcome = renew(claim)
    monkeypatch.undo()
    assert isinstance(outcome, Failed)
    assert (outcome.error.code, outcome.in_transit) == ("unforeseen", False)
    assert store(claim, outcome)
    assert "OSError" in only().last_error
    assert (only().consecutive_failures, requests(sandbox)) == (1, 0)
    (told,) = (vars(record) for record in caplog.records if record.levelname == "ERROR")
    assert (told["event"], told["error"]) == ("actionstep_connect.unforeseen", "OSError")
    assert "canary" not in caplog.text


def test_s24_an_answer_that_is_stored_twice_replaces_none_that_came_between(
    sandbox: Sandbox,
) -> None:
    """What was struck just after its store is stored again, and finds that the row has moved on."""
    sandbox_connection(sandbox, **expired())
    first = claimed()
    outcome = renew(first)
    assert store(first, outcome)
    Connection.objects.update(refresh_at=datetime.now(UTC))
    second = claimed()
    assert store(first, outcome) is None
    assert store(second, renew(second))
    assert only().generation == 3


def lose_a_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the next claim committed, and the database gone before it says so."""
    losses = iter([OperationalError("server closed the connection unexpectedly")])
    database = connections["default"]
    commit = database.commit

    def lose() -> None:
        for error in losses:
            raise error

    def commit_and_lose() -> None:
        commit()
        lose()

    def read_and_lose(execute: Any, sql: str, *more: Any) -> Any:
        if sql.startswith("SELECT") and '"lease_owner" = ' in sql:
            lose()
        return execute(sql, *more)

    if database.features.has_select_for_update_skip_locked:
        monkeypatch.setattr(database, "commit", commit_and_lose)
    else:
        monkeypatch.setattr(database, "execute_wrappers", [read_and_lose])


def test_s47_a_claim_whose_commit_was_not_confirmed_is_given_back(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it was sent: the rows are as before, and the next run takes them."""
    sandbox_connections(sandbox, 3, **expired())
    lose_a_claim(monkeypatch)
    report = refresh_due()
    assert (report.stopped_by, requests(sandbox)) == ("database", 0)
    untouched = {"lease_owner": "", "lease_expires_at": None, "outcome_unknown_since": None}
    assert Connection.objects.filter(**untouched).count() == 3
    assert refresh_due().refreshed == 3


def test_an_unknown_outcome_is_recorded_before_anything_is_sent(endpoint: HostileServer) -> None:
    """The mark is committed while the request is on its way, and an older one stays as it was."""
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    marked = make_connection(make_user(), **expired(outcome_unknown_since=long_ago))
    fresh = make_connection(make_user(), **expired())
    gates = [close_gate(endpoint), close_gate(endpoint)]
    with meanwhile(refresh_due):
        gates[0].wait(requests=2)
        rows = {row.pk: row for row in Connection.objects.all()}
        for gate in gates:
            gate.open()
    assert rows[marked.pk].outcome_unknown_since == long_ago
    assert rows[fresh.pk].outcome_unknown_since is not None
    assert not Connection.objects.exclude(outcome_unknown_since=None).exists()


def test_s28_a_disconnect_during_a_refresh_wins(endpoint: HostileServer) -> None:
    """The answer that comes afterwards does not bring the connection back."""
    connection = make_connection(make_user(), **expired())
    gate = close_gate(endpoint)
    with meanwhile(refresh_due) as result:
        gate.wait()
        disconnect(connection)
        gate.open()
    assert result.get().superseded == 1
    row = only()
    assert (row.status, row.sealed_access_token, row.sealed_refresh_token) == (
        "disconnected",
        "",
        "",
    )
    assert row.refresh_at is None


@pytest.mark.parametrize("late", [{}, INVALID_GRANT], ids=["good", "refused"])
def test_s28_a_reconnect_during_a_refresh_wins(
    endpoint: HostileServer, late: dict[str, Any]
) -> None:
    """What comes of the former refresh token, good or bad, does not touch the new connection."""
    person = Person(make_connection(make_user(), **expired()).user)
    gate = close_gate(endpoint, **late)
    with meanwhile(refresh_due) as result:
        gate.wait()
        endpoint.answer(body=grant(refresh_token="newer-refresh-token"))
        person.come_back(callback_url(person.start()))
        row = only()
        assert (row.generation, row.lease_owner) == (2, "")
        new = row.sealed_refresh_token
        gate.open()
    assert result.get().superseded == 1
    row = only()
    assert (row.status, row.generation, row.sealed_refresh_token) == ("connected", 2, new)
    Connection.objects.update(refresh_at=datetime.now(UTC))
    assert refresh_due().refreshed == 1
    assert endpoint.requests[-1].form["refresh_token"] == "newer-refresh-token"


def test_s28_saving_a_stale_instance_raises(sandbox: Sandbox) -> None:
    """It cannot bring back the token that a worker has spent meanwhile."""
    sandbox_connection(sandbox, **expired())
    stale = only()
    refresh_due()
    present = Connection.objects.values().get()
    stale.last_error = "whatever a site may do"
    with pytest.raises(ValueError, match="only the flows write"):
        stale.save()
    with pytest.raises(ValueError, match="only the flows write"):
        stale.save(update_fields=["orgkey", "sealed_refresh_token"])
    stale.save(update_fields=["orgkey"])
    assert Connection.objects.values().get() == present


def test_threads_that_cannot_be_started_cost_no_claim(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a container's limit of threads a run uses those it has, ends, and holds nothing."""
    sandbox_connections(sandbox, 20, **expired())

    start = threading.Thread.start
    started: list[threading.Thread] = []

    def start_two(thread: threading.Thread) -> None:
        if thread.name.startswith("actionstep"):
            if len(started) == 2:
                raise RuntimeError("can't start new thread")
            started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_two)
    report = refresh_due()
    monkeypatch.undo()
    assert report.stopped_by == "threads"
    assert not Connection.objects.exclude(lease_owner="", outcome_unknown_since=None).exists()
    assert Connection.objects.filter(generation=2).count() == report.refreshed > 0
    assert refresh_due().refreshed == 20 - report.refreshed


@pytest.mark.mysql
def test_s24_summer_time_ends_no_lease() -> None:
    """Where MySQL keeps its country's time, an hour that is left out shortens no lease."""
    make_connection(make_user(), **expired())
    database = connections["default"]
    try:
        with database.cursor() as cursor:
            cursor.execute("SET time_zone = '+10:00'")
        claimed()
        with database.cursor() as cursor:
            cursor.execute("SET time_zone = '+11:00'")
        assert (claim_due(limit=1, owner=new_owner()) or claim_lapsed(owner=new_owner())) == []
        lease, since = only().lease_expires_at, only().outcome_unknown_since
    finally:
        database.close()
    assert lease is not None
    assert since is not None
    assert timedelta(0) < lease - datetime.now(UTC) < timedelta(minutes=3)
    assert abs(datetime.now(UTC) - since) < timedelta(minutes=1)


def test_another_spelling_of_the_organisation_is_no_other_organisation(
    endpoint: HostileServer,
) -> None:
    """Upper case in an answer does not end a connection."""
    make_connection(make_user(), **expired())
    endpoint.answer(body=grant(orgkey="AcmeLaw"))
    refresh_due()
    assert (only().status, only().orgkey) == ("connected", "acmelaw")
