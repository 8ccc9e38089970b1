"""A page that needs one scope more: out to Actionstep, and back to the very address, with it."""

import pytest
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path
from pytest_django import Settings

from actionstep_connect.api import (
    ActionstepRequest,
    actionstep_connection_required,
    redirect_to_connect,
)
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.person import CONNECT, Page, Person, query, words
from tests.urls import urlpatterns as site_urls

pytestmark = pytest.mark.django_db

ADDRESS = "/matters/7/?tab=bills"


@login_required
def by_hand(request: HttpRequest) -> HttpResponseBase:
    """Ask for the scope as the documentation shows it."""
    assert request.user.is_authenticated
    connection = Connection.objects.get_for_user(request.user)
    if "bills" not in connection.granted_scopes:
        return redirect_to_connect(request, scopes=["bills"], orgkey=connection.orgkey)
    return HttpResponse("here they are")


@actionstep_connection_required(scopes=["bills"])
def by_decorator(request: ActionstepRequest) -> HttpResponse:
    """Let the decorator ask."""
    return HttpResponse("here they are")


urlpatterns = [
    *site_urls,
    path("matters/7/", by_hand),
    path("decorated/matters/7/", by_decorator),
]


@pytest.fixture(autouse=True)
def site(settings: Settings, sandbox: Sandbox) -> None:
    """Add the pages to the site, which may ask for one scope more than it asks for at first."""
    settings.ROOT_URLCONF = __name__
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "SCOPES": ["actions"],
        "ALLOWED_SCOPES": ["actions", "bills"],
    }


def go_on(person: Person, page: Page, *, orgkey: str = "acmelaw") -> Page:
    """Press the button of the connect page, allow it, and come back."""
    fields = query(page.headers["Location"])
    return person.come_back(person.allow(person.start(**fields), orgkey=orgkey))


@pytest.mark.parametrize("prefix", ["", "/decorated"])
def test_out_for_one_scope_more_and_back(person: Person, prefix: str) -> None:
    """What is new is marked, what was granted is kept, and the page works at the same address."""
    person.connect()
    away = person.browser.get(prefix + ADDRESS)
    assert away.headers["Location"].startswith(f"{CONNECT}?scopes=")
    assert "bills" in away.headers["Location"]
    asked = words(person.browser.get(away.headers["Location"]))
    assert "Give this site more access to acmelaw" in asked
    assert "Matters Bills new" in asked
    back = go_on(person, away)
    assert back.headers["Location"] == prefix + ADDRESS
    assert person.look(back).content == b"here they are"
    assert Connection.objects.get().granted_scopes == ["actions", "bills"]


def test_another_organisation_than_the_page_needed(person: Person) -> None:
    """It is connected and named, what the page needed is as it was, and both ways on are offered."""
    person.connect()
    away = person.browser.get(ADDRESS)
    page = person.look(go_on(person, away, orgkey="harbourlegal"))
    said = words(page)
    assert "You asked to connect acmelaw, but Actionstep connected harbourlegal." in said
    assert "Nothing has changed for acmelaw." in said
    assert "Connect acmelaw" in said
    assert "Continue without it" in said
    assert Connection.objects.get(orgkey="acmelaw").granted_scopes == ["actions"]


def test_a_scope_beyond_what_the_site_may_have_is_refused_and_named(
    person: Person, settings: Settings
) -> None:
    """A developer who asks for too much is told so, and the user is not sent away."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "ALLOWED_SCOPES": ["actions"]}
    person.connect()
    page = person.look(person.browser.get(ADDRESS))
    assert page.status_code == 400
    assert "bills" in words(page)
