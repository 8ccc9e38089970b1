"""Opening a token for use: for active users only, and never one that belongs to another person."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.db import transaction
from pytest_django import DjangoAssertNumQueries, Settings

from actionstep_connect.api import (
    ActionstepClient,
    AsyncActionstepClient,
    aget_access_token,
    get_access_token,
)
from actionstep_connect.exceptions import DecryptionFailed, NotConnected, ReconnectRequired
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.models import Connection
from actionstep_connect.models.connection import ACCESS_TOKEN, REFRESH_TOKEN
from actionstep_connect.secret import Secret
from actionstep_connect.testing import Sandbox
from tests.support.connections import (
    expired,
    kinds,
    make_connection,
    make_user,
    sandbox_connection,
)
from tests.support.sandbox import requests

pytestmark = pytest.mark.django_db(transaction=True)

Ways = dict[str, Callable[[User, Connection], Connection]]

#: Ways to find a connection. Each is given the user and the connection as they were read before.
WAYS: Ways = {
    "for_user": lambda user, _: Connection.objects.for_user(user).get(),
    "plain": lambda _, connection: Connection.objects.get(pk=connection.pk),
    "select_related": lambda _, connection: Connection.objects.select_related("user").get(),
    "of-a-stale-user": lambda user, _: user.actionstep_connections.get(),
    "prefetched": lambda user, _: Connection.objects.prefetch_related("user").get(),
    "stale": lambda _, connection: connection,
}


def use_in_async_code(connection: Connection) -> str:
    return asyncio.run(aget_access_token(connection))


def call(connection: Connection) -> str:
    with ActionstepClient(connection) as actionstep:
        return str(actionstep.get("timerecords").status_code)


def call_in_async_code(connection: Connection) -> str:
    async def work() -> str:
        async with AsyncActionstepClient(connection) as actionstep:
            return str((await actionstep.get("timerecords")).status_code)

    return asyncio.run(work())


USES = [get_access_token, use_in_async_code, call, call_in_async_code]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_s55_no_token_of_an_inactive_user_is_opened(
    sandbox: Sandbox,
    way: Callable[[User, Connection], Connection],
    use: Callable[[Connection], str],
) -> None:
    """By whatever way the connection was found, its token is not used while its user is not active."""
    connection = sandbox_connection(sandbox)
    user = connection.user
    User.objects.filter(pk=user.pk).update(is_active=False)
    found = way(user, connection)
    with pytest.raises(NotConnected, match="not active"):
        use(found)
    User.objects.filter(pk=user.pk).update(is_active=True)
    assert use(found)  # What was read as inactive is read again before it is refused.


def test_s55_maintenance_keeps_alive_what_may_come_back(sandbox: Sandbox) -> None:
    """An inactive user's connection is refreshed on schedule, and never on demand."""
    connection = sandbox_connection(sandbox, **expired())
    User.objects.update(is_active=False)
    with pytest.raises(NotConnected):
        get_access_token(connection)
    assert requests(sandbox) == 0
    assert maintain().refreshed == 1


def test_s55_a_client_that_lives_on_learns_that_its_user_is_no_longer_active(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read of a user holds for a minute."""
    connection = sandbox_connection(sandbox)
    with ActionstepClient(connection) as actionstep:
        actionstep.get("timerecords")
        User.objects.update(is_active=False)
        actionstep.get("timerecords")
        monkeypatch.setattr(connection, "user_read_at", (connection.user_read_at or 0) - 60)
        with pytest.raises(NotConnected):
            actionstep.get("timerecords")


@pytest.mark.parametrize("way", ["for_user", "select_related"])
def test_the_user_is_read_with_the_connection(
    django_assert_num_queries: DjangoAssertNumQueries, way: str
) -> None:
    """A connection found in the usual ways costs one query, and its token none."""
    user = make_user()
    connection = make_connection(user)
    with django_assert_num_queries(1):
        found = WAYS[way](user, connection)
        for _ in range(10):
            get_access_token(found)


def test_a_connection_that_was_found_without_its_user_costs_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """Only the first time."""
    make_connection(make_user())
    connection = Connection.objects.get()
    with django_assert_num_queries(1):
        for _ in range(10):
            get_access_token(connection)


@pytest.mark.postgresql
def test_locking_a_users_connections_does_not_lock_the_user() -> None:
    """`for_user(…).select_for_update()` locks the rows of connections, as its name says."""
    user = make_user()
    make_connection(user)
    with transaction.atomic():
        rows = Connection.objects.for_user(user).select_for_update()
        assert "auth_user" not in str(rows.query)
        assert len(rows) == 1


def move_to_another_user(connection: Connection) -> Connection:
    """Do what a site does that merges two accounts."""
    Connection.objects.filter(pk=connection.pk).update(user=make_user())
    return Connection.objects.get(pk=connection.pk)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("in_transaction", [False, True])
def test_s34_a_connection_that_was_moved_leads_its_user_to_connect(
    sandbox: Sandbox, use: Callable[[Connection], str], in_transaction: bool
) -> None:
    """Its token opens for no one: the connection ends with a reason of its own, and says so once."""
    connection = move_to_another_user(sandbox_connection(sandbox))
    for _ in range(2):
        if in_transaction and database.vendor != "sqlite":
            with pytest.raises(ReconnectRequired), transaction.atomic():
                use(Connection.objects.get())
        else:
            with pytest.raises(ReconnectRequired):
                use(Connection.objects.get())
    row = Connection.objects.get()
    assert (row.status, row.status_reason) == ("reconnect_required", "unreadable")
    assert row.refresh_at is None
    assert row.sealed_refresh_token == connection.sealed_refresh_token
    assert kinds(row) == ["reconnect_required"]
    assert requests(sandbox) == 0


@pytest.mark.parametrize("envelope", ["cut", "moved", "rubbish", "none"])
def test_s34_a_refresh_token_that_can_never_be_decrypted_ends_its_connection(
    sandbox: Sandbox, envelope: str
) -> None:
    """A run does not try forever what no key can open; nothing is sent."""
    connection = sandbox_connection(sandbox, **expired())
    sealed = connection.sealed_refresh_token
    values = {
        "cut": sealed[:-3],
        "moved": connection.seal(ACCESS_TOKEN, Secret("another field's")),
        "rubbish": "not an envelope",
        "none": "",
    }
    Connection.objects.update(sealed_refresh_token=values[envelope])
    report = maintain()
    row = Connection.objects.get()
    assert (row.status, row.status_reason) == ("reconnect_required", "unreadable")
    assert (row.refresh_at, row.lease_owner, row.outcome_unknown_since) == (None, "", None)
    assert (report.refused, report.requests, requests(sandbox)) == (1, 0, 0)
    assert kinds(row) == ["reconnect_required"]


@pytest.mark.parametrize("envelope", ["v1.deadbeef.AAAA", "v2.something-newer"])
def test_a_missing_key_ends_no_connection(sandbox: Sandbox, envelope: str) -> None:
    """The site lacks a key, or is older than what sealed the token: the connection waits for it."""
    connection = sandbox_connection(sandbox, **expired())
    sealed = {"sealed_refresh_token": envelope, "sealed_access_token": envelope}
    Connection.objects.update(**sealed)
    maintain()
    row = Connection.objects.get()
    assert (row.status, row.generation, row.consecutive_failures) == ("connected", 1, 1)
    good = make_connection(make_user())
    Connection.objects.filter(pk=good.pk).update(**sealed)
    with pytest.raises(DecryptionFailed):
        get_access_token(Connection.objects.get(pk=good.pk))
    assert not Connection.objects.exclude(status="connected").exists()
    assert connection.status == "connected"


def test_a_stale_instance_ends_nothing(sandbox: Sandbox) -> None:
    """What the primary holds decides, not what a caller holds in memory."""
    connection = sandbox_connection(sandbox)
    connection.sealed_access_token = connection.seal(REFRESH_TOKEN, Secret("another field's"))
    assert get_access_token(connection)
    assert Connection.objects.get().status == "connected"


def test_an_unreadable_connection_is_told_everywhere(
    sandbox: Sandbox, settings: Settings, client: Any, admin_client: Any, mailoutbox: list[Any]
) -> None:
    """Page, admin and e-mail have words for it, and its user is asked to reconnect."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "NOTIFY_USERS": True,
        "REDIRECT_URI": "https://site.example/actionstep/callback/",
    }
    move_to_another_user(sandbox_connection(sandbox, **expired()))
    maintain()
    (letter,) = mailoutbox
    assert "can no longer read" in letter.body
    row = Connection.objects.get()
    client.force_login(row.user)
    page = client.get("/actionstep/").content.decode()
    assert "can no longer read" in page
    shown = admin_client.get(f"/admin/actionstep_connect/connection/{row.pk}/change/")
    assert "cannot be decrypted" in shown.content.decode()
