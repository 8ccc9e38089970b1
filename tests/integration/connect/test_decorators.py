"""Views that need a connection: who gets in, and where all others are sent."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import AsyncRequestFactory, RequestFactory
from django.utils.decorators import method_decorator
from django.views import View
from pytest_django import Settings

from actionstep_connect.decorators import (
    ActionstepRequest,
    actionstep_connection_required,
    redirect_to_connect,
)
from actionstep_connect.models import Connection
from tests.support.connections import make_connection
from tests.support.person import CONNECTIONS, Person

PATH = "/matters/?page=2"

needs_bills = actionstep_connection_required(scopes=["bills"])


@needs_bills
def sync_view(request: ActionstepRequest, number: int = 0) -> HttpResponse:
    """Answer with the organisation."""
    return HttpResponse(f"{request.actionstep.orgkey} {number}")


@needs_bills
async def async_view(request: ActionstepRequest, number: int = 0) -> HttpResponse:
    """Answer with the organisation, asynchronously."""
    return HttpResponse(f"{request.actionstep.orgkey} {number}")


@method_decorator(needs_bills, name="dispatch")
class ClassView(View):
    """Decorated as a whole."""

    def get(self, request: ActionstepRequest, number: int = 0) -> HttpResponse:
        """Answer with the organisation."""
        return HttpResponse(f"{request.actionstep.orgkey} {number}")


class PlainClassView(View):
    """Decorated by what its `as_view()` gives."""

    def get(self, request: ActionstepRequest, number: int = 0) -> HttpResponse:
        """Answer with the organisation."""
        return HttpResponse(f"{request.actionstep.orgkey} {number}")


class PlainAsyncClassView(View):
    """Decorated by what its `as_view()` gives."""

    async def get(self, request: ActionstepRequest, number: int = 0) -> HttpResponse:
        """Answer with the organisation, asynchronously."""
        return HttpResponse(f"{request.actionstep.orgkey} {number}")


@method_decorator(needs_bills, name="dispatch")
class AsyncClassView(PlainAsyncClassView):
    """Decorated as a whole: its `dispatch` is a plain function nevertheless."""


class AsyncMethodView(View):
    """Decorated by its method, as an asynchronous class must be."""

    @method_decorator(needs_bills)
    async def get(self, request: ActionstepRequest, number: int = 0) -> HttpResponse:
        """Answer with the organisation, asynchronously."""
        return HttpResponse(f"{request.actionstep.orgkey} {number}")

    post = put = patch = delete = get


def call_sync(
    view: Any, person: Person | None, *, method: str = "GET", **extra: Any
) -> HttpResponseBase:
    request = prepared(RequestFactory().generic(method, PATH, **extra), person)
    response: HttpResponseBase = view(request, number=7)
    return response


def call_async(
    view: Any, person: Person | None, *, method: str = "GET", **extra: Any
) -> HttpResponseBase:
    request = prepared(AsyncRequestFactory().generic(method, PATH, **extra), person)

    async def auser() -> Any:
        return request.user

    request.auser = auser
    response: HttpResponseBase = async_to_sync(view)(request, number=7)
    return response


def prepared(request: HttpRequest, person: Person | None) -> HttpRequest:
    request.user = person.user if person else AnonymousUser()
    request.session = SessionStore(person.browser.session.session_key if person else None)
    return request


VIEWS = {
    "sync": (call_sync, sync_view),
    "async": (call_async, async_view),
    "class": (call_sync, ClassView.as_view()),
    "async method": (call_async, AsyncMethodView.as_view()),
    "async class": (call_async, AsyncClassView.as_view()),
    "as_view": (call_sync, needs_bills(PlainClassView.as_view())),
    "async as_view": (call_async, needs_bills(PlainAsyncClassView.as_view())),
}

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.parametrize(("call", "view"), VIEWS.values(), ids=VIEWS),
]


@pytest.fixture(autouse=True)
def bills_are_allowed(settings: Settings) -> None:
    """Let requests ask for one scope more than SCOPES."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "ALLOWED_SCOPES": ["actions", "participants", "timerecords", "bills"],
    }


@pytest.fixture
def person(transactional_db: None) -> Person:
    """Return a signed-in user whose rows other threads can see."""
    return Person()


def where(response: HttpResponseBase) -> tuple[str, dict[str, str]]:
    assert response.status_code == 302
    url = urlsplit(response.headers["Location"])
    return url.path, {name: values[0] for name, values in parse_qs(url.query).items()}


def test_a_good_connection_gets_in(call: Any, view: Any, person: Person) -> None:
    """The view gets the connection and its own arguments."""
    make_connection(person.user, granted_scopes=["bills"])
    assert call(view, person).content == b"acmelaw 7"


def test_the_wildcard_scope_gets_in(call: Any, view: Any, person: Person) -> None:
    """`all` covers every scope."""
    make_connection(person.user, granted_scopes=["all"])
    assert call(view, person).status_code == 200


def test_a_stranger_is_sent_to_sign_in(call: Any, view: Any, person: Person) -> None:
    """No one connects before signing in, and every user comes back."""
    assert where(call(view, None)) == ("/login/", {"next": PATH})


def test_a_user_without_connection_is_sent_to_connect_and_back(
    call: Any, view: Any, person: Person
) -> None:
    """The way out names SCOPES, those of the view, and the way back."""
    expected = {"scopes": "actions participants timerecords bills", "next": PATH}
    assert where(call(view, person)) == ("/actionstep/connect/", expected)


def test_a_dead_connection_is_sent_to_connect(call: Any, view: Any, person: Person) -> None:
    """What Actionstep ended is renewed by connecting."""
    make_connection(person.user, granted_scopes=["bills"], status="reconnect_required")
    assert where(call(view, person))[0] == "/actionstep/connect/"


def test_a_missing_scope_is_asked_for_in_the_same_organisation(
    call: Any, view: Any, person: Person
) -> None:
    """The organisation whose connection lacks it is the one meant."""
    make_connection(person.user, granted_scopes=["actions"])
    scopes = "actions participants timerecords bills"
    expected = {"scopes": scopes, "next": PATH, "orgkey": "acmelaw"}
    assert where(call(view, person)) == ("/actionstep/connect/", expected)


def test_several_connections_lead_to_the_page_that_asks_which(
    call: Any, view: Any, person: Person
) -> None:
    """Nothing picks one; the user does, comes back, and is not asked again."""
    for orgkey in ("acmelaw", "harbourlegal"):
        make_connection(person.user, orgkey=orgkey, granted_scopes=["bills"])
    assert where(call(view, person)) == (CONNECTIONS, {"choose": "1", "next": PATH})
    page = person.browser.get(CONNECTIONS, {"choose": "1", "next": PATH})
    assert "Which organisation?" in page.content.decode()
    chosen = person.browser.post(CONNECTIONS, {"orgkey": "harbourlegal", "next": PATH})
    assert chosen.headers["Location"] == PATH
    assert call(view, person).content == b"harbourlegal 7"


@pytest.mark.parametrize("status", ["reconnect_required", "disconnected"])
def test_s44_a_chosen_organisation_does_not_turn_into_another(
    call: Any, view: Any, person: Person, status: str
) -> None:
    """When the one chosen no longer works the user is asked again, even if one other is left."""
    for orgkey in ("acmelaw", "harbourlegal"):
        make_connection(person.user, orgkey=orgkey, granted_scopes=["bills"])
    person.browser.post(CONNECTIONS, {"orgkey": "harbourlegal"})
    Connection.objects.filter(orgkey="harbourlegal").update(status=status)
    assert where(call(view, person, method="POST"))[0] == CONNECTIONS
    page = person.browser.get(CONNECTIONS, {"choose": "1", "next": PATH})
    assert "Continue with acmelaw" in page.content.decode()
    person.browser.post(CONNECTIONS, {"orgkey": "acmelaw"})
    assert call(view, person).content == b"acmelaw 7"


def test_an_organisation_one_is_not_connected_to_cannot_be_chosen(
    call: Any, view: Any, person: Person
) -> None:
    """A forged choice chooses nothing, and leads nowhere else."""
    for orgkey in ("acmelaw", "harbourlegal"):
        make_connection(person.user, orgkey=orgkey, granted_scopes=["bills"])
    chosen = person.browser.post(CONNECTIONS, {"orgkey": "other", "next": "//evil.example"})
    assert chosen.headers["Location"] == CONNECTIONS
    assert where(call(view, person))[0] == CONNECTIONS


@pytest.mark.parametrize(
    ("connections", "error"),
    [
        ([], "not_connected"),
        ([{"status": "reconnect_required"}], "reconnect_required"),
        ([{"granted_scopes": ["actions"]}], "scope_not_granted"),
        ([{"orgkey": "one"}, {"orgkey": "two"}], "ambiguous_connection"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whoever_prefers_json_is_told_in_json(
    call: Any, view: Any, person: Person, connections: list[dict[str, Any]], error: str
) -> None:
    """403 with a stable code, words, and where the user can fix it."""
    for values in connections:
        make_connection(person.user, **values)
    response = call(view, person, headers={"Accept": "application/json"})
    assert response.status_code == 403
    body = json.loads(response.content)
    assert body["error"] == error
    assert body["detail"]
    assert body["connect_url"].startswith("http://testserver/actionstep/")


def test_a_stranger_who_prefers_json_is_told_so(call: Any, view: Any, person: Person) -> None:
    """No login page is sent to a script."""
    response = call(view, None, headers={"Accept": "application/json"})
    assert (response.status_code, json.loads(response.content)["error"]) == (403, "not_signed_in")


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/matters/new/?a=b#top", "/matters/new/?a=b"),
        ("https://evil.example/matters/new/", None),
        ("http://testserver//evil.example/", "/%2Fevil.example/"),
        ("javascript:alert(1)", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("signed_in", [True, False])
def test_a_posted_form_is_never_posted_again(
    call: Any, view: Any, person: Person, referer: str, back: str | None, signed_in: bool
) -> None:
    """Its sender comes back to the page that it was on, if that is one of this site."""
    who = person if signed_in else None
    response = call(view, who, method="POST", headers={"Referer": referer})
    elsewhere = None if signed_in else CONNECTIONS
    assert where(response)[1].get("next") == (back or elsewhere)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("connected", [None, 0, 2])
def test_other_methods_go_on_as_get(
    call: Any, view: Any, person: Person, method: str, connected: int | None
) -> None:
    """A browser, and htmx with it, repeats DELETE at the address of a 302; no page here takes that."""
    for number in range(connected or 0):
        make_connection(person.user, orgkey=f"firm{number}", granted_scopes=["all"])
    response = call(view, None if connected is None else person, method=method)
    assert response.status_code == 303
    assert response.headers["Location"]


def test_redirect_to_connect_leads_out_and_back(call: Any, view: Any, person: Person) -> None:
    """By default it comes back to the very address, for a GET; a posted form is not repeated."""
    response = redirect_to_connect(RequestFactory().get(PATH), scopes=["bills", "actions"])
    assert where(response)[1] == {"scopes": "bills actions", "next": PATH}
    assert where(redirect_to_connect(RequestFactory().post(PATH)))[1] == {}
    response = redirect_to_connect(RequestFactory().get(PATH), next="/here/", orgkey="acmelaw")
    assert where(response)[1] == {"next": "/here/", "orgkey": "acmelaw"}
    assert redirect_to_connect(RequestFactory().delete(PATH)).status_code == 303
