"""The whole answer table: what each answer of the token endpoint does to a connection."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
import time_machine
from authlib.integrations.httpx_client import OAuth2Client
from django.db import OperationalError
from django.db import connection as database
from pytest_django import Settings

from actionstep_connect import policy
from actionstep_connect.flows.refresh import refresh_due
from actionstep_connect.models import Connection, EventKind
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, kinds, sandbox_connection, sandbox_connections
from tests.support.sandbox import fault, requests

pytestmark = pytest.mark.django_db(transaction=True)


def refreshed(connection: Connection) -> Connection:
    """Run once, and return the row as it is then."""
    refresh_due()
    connection.refresh_from_db()
    return connection


def test_s20_a_good_answer_clears_everything_that_was_wrong(sandbox: Sandbox) -> None:
    """Failures, flag, unknown outcome and error go; the connection says that it recovered."""
    now = datetime.now(UTC)
    connection = sandbox_connection(
        sandbox,
        **expired(
            flagged_at=now,
            outcome_unknown_since=now - timedelta(days=1),
            consecutive_failures=5,
            last_error="timeout",
            last_failed_at=now - timedelta(hours=1),
        ),
    )
    row = refreshed(connection)
    assert (row.flagged_at, row.outcome_unknown_since, row.last_failed_at) == (None, None, None)
    assert (row.consecutive_failures, row.last_error, row.lease_owner) == (0, "", "")
    assert row.lease_expires_at is None
    assert kinds(row) == [EventKind.RECOVERED]


@pytest.mark.parametrize(
    ("failures", "told"), [(1, []), (2, []), (3, ["recovered"]), (4, ["recovered"])]
)
def test_s20_only_what_was_said_to_fail_is_said_to_have_recovered(
    sandbox: Sandbox, failures: int, told: list[str]
) -> None:
    """From the third failure in a row on, which is told, so is the success that follows."""
    connection = sandbox_connection(sandbox, **expired(consecutive_failures=failures))
    assert kinds(refreshed(connection)) == told


@pytest.mark.parametrize(
    ("members", "has_access_token"),
    [
        ({"changes": {"expires_in": "3600"}}, True),
        ({"changes": {"expires_in": 3600.7}}, True),
        ({"remove": ["expires_in"]}, True),
        ({"changes": {"expires_in": 0}}, False),
        ({"changes": {"expires_in": -5}}, False),
        ({"changes": {"expires_in": "soon"}}, False),
        ({"changes": {"expires_in": 10**30}}, False),
        ({"changes": {"expires_in": True}}, False),
        ({"changes": {"expires_in": [1]}}, False),
        ({"changes": {"token_type": "mac"}}, False),
        ({"changes": {"token_type": 7}}, False),
        ({"remove": ["access_token"]}, False),
        ({"changes": {"access_token": ""}}, False),
        ({"changes": {"access_token": "two words"}}, False),
        ({"changes": {"error": "server_error"}}, True),
        ({"changes": {"scope": 'tell"me', "orgkey": ["x"], "api_endpoint": 5}}, True),
        ({"content_type": "text/html"}, True),
        ({"status": 201}, True),
    ],
    ids=repr,
)
def test_s20_no_oddity_throws_away_a_usable_refresh_token(
    sandbox: Sandbox, members: dict[str, Any], has_access_token: bool
) -> None:
    """Whatever else is wrong with a 2xx, its refresh token is stored and serves next time."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "members", **members)
    row = refreshed(connection)
    assert (row.status, row.generation, row.orgkey) == ("connected", 2, "acmelaw")
    assert row.granted_scopes == ["actions", "participants", "timerecords"]
    assert (row.access_token_expires_at is not None) is has_access_token
    assert row.refresh_at is not None
    if not has_access_token:
        assert row.refresh_at <= datetime.now(UTC) + policy.SOON
    with time_machine.travel(row.refresh_at, tick=True):
        assert refreshed(row).generation == 3
    assert row.access_token_expires_at is not None


def test_s20_tokens_without_a_refresh_token_keep_the_old_one_and_its_limit(
    sandbox: Sandbox,
) -> None:
    """The old refresh token stays, and so does the moment of its limit."""
    connection = sandbox_connection(sandbox, **expired())
    limit, sealed = connection.refresh_token_expires_at, connection.sealed_refresh_token
    sandbox.post(
        "sandbox/faults",
        endpoint="token",
        fault="custom",
        status=200,
        body='{"access_token": "only-this", "token_type": "bearer", "expires_in": 3600}',
    )
    row = refreshed(connection)
    assert (row.sealed_refresh_token, row.refresh_token_expires_at) == (sealed, limit)
    assert row.open_access_token().reveal() == "only-this"
    assert row.generation == 2


@pytest.mark.parametrize(
    ("kind", "more", "outcome_is_unknown"),
    [
        ("status_500", {}, True),
        ("status_503", {"retry_after": "120"}, True),
        ("status_429", {}, False),
        ("html", {}, True),
        ("empty", {}, True),
        ("list", {}, True),
        ("json_without_error", {}, True),
        ("huge", {}, True),
        ("error_200", {}, False),
        ("oauth_error", {"error": "invalid_request"}, False),
        ("drop_before", {}, True),
        ("drop_after", {}, True),
        ("custom", {"status": 200, "body": '{"token_type": "bearer"}'}, True),
        ("custom", {"status": 200, "body": '{"access_token": {}, "refresh_token": []}'}, True),
        ("custom", {"status": 200, "body": "[" * 50_000}, True),
        ("redirect", {"location": "http://127.0.0.1:1/"}, True),
    ],
)
def test_s20_no_tokens_leave_the_connection_untouched(
    sandbox: Sandbox, kind: str, more: dict[str, Any], outcome_is_unknown: bool
) -> None:
    """One failure more, backoff, and an unknown outcome where the request may have counted."""
    connection = sandbox_connection(sandbox, **expired())
    before = (connection.sealed_access_token, connection.sealed_refresh_token)
    fault(sandbox, kind, **more)
    row = refreshed(connection)
    assert (row.sealed_access_token, row.sealed_refresh_token) == before
    assert (row.status, row.consecutive_failures, row.generation) == ("connected", 1, 1)
    assert row.last_error
    assert row.refresh_at is not None
    assert row.refresh_at > datetime.now(UTC)
    assert (row.outcome_unknown_since is not None) is outcome_is_unknown


def test_s19_a_lost_answer_is_interrupted_and_says_so(sandbox: Sandbox) -> None:
    """When the token may have been spent, its refusal means that an answer was lost."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "drop_after")
    row = refreshed(connection)
    assert row.outcome_unknown_since is not None
    assert row.refresh_at is not None
    with time_machine.travel(row.refresh_at, tick=True):
        row = refreshed(row)
    assert (row.status, row.status_reason) == ("reconnect_required", "interrupted")
    assert kinds(row) == [EventKind.RECONNECT_REQUIRED]


def test_s19_after_a_dropped_request_the_same_token_is_tried_again_and_serves(
    sandbox: Sandbox,
) -> None:
    """A request that Actionstep never acted on loses nothing."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "drop_before")
    row = refreshed(connection)
    assert row.refresh_at is not None
    with time_machine.travel(row.refresh_at, tick=True):
        row = refreshed(row)
    assert (row.status, row.generation, row.outcome_unknown_since) == ("connected", 2, None)


def test_s29_a_refused_token_is_never_presented_again_by_itself(sandbox: Sandbox) -> None:
    """`invalid_grant` ends it until its user, or an admin, asks."""
    connection = sandbox_connection(sandbox, **expired())
    sandbox.post("sandbox/revoke", user="priya")
    row = refreshed(connection)
    assert (row.status, row.status_reason, row.refresh_at) == (
        "reconnect_required",
        "refused",
        None,
    )
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3), tick=True):
        assert refresh_due().requests == 0
    assert requests(sandbox) == 1


def test_s29_what_an_admin_retried_in_vain_keeps_its_reason(sandbox: Sandbox) -> None:
    """An answer was lost once: that a later try is refused too is no news, and no other reason."""
    ended = {"status": "reconnect_required", "status_reason": "interrupted"}
    connection = sandbox_connection(sandbox, **expired(**ended))
    sandbox.post("sandbox/revoke", user="priya")
    row = refreshed(connection)
    assert (row.status, row.status_reason) == ("reconnect_required", "interrupted")
    assert (row.refresh_at, kinds(row)) == (None, [])


def test_s29_what_ended_without_a_reason_gets_one(sandbox: Sandbox) -> None:
    """Where a row says only that it ended, a try in vain says why, and its user is told."""
    connection = sandbox_connection(sandbox, **expired(status="reconnect_required"))
    sandbox.post("sandbox/revoke", user="priya")
    row = refreshed(connection)
    assert (row.status, row.status_reason) == ("reconnect_required", "refused")
    assert kinds(row) == [EventKind.RECONNECT_REQUIRED]


def test_s20_without_a_known_limit_the_next_refresh_is_planned_all_the_same(
    sandbox: Sandbox, settings: Settings
) -> None:
    """An idle connection's refresh token is taken to be as new as the answer that kept it."""
    config = {**settings.ACTIONSTEP_CONNECT, "IDLE_AFTER": timedelta(days=1)}
    settings.ACTIONSTEP_CONNECT = config
    long_ago = datetime.now(UTC) - timedelta(days=9)
    values = expired(refresh_token_expires_at=None, last_used_at=long_ago, connected_at=long_ago)
    connection = sandbox_connection(sandbox, **values)
    fault(sandbox, "members", remove=["refresh_token"])
    row = refreshed(connection)
    assert (row.generation, row.refresh_token_expires_at) == (2, None)
    assert row.refresh_at is not None
    assert timedelta(days=3) < row.refresh_at - datetime.now(UTC) < timedelta(days=21)


def test_another_organisation_is_kept_but_never_used(sandbox: Sandbox) -> None:
    """Tokens of another organisation are stored unusable, and the user is asked to reconnect."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "members", changes={"orgkey": "otherfirm"})
    row = refreshed(connection)
    assert (row.status, row.status_reason) == ("reconnect_required", "organisation_changed")
    assert (row.orgkey, row.generation, row.refresh_at) == ("acmelaw", 2, None)
    assert row.open_refresh_token().reveal()
    assert kinds(row) == [EventKind.RECONNECT_REQUIRED]


def test_an_untrusted_api_endpoint_is_not_stored_and_said_once(sandbox: Sandbox) -> None:
    """The tokens are stored, the former endpoint stays, and one event says so."""
    connection = sandbox_connection(sandbox, **expired())
    endpoint = connection.api_endpoint
    fault(sandbox, "members", changes={"api_endpoint": "https://evil.example/api/"}, times=2)
    row = refreshed(connection)
    assert (row.api_endpoint, row.generation, row.status) == (endpoint, 2, "connected")
    assert row.refresh_at is not None
    assert kinds(row) == [EventKind.ENDPOINT_REFUSED]
    with time_machine.travel(row.refresh_at, tick=True):
        row = refreshed(row)
    assert row.generation == 3
    assert kinds(row) == [EventKind.ENDPOINT_REFUSED]


def test_an_untrusted_api_endpoint_fits_its_column_however_it_is_spelt(sandbox: Sandbox) -> None:
    """What is said of it is cut off, and costs no tokens on a database that counts characters."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "members", changes={"api_endpoint": "\0" * 100})
    row = refreshed(connection)
    assert (row.generation, len(row.last_error)) == (2, 200)
    assert kinds(row) == [EventKind.ENDPOINT_REFUSED]


def test_scope_in_an_answer_is_authoritative(sandbox: Sandbox) -> None:
    """What Actionstep says it grants replaces what was stored, and is an event."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "members", changes={"scope": "timerecords users"})
    row = refreshed(connection)
    assert row.granted_scopes == ["timerecords", "users"]
    assert kinds(row) == [EventKind.SCOPES_CHANGED]


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
def test_a_refused_client_ends_no_connection(sandbox: Sandbox, error: str) -> None:
    """The row gets a note and a backoff; its tokens and its status are as before."""
    sandbox_connection(sandbox)
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "oauth_error", error=error)
    report = refresh_due()
    assert (report.stopped_by, report.failed) == (None, {error: 1})
    row = Connection.objects.get(pk=connection.pk)
    assert (row.status, row.generation, row.lease_owner) == ("connected", 1, "")
    assert row.sealed_refresh_token == connection.sealed_refresh_token
    assert (row.outcome_unknown_since, row.consecutive_failures) == (None, 1)
    assert "CLIENT_SECRET" in row.last_error
    assert row.refresh_at is not None
    assert row.refresh_at > datetime.now(UTC)


def test_s32_a_row_that_cannot_be_opened_stops_nobody(sandbox: Sandbox) -> None:
    """An unreadable row backs off, and its neighbours are refreshed."""
    broken = sandbox_connection(sandbox, **expired(sealed_refresh_token="v1.deadbeef.AAAA"))
    healthy = sandbox_connection(sandbox, **expired())
    assert refreshed(healthy).generation == 2
    broken.refresh_from_db()
    assert (broken.status, broken.generation, broken.consecutive_failures) == ("connected", 1, 1)
    assert broken.refresh_at is not None
    assert broken.refresh_at > datetime.now(UTC)
    assert broken.outcome_unknown_since is None


def stores(change: Callable[[UUID], None]) -> Any:
    """Call `change` with the id of each connection whose tokens are about to be stored."""
    ids = {each.hex for each in Connection.objects.values_list("pk", flat=True)}

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "sealed_refresh_token" in sql:
            hexadecimal = [str(each).replace("-", "") for each in params]
            change(UUID(next(each for each in hexadecimal if each in ids)))
        return run(sql, params, many, context)

    return database.execute_wrapper(execute)


def test_s32_a_row_that_cannot_be_stored_for_a_while_holds_nobody_up(sandbox: Sandbox) -> None:
    """While someone's lock keeps one row from being stored the other answers are."""
    locked, *_ = sandbox_connections(sandbox, 12, **expired())
    tries = []

    def refuse(pk: UUID) -> None:
        if pk == locked.pk:
            tries.append(Connection.objects.filter(generation=2).count())
            if tries[-1] < 11 and len(tries) < 60:
                raise OperationalError("canceling statement due to lock timeout")

    with stores(refuse):
        assert refresh_due().refreshed == 12
    assert tries[-1] == 11


def test_s32_a_row_whose_store_fails_oddly_stops_nobody(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """What no one thought of is told as an error, however long its name, and the neighbours are stored."""
    odd, *_ = sandbox_connections(sandbox, 12, **expired())
    error = type("Odd" * 100, (ValueError,), {})

    def fail(pk: UUID) -> None:
        if pk == odd.pk:
            raise error("canary")

    with stores(fail):
        assert refresh_due().refreshed == 11
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert {getattr(record, "event", "") for record in told} == {"actionstep_connect.store_failed"}
    odd.refresh_from_db()
    assert (odd.consecutive_failures, len(odd.last_error)) == (1, 200)


def test_s32_a_request_that_fails_oddly_stops_nobody(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a library raises is told as an error, counts as unknown, and is tried again."""
    sandbox_connections(sandbox, 12, **expired())
    send, calls = OAuth2Client.refresh_token, count()

    def fail_once(*arguments: Any, **more: Any) -> Any:
        if next(calls) == 0:
            raise RuntimeError("canary")
        return send(*arguments, **more)

    monkeypatch.setattr(OAuth2Client, "refresh_token", fail_once)
    assert refresh_due().refreshed == 11
    row = Connection.objects.get(generation=1)
    assert row.outcome_unknown_since is not None
    assert row.consecutive_failures == 1
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [getattr(record, "event", "") for record in told] == ["actionstep_connect.unforeseen"]
    assert "canary" not in caplog.text


def test_s30_retry_after_is_honoured_as_seconds_and_as_a_date(sandbox: Sandbox) -> None:
    """The next attempt waits as long as Actionstep asks, up to an hour."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "status_429", retry_after="1800")
    row = refreshed(connection)
    assert row.refresh_at is not None
    assert row.refresh_at - datetime.now(UTC) > timedelta(minutes=29)
    other = sandbox_connection(sandbox, **expired())
    date = (datetime.now(UTC) + timedelta(days=9)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    fault(sandbox, "status_503", retry_after=date)
    row = refreshed(other)
    assert row.refresh_at is not None
    assert timedelta(minutes=59) < row.refresh_at - datetime.now(UTC) <= timedelta(hours=1)


def test_s30_backoff_grows_is_capped_and_is_cleared_by_success(sandbox: Sandbox) -> None:
    """Failures wait longer and longer, never beyond the cap; the third is told, and the recovery."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "status_500", times=12)
    waits = []
    moment = datetime.now(UTC)
    for _ in range(12):
        with time_machine.travel(moment, tick=False):
            row = refreshed(connection)
            assert row.refresh_at is not None
            waits.append(row.refresh_at - moment)
            moment = row.refresh_at
    assert waits[0] < timedelta(minutes=1) < waits[4]
    assert max(waits) <= policy.MAX_BACKOFF * 1.25
    with time_machine.travel(moment, tick=False):
        row = refreshed(connection)
    assert (row.consecutive_failures, row.last_failed_at) == (0, None)
    assert kinds(row) == [EventKind.REFRESH_FAILING, EventKind.RECOVERED]
