"""What a decorated view meets while it runs: its user is led out as if it had been seen before."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection as database
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory
from django.utils.decorators import method_decorator
from django.views import View

from actionstep_connect.decorators import ActionstepRequest, actionstep_connection_required
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    AmbiguousConnection,
    ApiError,
    NotConnected,
    ReconnectRequired,
    ScopeNotGranted,
)
from tests.support.connections import make_connection, make_user
from tests.support.person import Person, query

PATH = "/matters/?page=2"
needs_actions = actionstep_connection_required(scopes=["actions"])

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person(transactional_db: None) -> Person:
    """Return a signed-in user with a connection."""
    person = Person()
    make_connection(person.user, granted_scopes=["actions"])
    return person


def call(person: Person, error: Exception, *, is_async: bool = False, **extra: Any) -> Any:
    """Call a view that meets `error`."""

    @needs_actions
    def view(request: ActionstepRequest) -> HttpResponse:
        raise error

    @needs_actions
    async def async_view(request: ActionstepRequest) -> HttpResponse:
        raise error

    if not is_async:
        return view(prepared(RequestFactory().get(PATH, **extra), person))
    return async_to_sync(async_view)(prepared(AsyncRequestFactory().get(PATH, **extra), person))


def prepared(request: HttpRequest, person: Person) -> HttpRequest:
    async def auser() -> Any:
        return person.user

    request.user = person.user
    request.auser = auser
    return request


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("error", "scopes"),
    [
        (NotConnected("x"), ""),
        (ReconnectRequired("x"), ""),
        (ScopeNotGranted("x", scopes=("filenotes",)), " filenotes"),
    ],
    ids=["not_connected", "reconnect_required", "scope_not_granted"],
)
def test_what_connecting_cures_leads_to_connect_and_back(
    person: Person, error: ActionstepConnectError, scopes: str, is_async: bool
) -> None:
    """A connection that ended on the way, or a scope more that is needed, is no server error."""
    response = call(person, error, is_async=is_async)
    assert response.status_code == 302
    assert query(response.headers["Location"]) == {
        "scopes": f"actions participants timerecords{scopes}",
        "next": PATH,
        "orgkey": "acmelaw",
    }
    response = call(person, error, is_async=is_async, headers={"Accept": "application/json"})
    assert response.status_code == 403
    assert json.loads(response.content)["error"] == error.code


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    "error",
    [AmbiguousConnection("x", orgkeys=("a", "b")), ApiError("x", status=500), ValueError("x")],
    ids=lambda error: type(error).__name__,
)
def test_other_errors_are_the_views_own(person: Person, error: Exception, is_async: bool) -> None:
    """Whatever connecting does not cure leaves the view."""
    with pytest.raises(type(error)):
        call(person, error, is_async=is_async)


def test_what_such_a_view_wrote_is_rolled_back(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under ATOMIC_REQUESTS a redirect in place of an error keeps no half of the work."""
    monkeypatch.setitem(database.settings_dict, "ATOMIC_REQUESTS", True)

    @needs_actions
    def view(request: ActionstepRequest) -> HttpResponse:
        make_user(username="half-done")
        raise ReconnectRequired("x")

    with transaction.atomic():
        assert view(prepared(RequestFactory().get(PATH), person)).status_code == 302
    assert not type(person.user).objects.filter(username="half-done").exists()


def test_helpers_of_an_asynchronous_class_are_awaited(person: Person) -> None:
    """Decorated as a whole, it also answers what it has no method for."""

    @method_decorator(needs_actions, name="dispatch")
    class Page(View):
        async def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse()

    request = prepared(AsyncRequestFactory().post(PATH), person)
    view: Any = Page.as_view()
    assert async_to_sync(view)(request).status_code == 405
