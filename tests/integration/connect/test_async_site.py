"""Connecting in a site that Django's own asynchronous test client drives, as a site's tests do."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient
from django.urls import path
from django.utils.decorators import async_only_middleware, sync_only_middleware
from django.utils.functional import SimpleLazyObject
from pytest_django import Settings

from actionstep_connect.decorators import ActionstepRequest, actionstep_connection_required
from tests.support.connections import make_connection, make_user
from tests.support.hostile_server import HostileServer, grant
from tests.support.person import CONNECT, Person, callback_url
from tests.urls import urlpatterns as site_urls

pytestmark = pytest.mark.django_db(transaction=True)


@sync_only_middleware
def synchronous(get_response: Any) -> Any:
    """Do nothing, in a thread."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = get_response(request)
        return response

    return middleware


@actionstep_connection_required()
async def decorated(request: ActionstepRequest) -> HttpResponse:
    """Answer with the organisation."""
    return HttpResponse(request.actionstep.orgkey)


@actionstep_connection_required()
def decorated_sync(request: ActionstepRequest) -> HttpResponse:
    """Answer with the organisation."""
    return HttpResponse(request.actionstep.orgkey)


urlpatterns = [
    *site_urls,
    path("decorated/", decorated),
    path("decorated-sync/", decorated_sync),
]


def _kim() -> User:
    return User.objects.get(username="kim")


@async_only_middleware
def acting_as_kim(get_response: Any) -> Any:
    """Replace the user as middleware for tokens does, that of django-oauth-toolkit for one."""

    async def middleware(request: HttpRequest) -> HttpResponse:
        request.user = await User.objects.aget(username="kim")
        response: HttpResponse = await get_response(request)
        return response

    return middleware


@async_only_middleware
def acting_lazily_as_kim(get_response: Any) -> Any:
    """Replace the user by one who is looked up when asked for."""

    async def middleware(request: HttpRequest) -> HttpResponse:
        request.user = SimpleLazyObject(_kim)  # type: ignore[assignment] # As Django's own does.
        response: HttpResponse = await get_response(request)
        return response

    return middleware


@async_only_middleware
def acting_in_async_code_as_kim(get_response: Any) -> Any:
    """Replace what asynchronous views ask only."""

    async def middleware(request: HttpRequest) -> HttpResponse:
        request.auser = sync_to_async(_kim)
        response: HttpResponse = await get_response(request)
        return response

    return middleware


@pytest.mark.parametrize(
    "middleware", [[], [f"{__name__}.synchronous"]], ids=["plain", "sync only"]
)
def test_an_asynchronous_client_connects(
    server: HostileServer, settings: Settings, middleware: list[str]
) -> None:
    """Out to Actionstep, back, and into the view, whatever middleware there is."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [*middleware, *settings.MIDDLEWARE, *middleware]
    server.answer(body=grant())
    user = Person().user

    async def connect() -> tuple[str, bytes]:
        browser = AsyncClient()
        await browser.aforce_login(user)
        away = await browser.post(CONNECT, {"next": "/decorated/"}, secure=True)
        back = callback_url(away.headers["Location"])
        end = await browser.get(back, headers={"X-Original-Url": back}, secure=True)
        view = await browser.get(end.headers["Location"], secure=True)
        return end.headers["Location"], view.content

    assert async_to_sync(connect)() == ("/decorated/", b"acmelaw")


REPLACING = [
    ("acting_as_kim", "/decorated/"),
    ("acting_lazily_as_kim", "/decorated/"),
    ("acting_in_async_code_as_kim", "/decorated/"),
    ("acting_as_kim", "/decorated-sync/"),
]


@pytest.mark.parametrize("is_signed_in", [True, False], ids=["beside a session", "no session"])
@pytest.mark.parametrize(("middleware", "url"), REPLACING)
def test_s44_a_view_gets_the_connection_of_the_user_whom_middleware_names(
    settings: Settings, middleware: str, url: str, is_signed_in: bool
) -> None:
    """Whatever part of the request it replaces; the session's own user has no part in it."""
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.{middleware}"]
    session_user, kim = make_user(), make_user(username="kim")
    make_connection(session_user, orgkey="acmelaw")
    make_connection(kim, orgkey="kimlaw")
    browser = AsyncClient()
    if is_signed_in:
        browser.force_login(session_user)
    answer = async_to_sync(browser.get)(url)
    assert (answer.status_code, answer.content) == (200, b"kimlaw")


@pytest.mark.parametrize("url", ["/decorated/", "/decorated-sync/"])
def test_s44_a_choice_is_that_of_the_user_who_made_it(settings: Settings, url: str) -> None:
    """Who acts in another's session neither gets that user's organisation nor changes it."""
    settings.ROOT_URLCONF = __name__
    session_user, kim = make_user(), make_user(username="kim")
    for user in (session_user, kim):
        make_connection(user, orgkey="acmelaw")
        make_connection(user, orgkey="otherlaw")
    browser = AsyncClient()
    browser.force_login(session_user)

    def choose(orgkey: str) -> None:
        async_to_sync(browser.post)("/actionstep/", {"orgkey": orgkey, "next": "/"})

    def organisation() -> bytes:
        answer = async_to_sync(browser.get)(url)
        return bytes(answer.content) if answer.status_code == 200 else b"asked"

    choose("acmelaw")
    replaced = [*settings.MIDDLEWARE, f"{__name__}.acting_as_kim"]
    plain, settings.MIDDLEWARE = settings.MIDDLEWARE, replaced
    browser.handler.load_middleware(is_async=True)
    assert organisation() == b"asked"
    choose("otherlaw")
    assert organisation() == b"otherlaw"
    settings.MIDDLEWARE = plain
    browser.handler.load_middleware(is_async=True)
    assert organisation() == b"acmelaw"
