"""Decisions read the primary: a replica that lags sends no one to connect, and takes no scope away."""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.db import connections
from django.http import HttpResponse
from django.template import engines
from django.test import RequestFactory
from pytest_django import Settings

from actionstep_connect.api import (
    adisconnect,
    aget_access_token,
    arefresh,
    disconnect,
    get_access_token,
    refresh,
)
from actionstep_connect.decorators import ActionstepRequest, actionstep_connection_required
from actionstep_connect.exceptions import NotConnected
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_connection, sandbox_connection
from tests.support.person import CONNECT, CONNECTIONS, Person, query, words

pytestmark = pytest.mark.django_db(transaction=True)


class Lagging:
    """Reads from the replica, which knows nothing of what the primary has just been told.

    It says nothing of relations, so Django allows none between rows of the two.
    """

    def db_for_read(self, model: type[Any], **hints: Any) -> str | None:
        return "replica" if model is Connection else None

    def db_for_write(self, model: type[Any], **hints: Any) -> str:
        return "default"


@pytest.fixture
def person(transactional_db: None) -> Person:
    """Return a signed-in user."""
    return Person()


@pytest.fixture
def replica(person: Person, settings: Settings, tmp_path: Path) -> Generator[None]:
    """Set up a replica of the site's that has the user, and no connection."""
    sqlite = {**connections["default"].settings_dict, "ENGINE": "django.db.backends.sqlite3"}
    own = {**sqlite, "NAME": str(tmp_path / "replica"), "OPTIONS": {}, "CONN_MAX_AGE": None}
    connections.settings["replica"] = own
    replica = connections["replica"]
    # Django's tests let a connection open that is none of the site's: this becomes one afterwards.
    del connections.settings["replica"]
    replica.ensure_connection()
    connections.settings["replica"] = own
    try:
        call_command("migrate", database="replica", verbosity=0)
        person.user.save(using="replica", force_insert=True)
        person.user._state.db = "default"
        settings.DATABASE_ROUTERS = [Lagging()]
        yield
    finally:
        replica.close()
        del connections["replica"], connections.settings["replica"]


@actionstep_connection_required(scopes=["actions"])
def view(request: ActionstepRequest) -> HttpResponse:
    """Need a scope."""
    return HttpResponse(request.actionstep.orgkey)


def open_view(person: Person) -> Any:
    request = RequestFactory().get("/here/")
    request.user, request.session = person.user, person.browser.session
    return view(request)


def test_who_has_just_connected_is_not_sent_to_connect(person: Person, replica: None) -> None:
    """The look-ups, the decorator and the button find what only the primary has."""
    make_connection(person.user, granted_scopes=["actions"])
    assert not Connection.objects.exists()
    assert Connection.objects.get_for_user(person.user).orgkey == "acmelaw"

    async def look_up() -> Connection:
        return await Connection.objects.aget_for_user(person.user, "ACMELAW")

    assert async_to_sync(look_up)().orgkey == "acmelaw"
    assert open_view(person).content == b"acmelaw"
    request = RequestFactory().get("/")
    request.user = person.user
    tags = "{% load actionstep_connect %}{% actionstep_connect_button %}"
    html = engines["django"].from_string(tags).render({}, request)
    assert "You are connected to <strong>acmelaw</strong>" in html
    assert "acmelaw" in words(person.browser.get(CONNECTIONS))


def test_what_is_nowhere_is_not_connected(person: Person, replica: None) -> None:
    """Where the primary has nothing either, the answer stands."""
    with pytest.raises(NotConnected):
        Connection.objects.get_for_user(person.user)


def test_one_scope_more_takes_none_away(person: Person, replica: None, settings: Settings) -> None:
    """What to ask for beside it is read from the primary, because a new grant replaces the old one."""
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "SCOPES": ["actions"], "ALLOWED_SCOPES": ["all"]}
    make_connection(person.user, granted_scopes=["filenotes"])
    assert query(person.start(scopes="bills"))["scope"] == "filenotes bills"
    assert "File notes" in words(person.browser.get(CONNECT, {"scopes": "bills"}))


def test_a_scope_that_the_replica_lacks_is_looked_up_again(person: Person, replica: None) -> None:
    """A connection that has just been given more is not sent out for it."""
    row = make_connection(person.user, granted_scopes=["bills"])
    row._state.adding = True
    row.save(using="replica", force_insert=True)
    Connection.objects.using("default").update(granted_scopes=["bills", "actions"])
    assert Connection.objects.get_for_user(person.user).granted_scopes == ["bills"]
    assert open_view(person).content == b"acmelaw"


@pytest.mark.parametrize("values", [{}, expired()], ids=["fresh", "expired"])
@pytest.mark.parametrize("act", [get_access_token, refresh, disconnect])
@pytest.mark.parametrize("is_async", [False, True])
def test_what_was_read_from_a_replica_serves(
    replica: None,
    sandbox: Sandbox,
    act: Callable[[Connection], Any],
    is_async: bool,
    values: dict[str, Any],
) -> None:
    """A router that does not relate the replica's rows to the primary's keeps no token from a user."""
    stored = sandbox_connection(sandbox, **values)
    stored.user.save(using="replica", force_insert=True)
    Connection.objects.using("replica").bulk_create([stored])
    connection = Connection.objects.get_for_user(stored.user_id)
    assert connection._state.db == "replica"
    async_to_sync(_ASYNC[act])(connection) if is_async else act(connection)
    stored = Connection.objects.using("default").get(pk=stored.pk)
    assert (connection.generation, connection.status) == (stored.generation, stored.status)


_ASYNC: dict[Any, Any] = {
    get_access_token: aget_access_token,
    refresh: arefresh,
    disconnect: adisconnect,
}


def test_the_good_path_asks_no_primary(person: Person, replica: None) -> None:
    """What the replica knows to be well needs no second look."""
    row = make_connection(person.user, granted_scopes=["actions"])
    row._state.adding = True
    row.save(using="replica", force_insert=True)
    Connection.objects.using("default").all().delete()
    assert open_view(person).content == b"acmelaw"


def alert(person: Person) -> str:
    request = RequestFactory().get("/")
    request.user = person.user
    tags = "{% load actionstep_connect %}{% actionstep_connection_alert %}"
    return str(engines["django"].from_string(tags).render({}, request)).strip()


def test_the_alert_believes_the_primary(person: Person, replica: None) -> None:
    """Who has just reconnected is not told to do so; trouble that the primary has is said."""
    row = make_connection(person.user, status="reconnect_required", status_reason="refused")
    row._state.adding = True
    row.save(using="replica", force_insert=True)
    assert "no longer works" in alert(person)
    Connection.objects.using("default").update(status="connected", status_reason="")
    assert Connection.objects.get().status == "reconnect_required"
    assert alert(person) == ""
    Connection.objects.using("default").all().delete()
    assert alert(person) == ""
