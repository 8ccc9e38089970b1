"""Connecting in a site that Django's own asynchronous test client drives, as a site's tests do."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient
from django.urls import path
from django.utils.decorators import sync_only_middleware
from pytest_django import Settings

from actionstep_connect.decorators import ActionstepRequest, actionstep_connection_required
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


urlpatterns = [*site_urls, path("decorated/", decorated)]


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
