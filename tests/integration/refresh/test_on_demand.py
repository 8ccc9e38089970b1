"""On demand: while the present token lives no one waits; then one refreshes, for all."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest
import time_machine
from django.db import OperationalError, ProgrammingError, connections
from django.db import connection as connection_to_database
from pytest_django import DjangoAssertNumQueries, Settings

from actionstep_connect.api import aget_access_token, arefresh, get_access_token, refresh
from actionstep_connect.exceptions import (
    ClientRejected,
    DecryptionFailed,
    NotConnected,
    ReconnectRequired,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.flows.refresh import refresh_now, replace_refused_token
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_connection, make_user, sandbox_connection
from tests.support.sandbox import fault, requests

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_good_token_in_use_costs_no_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """A loaded connection with a good token, used within the hour, asks the database nothing."""
    user = make_user()
    make_connection(user)
    connection = Connection.objects.get_for_user(user)
    with django_assert_num_queries(0):
        assert get_access_token(connection) == "an-access-token"


def test_use_is_written_at_most_once_an_hour(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """The first use after an hour writes `last_used_at`, the next hundred write nothing."""
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    user = make_user()
    make_connection(user, last_used_at=long_ago)
    connection = Connection.objects.get_for_user(user)
    with django_assert_num_queries(1):
        for _ in range(100):
            get_access_token(connection)
    connection.refresh_from_db()
    assert connection.last_used_at > datetime.now(UTC) - timedelta(minutes=1)


def test_in_its_last_stretch_the_present_token_serves(sandbox: Sandbox) -> None:
    """Due but alive: the worker's business, not the caller's."""
    now = datetime.now(UTC)
    connection = sandbox_connection(
        sandbox,
        refresh_at=now - timedelta(minutes=1),
        access_token_expires_at=now + timedelta(minutes=8),
    )
    get_access_token(connection)
    assert requests(sandbox) == 0


def test_an_expired_token_is_refreshed(sandbox: Sandbox) -> None:
    """The caller gets the new token, and its instance is up to date."""
    connection = sandbox_connection(sandbox, **expired())
    before = connection.open_access_token()
    token = get_access_token(connection)
    assert token != before.reveal()
    assert connection.generation == 2
    assert Connection.objects.get().open_access_token().reveal() == token
    assert get_access_token(connection) == token
    assert requests(sandbox) == 1


def test_min_validity_never_exceeds_half_a_tokens_life(sandbox: Sandbox) -> None:
    """Asking for a day of a one-hour token gets the present one while half of it is left."""
    connection = sandbox_connection(sandbox)
    get_access_token(connection, min_validity=86_400)
    assert requests(sandbox) == 0
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=31), tick=True):
        get_access_token(connection, min_validity=86_400)
    assert requests(sandbox) == 1


def test_s22_fifty_callers_with_an_expired_token_make_one_request(sandbox: Sandbox) -> None:
    """All fifty get the same new token."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "slow", seconds=0.2)

    def call(_: int) -> str:
        try:
            return get_access_token(Connection.objects.get(pk=connection.pk))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as threads:
        tokens = set(threads.map(call, range(50)))
    assert len(tokens) == 1
    assert requests(sandbox) == 1


def test_s22_fifty_async_callers_make_one_request(sandbox: Sandbox) -> None:
    """The same in async code."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "slow", seconds=0.2)
    rows = [Connection.objects.get(pk=connection.pk) for _ in range(50)]

    async def call_all() -> list[str]:
        return await asyncio.gather(*(aget_access_token(row) for row in rows))

    assert len(set(asyncio.run(call_all()))) == 1
    assert requests(sandbox) == 1


def test_waiters_take_a_bad_answer_too(sandbox: Sandbox) -> None:
    """When the one refresh fails, the others fail with it instead of trying in turn."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "status_503", times=None)

    def call(_: int) -> str:
        try:
            get_access_token(Connection.objects.get(pk=connection.pk))
        except TemporarilyUnavailable as error:
            return error.code if error.retry_after else "no retry_after"
        finally:
            connections.close_all()
        return "a token"

    with ThreadPoolExecutor(10) as threads:
        codes = list(threads.map(call, range(10)))
    assert sorted(set(codes)) == ["backing_off", "status_503"]
    assert requests(sandbox) == 1


def test_s30_stored_backoff_is_honoured_for_at_most_a_minute(sandbox: Sandbox) -> None:
    """Within it nothing is sent; however long it is, after a minute a caller may try."""
    now = datetime.now(UTC)
    connection = sandbox_connection(
        sandbox,
        **expired(
            refresh_at=now + timedelta(minutes=30),
            last_failed_at=now - timedelta(seconds=5),
            consecutive_failures=7,
        ),
    )
    with pytest.raises(TemporarilyUnavailable) as caught:
        get_access_token(connection)
    assert caught.value.retry_after is not None
    assert 50 < caught.value.retry_after <= 60
    assert requests(sandbox) == 0
    with time_machine.travel(now + timedelta(seconds=61), tick=True):
        get_access_token(connection)
    assert requests(sandbox) == 1


def test_a_failed_refresh_still_gives_a_token_that_lives(sandbox: Sandbox) -> None:
    """With half a minute left and Actionstep down, the present token is better than none."""
    now = datetime.now(UTC)
    connection = sandbox_connection(
        sandbox,
        connected_at=now - timedelta(minutes=59),
        access_token_expires_at=now + timedelta(seconds=30),
    )
    token = connection.open_access_token().reveal()
    fault(sandbox, "status_503")
    assert get_access_token(connection) == token
    assert requests(sandbox) == 1


def test_a_refused_token_asks_for_a_reconnect(sandbox: Sandbox) -> None:
    """The caller learns it at once, and again without another request."""
    connection = sandbox_connection(sandbox, **expired())
    sandbox.post("sandbox/revoke", user="priya")
    for _ in range(2):
        with pytest.raises(ReconnectRequired):
            get_access_token(connection)
    assert requests(sandbox) == 1


def test_a_refused_client_is_not_the_users_fault(sandbox: Sandbox, settings: Settings) -> None:
    """ClientRejected, and the connection is as it was."""
    connection = sandbox_connection(sandbox, **expired())
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "CLIENT_SECRET": "wrong"}
    with pytest.raises(ClientRejected):
        get_access_token(connection)
    connection.refresh_from_db()
    assert (connection.status, connection.lease_owner) == ("connected", "")
    assert connection.outcome_unknown_since is None


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"status": "disconnected"}, NotConnected),
        ({"status": "reconnect_required"}, ReconnectRequired),
        ({"environment": "staging"}, NotConnected),
        ({"client_id": "former-client"}, ReconnectRequired),
        ({"sealed_access_token": ""}, DecryptionFailed),
    ],
)
def test_s42_without_a_valid_token_it_raises(
    values: dict[str, Any], error: type[Exception]
) -> None:
    """There is no fallback of any kind."""
    with pytest.raises(error):
        get_access_token(make_connection(make_user(), **values))


def test_an_inactive_users_connection_is_kept_and_unusable(sandbox: Sandbox) -> None:
    """It stays in the database; no one can use it."""
    connection = sandbox_connection(sandbox, **expired())
    connection.user.is_active = False
    connection.user.save()
    with pytest.raises(NotConnected):
        get_access_token(connection)
    with pytest.raises(NotConnected) as caught:
        Connection.objects.get_for_user(connection.user)
    assert caught.value.code == "inactive_user"
    assert Connection.objects.get().status == "connected"


def test_refresh_takes_an_answer_that_came_since_it_was_loaded(sandbox: Sandbox) -> None:
    """Two instances of one row, refreshed in turn, make one request."""
    connection = sandbox_connection(sandbox)
    other = Connection.objects.get(pk=connection.pk)
    refresh(connection)
    refresh(other)
    assert (connection.generation, other.generation) == (2, 2)
    assert requests(sandbox) == 1


def test_arefresh_refreshes(sandbox: Sandbox) -> None:
    """The same in async code."""
    connection = sandbox_connection(sandbox)
    asyncio.run(arefresh(connection))
    assert connection.generation == 2


def test_an_admin_may_present_a_refused_token_once_more(sandbox: Sandbox) -> None:
    """After a provider's bad day the connection comes back to life; its user need not reconnect."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "oauth_error", error="invalid_grant")
    maintain()
    connection.refresh_from_db()
    assert connection.status == "reconnect_required"
    with pytest.raises(ReconnectRequired):
        refresh(connection)
    refresh_now(connection, even_if_refused=True)
    assert (connection.status, connection.status_reason) == ("connected", "")


def test_an_admin_learns_that_it_is_still_refused(sandbox: Sandbox) -> None:
    """A second refusal raises, and keeps the reason that the first one had."""
    connection = sandbox_connection(
        sandbox, **expired(status="reconnect_required", status_reason="interrupted")
    )
    sandbox.post("sandbox/revoke", user="priya")
    with pytest.raises(ReconnectRequired):
        refresh_now(connection, even_if_refused=True)
    assert (connection.status, connection.status_reason) == ("reconnect_required", "interrupted")


def test_s43_a_refused_token_is_replaced_once(sandbox: Sandbox) -> None:
    """After a 401 a newer token is adopted, a minute-old one refreshed, a brand-new one kept."""
    connection = sandbox_connection(sandbox)
    assert replace_refused_token(connection, refused=connection.generation) is False
    assert requests(sandbox) == 0
    Connection.objects.update(connected_at=datetime.now(UTC) - timedelta(minutes=5))
    stale = Connection.objects.get()
    connection.refresh_from_db()
    assert replace_refused_token(connection, refused=connection.generation) is True
    assert replace_refused_token(stale, refused=stale.generation) is True
    assert stale.generation == connection.generation == 2
    assert requests(sandbox) == 1


def test_an_idle_connection_springs_back_on_use(sandbox: Sandbox, settings: Settings) -> None:
    """Used again, it is refreshed at once and kept fresh from then on."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "IDLE_AFTER": timedelta(days=2),
    }
    now = datetime.now(UTC)
    connection = sandbox_connection(
        sandbox,
        last_used_at=now - timedelta(days=5),
        connected_at=now - timedelta(days=5),
        access_token_expires_at=now - timedelta(days=4),
        refresh_at=now + timedelta(days=4),
    )
    get_access_token(connection)
    connection.refresh_from_db()
    assert connection.generation == 2
    assert connection.refresh_at is not None
    assert connection.refresh_at < now + timedelta(hours=1)


@pytest.mark.parametrize("seconds", [600, 30])
def test_a_token_that_lives_serves_while_the_database_is_away(seconds: int) -> None:
    """Neither the record of its use nor a refresh before its time is worth failing for."""
    now = datetime.now(UTC)
    connection = make_connection(
        make_user(),
        connected_at=now - timedelta(minutes=50),
        access_token_expires_at=now + timedelta(seconds=seconds),
        last_used_at=now - timedelta(hours=2),
    )

    def away(*_: object) -> NoReturn:
        raise OperationalError("the database is away")

    with connections["default"].execute_wrapper(away):
        assert get_access_token(connection, min_validity=60) == "an-access-token"
        with pytest.raises(OperationalError):
            refresh(connection)
    get_access_token(connection)
    assert Connection.objects.get().last_used_at > now - timedelta(minutes=1)


def failing(*tables: str, verb: str) -> Any:
    """Have every statement with that verb fail on `tables`, as a site's own trigger would."""

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(verb) and any(table in sql for table in tables):
            raise ProgrammingError("a trigger of the site's own")
        return run(sql, params, many, context)

    return connection_to_database.execute_wrapper(execute)


def test_s48_on_demand_too_tokens_are_stored_though_their_event_cannot_be(
    sandbox: Sandbox,
) -> None:
    """A trouble with the audit trail costs no connection its tokens, and its caller no answer."""
    connection = sandbox_connection(sandbox, **expired(consecutive_failures=5))
    with failing("connectionevent", verb="INSERT"):
        assert get_access_token(connection)
    connection.refresh_from_db()
    assert (connection.generation, connection.consecutive_failures) == (2, 0)
    assert requests(sandbox) == 1


def test_s48_on_demand_too_a_row_that_cannot_be_stored_is_noted(sandbox: Sandbox) -> None:
    """Its caller hears of it, and it backs off instead of spending its token again."""
    connection = sandbox_connection(sandbox, **expired())
    with failing("sealed_refresh_token", verb="UPDATE"):
        for code in ("store_failed", "backing_off"):
            with pytest.raises(TemporarilyUnavailable) as caught:
                get_access_token(Connection.objects.get())
            assert caught.value.code == code
    connection.refresh_from_db()
    assert (connection.consecutive_failures, connection.lease_owner) == (1, "")
    assert connection.outcome_unknown_since is not None
    assert requests(sandbox) == 1
