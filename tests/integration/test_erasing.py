"""S33 and S38: what stands in the database while people are connected, and what once they are not."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from actionstep_connect import api
from actionstep_connect.crypto import FORMAT
from actionstep_connect.models import AuthorizationRequest, Connection, ConnectionEvent, Status
from actionstep_connect.testing import Sandbox
from tests.support.canary import leaks
from tests.support.connections import make_connection, make_user
from tests.support.person import Person, query

pytestmark = pytest.mark.django_db


def dump() -> str:
    """Return every value of every table, as the database itself holds it, sessions decoded beside."""
    shown = []
    for table in database.introspection.table_names():
        with database.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")
            shown += [f"{table}: {row!r}" for row in cursor.fetchall()]
    shown += [repr(session.get_decoded()) for session in Session.objects.all()]
    return "\n".join(shown)


def envelopes() -> int:
    return dump().count(f"{FORMAT}.")


def test_s33_a_dump_of_the_database_holds_nothing_that_was_issued(sandbox: Sandbox) -> None:
    """While a user is connecting, once they are, and after a refresh: no token, code, verifier, state."""
    person, secrets = Person(), {}
    there = person.start()
    (attempt,) = AuthorizationRequest.objects.all()
    verifier = attempt.open_code_verifier()
    assert verifier is not None
    secrets["verifier"], secrets["state"] = verifier.reveal(), query(there)["state"]
    assert leaks(dump(), secrets) == []
    back = person.allow(there)
    secrets["code"] = query(back)["code"]
    person.come_back(back)
    connection = Connection.objects.get()
    for number in range(2):
        secrets[f"access token {number}"] = connection.open_access_token().reveal()
        secrets[f"refresh token {number}"] = connection.open_refresh_token().reveal()
        assert leaks(dump(), secrets) == []
        api.refresh(connection)
    assert envelopes() == len(("access token", "refresh token"))  # The verifier has served.
    assert len(set(secrets.values())) == 7
    assert leaks(f"{dump()} {secrets['code']}", secrets)


def by_the_user(connection: Connection) -> None:
    url = reverse("actionstep_connect:disconnect", args=[connection.pk])
    assert Person(connection.user).browser.post(url).status_code == 302


def by_an_admin(connection: Connection) -> None:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    url = reverse("admin:actionstep_connect_connection_changelist")
    selected = {"action": "disconnect", "_selected_action": [str(connection.pk)]}
    client.post(url, {**selected, "post": "yes"})


def by_code(connection: Connection) -> None:
    api.disconnect(connection)


def by_async_code(connection: Connection) -> None:
    async_to_sync(api.adisconnect)(connection)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", [Status.CONNECTED, Status.RECONNECT_REQUIRED])
@pytest.mark.parametrize("way", [by_the_user, by_an_admin, by_code, by_async_code])
def test_s38_disconnecting_erases_both_ciphertexts(
    way: Callable[[Connection], None], status: Status
) -> None:
    """No matter who disconnects, and whether it was usable or not, no envelope is left in its row."""
    other = make_connection(make_user())
    connection = make_connection(make_user(), status=status)
    assert envelopes() == 4
    way(connection)
    ended = Connection.objects.get(pk=connection.pk)
    assert ended.status == Status.DISCONNECTED
    assert not [value for value in values_of(ended) if FORMAT in value]
    assert (ended.access_token_expires_at, ended.refresh_token_expires_at) == (None, None)
    assert envelopes() == 2
    other.refresh_from_db()
    assert other.open_refresh_token().reveal() == "a-refresh-token"


def values_of(connection: Connection) -> Iterator[str]:
    (row,) = Connection.objects.filter(pk=connection.pk).values_list()
    yield from map(str, row)


def through_the_orm(user: User) -> None:
    user.delete()


def through_a_query(user: User) -> None:
    User.objects.filter(pk=user.pk).delete()


def through_the_admin(user: User) -> None:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    client.post(reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes"})


@pytest.mark.parametrize("way", [through_the_orm, through_a_query, through_the_admin])
def test_s38_deleting_a_user_erases_their_rows(way: Callable[[Any], None]) -> None:
    """Connections, attempts and events of a deleted user are gone, and all others' are not."""
    person = Person()
    person.start()
    make_connection(person.user)
    other = make_connection(make_user())
    way(person.user)
    assert not User.objects.filter(pk=person.user.pk).exists()
    assert list(Connection.objects.all()) == [other]
    assert not AuthorizationRequest.objects.exists()
    assert not ConnectionEvent.objects.exists()
    assert envelopes() == 2
