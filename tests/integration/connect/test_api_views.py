"""API views of Django REST framework and Django Ninja that need a connection."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient, Client
from pytest_django import Settings

from actionstep_connect.contrib import ninja, rest_framework
from actionstep_connect.models import Status
from actionstep_connect.scopes import REQUIREMENTS
from tests.support.api_views import VIEWS, token_of
from tests.support.connections import make_connection, make_user

pytestmark = pytest.mark.django_db(transaction=True)

HANDLER = "actionstep_connect.contrib.rest_framework.exception_handler"

each_view = pytest.mark.parametrize("url", VIEWS.values(), ids=VIEWS)


@pytest.fixture(autouse=True)
def site(settings: Settings) -> None:
    """Have the site's API views, with nothing set for Django REST framework but its handler."""
    settings.ROOT_URLCONF = "tests.support.api_urls"
    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": HANDLER, "UNAUTHENTICATED_USER": None}


def call(url: str, user: User | None = None, *, method: str = "get", **headers: str) -> Any:
    """Call as a program does, with a token of `user`."""
    if user is not None:
        headers["Authorization"] = f"Bearer {token_of(user)}"
    return getattr(Client(), method)(url, headers={"Accept": "application/json", **headers})


def nobody(user: User) -> None:
    """Store no connection."""


def ended(user: User) -> None:
    make_connection(user, status=Status.RECONNECT_REQUIRED)


def lesser(user: User) -> None:
    make_connection(user, granted_scopes=["bills"])


def several(user: User) -> None:
    make_connection(user)
    make_connection(user, orgkey="otherlaw")


def inactive(user: User) -> None:
    make_connection(user)
    User.objects.filter(pk=user.pk).update(is_active=False)


@each_view
def test_a_view_gets_the_connection_of_the_user_of_a_token(url: str) -> None:
    """Only the framework knows who that is; Django's own request is from no one."""
    make_connection(make_user())
    user = make_user(username="kim")
    make_connection(user, orgkey="kimlaw")
    answer = call(url, user).json()
    assert (answer["user"], answer["organisation"]) == ("kim", "kimlaw")


@each_view
@pytest.mark.parametrize("state", [nobody, ended, lesser, several, inactive])
def test_the_json_is_that_of_the_decorator(url: str, state: Callable[[User], None]) -> None:
    """Code, detail and the address to send the user to are the same, and so is the status."""
    user = make_user(username="kim")
    state(user)
    user.refresh_from_db()
    answer = call(url, user)
    asked = Client()
    asked.force_login(user)
    if state is inactive:  # A session ends with it, and a token may not.
        assert answer.json()["error"] == "inactive_user"
        assert set(answer.json()) == {"error", "detail", "connect_url"}
    else:
        expected = asked.get("/plain/", headers={"Accept": "application/json"})
        assert answer.json() == expected.json()
    assert answer.status_code == 403


@each_view
def test_a_session_serves_as_well(url: str) -> None:
    """A script of the site's own pages gets its user's connection, of the organisation they chose."""
    browser, user = Client(), make_user(username="kim")
    several(user)
    browser.force_login(user)
    choose = {"choose": "1", "next": "/", "orgkey": "otherlaw"}
    browser.post("/actionstep/", choose)
    answer = browser.get(url).json()
    assert (answer["user"], answer["organisation"]) == ("kim", "otherlaw")


@each_view
def test_a_program_names_the_organisation(url: str) -> None:
    """`orgkey` may read it from the request; one that is no key is answered as one that is not there."""
    user = make_user()
    several(user)
    header = {"X-Organisation": "OtherLaw"}
    assert call(url, user, **header).json()["organisation"] == "otherlaw"
    for wrong in ("nowhere", "a b", "x" * 5000):
        answer = call(url, user, **{"X-Organisation": wrong})
        assert (answer.status_code, answer.json()["error"]) == (403, "not_connected")
        assert len(answer.content) < 500


@pytest.mark.parametrize("url", ["/rest/", "/rest-set/", "/rest-function/"])
def test_rest_framework_answers_strangers_with_its_own_status(url: str) -> None:
    """401 with the scheme to use, and the decorator's JSON; wrong credentials are its own affair."""
    answer = call(url)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json() == Client().get("/plain/", headers={"Accept": "application/json"}).json()
    assert call(url, Authorization="Bearer wrong").json() == {"detail": "Wrong token"}


@pytest.mark.parametrize("url", ["/ninja/sync", "/ninja/async"])
def test_ninja_answers_strangers_itself(url: str) -> None:
    """They do not get as far as the operation."""
    for answer in (call(url), call(url, Authorization="Bearer wrong")):
        assert (answer.status_code, answer.json()) == (401, {"detail": "Unauthorized"})


@pytest.mark.parametrize("url", ["/rest-failing/", "/ninja/failing"])
def test_what_a_view_meets_on_its_way_is_answered_alike(url: str) -> None:
    """An end and a lesser grant that only Actionstep tells of."""
    user = make_user()
    make_connection(user)
    ended = call(url, user)
    assert (ended.status_code, ended.json()["error"]) == (403, "reconnect_required")
    assert ended.json()["connect_url"].startswith("http://testserver/actionstep/connect/?")
    lesser = call(url, user, method="post").json()
    assert lesser["error"] == "scope_not_granted"
    assert "bills&orgkey=acmelaw" in lesser["connect_url"]


def test_an_exception_handler_of_the_sites_own_may_use_the_answer(settings: Settings) -> None:
    """Without the handler the answer before the view is the same; what the view meets is the site's."""
    settings.REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None}
    user = make_user()
    assert call("/rest/", user).json()["error"] == "not_connected"
    make_connection(user)
    with pytest.raises(Exception, match="Actionstep has ended it"):
        call("/rest-failing/", user)


def test_ninja_keeps_parameters_and_their_types() -> None:
    """Annotations that are text, too: a wrong value is refused, and the schema has them."""
    user = make_user()
    make_connection(user)
    for url in ("/ninja/sync", "/ninja/async"):
        assert call(f"{url}?many=7", user).json()["many"] == 7
        assert call(f"{url}?many=x", user).status_code == 422
        paths = Client().get("/ninja/openapi.json").json()["paths"]
        assert paths[url]["get"]["parameters"][0]["schema"]["type"] == "integer"


def test_async_views_are_served_by_a_loop() -> None:
    """Under ASGI the same answers come, of both frameworks."""
    user = make_user(username="kim")

    async def ask(url: str) -> Any:
        headers = {"Authorization": f"Bearer {token_of(user)}", "Accept": "application/json"}
        return await AsyncClient().get(url, headers=headers)

    for url in VIEWS.values():
        assert asyncio.run(ask(url)).json()["error"] == "not_connected"
    make_connection(user)
    for url in VIEWS.values():
        assert asyncio.run(ask(url)).json()["user"] == "kim"


@each_view
def test_s61_another_users_cookie_changes_nothing(url: str) -> None:
    """A token decides alone: neither the user nor the organisation comes from a session beside it."""
    mallory, kim = make_user(), make_user(username="kim")
    for user in (mallory, kim):
        several(user)
    browser = Client()
    browser.force_login(mallory)
    browser.post("/actionstep/", {"choose": "1", "next": "/", "orgkey": "otherlaw"})
    headers = {"Authorization": f"Bearer {token_of(kim)}", "Accept": "application/json"}
    assert browser.get(url, headers=headers).json()["error"] == "ambiguous_connection"
    headers["X-Organisation"] = "acmelaw"
    assert browser.get(url, headers=headers).json()["user"] == "kim"


def test_s61_ninja_takes_no_user_that_its_auth_did_not_return() -> None:
    """A cookie is not enough without `auth`, nor beside a key whose owner `user=` has to tell."""
    user = make_user(username="kim")
    make_connection(user)
    browser = Client()
    browser.force_login(user)
    headers = {"Authorization": f"Bearer {token_of(user)}"}
    for url in ("/ninja/nobody", "/ninja/key"):
        with pytest.raises(ImproperlyConfigured, match="pass `user=`"):
            browser.get(url, headers=headers)
    for url in ("/ninja/owner", "/ninja/async-owner"):
        assert browser.get(url, headers=headers).json() == "kim"


def test_s61_a_row_of_another_table_is_no_user() -> None:
    """An API key with the primary key of a user is not taken for that user."""
    user = make_user()
    make_connection(user)

    class Key:
        pk = id = user.pk
        is_authenticated = True

    permission = rest_framework.connection_required()()
    request: Any = Client().get("/rest/").wsgi_request
    request.user = Key()
    with pytest.raises(Exception, match="not_signed_in"):
        permission.has_permission(request, None)


@pytest.mark.parametrize("url", ["/rest/", "/rest-function/", "/ninja/sync"])
def test_s61_a_forged_post_is_refused(url: str) -> None:
    """What a session signs in is protected by the frameworks against forged requests."""
    user = make_user()
    make_connection(user)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    assert browser.post(url).status_code == 403
    assert "CSRF" in browser.post(url).content.decode()


def test_checks_know_what_api_views_need() -> None:
    """Scopes and a fixed organisation are noted with the line that names them."""
    rest_framework.connection_required(scopes="matters", orgkey="acmelaw")
    ninja.connection_required(scopes=["matters"], orgkey=lambda request: "x")
    noted = [each for each in REQUIREMENTS if "matters" in each.scopes]
    REQUIREMENTS.difference_update(noted)
    assert {each.orgkey for each in noted} == {"acmelaw", ""}
    assert all(each.place.startswith(__name__) for each in noted)
    with pytest.raises(ValueError, match="not a scope name"):
        rest_framework.connection_required(scopes='time"records')


def test_a_stream_cannot_be_refused() -> None:
    """A generator is not decorated: what it sends first would be an answer already."""

    def stream(request: Any) -> Any:
        yield 1

    with pytest.raises(TypeError, match="streams"):
        ninja.connection_required()(stream)
