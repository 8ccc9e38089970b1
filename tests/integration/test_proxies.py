"""Proxies that the environment names: used for what lies beyond this machine, and for nothing on it."""

import asyncio
import json
from collections.abc import Generator
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from pytest_django import Settings

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.oauth import TokenGrant, refresh_token_grant
from actionstep_connect.secret import Secret
from tests.support.connections import make_connection, make_user
from tests.support.hostile_server import HostileServer

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Generator[HostileServer]:
    """Yield a proxy, and an environment that names none."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with HostileServer() as server:
        yield server


def change(settings: Settings, **members: object) -> None:
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **members}


def refresh() -> TokenGrant:
    return refresh_token_grant(Secret("spent-token"))


@pytest.mark.parametrize("name", ["https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("spelling", ["http://{}", "{}"])
def test_the_proxy_of_the_environment_is_used(
    proxy: HostileServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    spelling: str,
) -> None:
    """Where a site reaches the world through a proxy only, the token endpoint is no exception."""
    host = f"{uuid4().hex[:8]}.actionstep.invalid"
    monkeypatch.setenv(name, spelling.format(proxy.host))
    change(settings, TOKEN_URL=f"https://{host}/token", HTTP_TIMEOUT=2)
    with pytest.raises(TemporarilyUnavailable):
        refresh()
    assert proxy.requests[0].target == f"{host}:443"


@pytest.mark.parametrize("exception", ["{}", "other.example, {}:443", ".actionstep.invalid", "*"])
def test_no_proxy_is_heeded(
    proxy: HostileServer, settings: Settings, monkeypatch: pytest.MonkeyPatch, exception: str
) -> None:
    """A host that the environment exempts, with its port or without, is reached without the proxy."""
    host = f"{uuid4().hex[:8]}.actionstep.invalid"
    monkeypatch.setenv("https_proxy", f"http://{proxy.host}")
    monkeypatch.setenv("no_proxy", exception.format(host))
    change(settings, TOKEN_URL=f"https://{host}/token", HTTP_TIMEOUT=2)
    with pytest.raises(TemporarilyUnavailable, match="could not be reached"):
        refresh()
    assert proxy.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "all_proxy"])
@pytest.mark.django_db(transaction=True)
def test_s17_loopback_is_never_proxied(
    proxy: HostileServer,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    name: str,
) -> None:
    """A sandbox's token requests, API calls and doctor stay on this machine, secret and bearer too."""
    monkeypatch.setenv(name, f"http://{proxy.host}")
    with HostileServer() as server:
        here = server.host.replace("127.0.0.1", host)
        change(
            settings,
            TOKEN_URL=f"http://{here}/token",
            AUTHORIZE_URL=f"http://{here}/authorize",
            API_HOSTS=[here],
            HTTP_TIMEOUT=2,
        )
        refresh()
        connection = make_connection(make_user())

        async def call() -> None:
            async with AsyncActionstepClient(connection, max_wait=0) as actionstep:
                await actionstep.get("actions")

        with ActionstepClient(connection, max_wait=0) as actionstep:
            actionstep.get("actions")
        asyncio.run(call())
        report = StringIO()
        with pytest.raises(SystemExit):
            call_command("actionstep_doctor", as_json=True, stdout=report)
        paths = [request.path for request in server.requests]
    assert paths[:3] == ["/token", "/api/rest/actions", "/api/rest/actions"]
    assert "/authorize" in paths[3:]
    assert json.loads(report.getvalue())["findings"]
    assert proxy.requests == []


@pytest.mark.django_db(transaction=True)
def test_a_proxy_of_the_callers_is_used(proxy: HostileServer, settings: Settings) -> None:
    """What a caller passes as `proxy` is no matter of the environment: it serves for loopback too."""
    change(settings, API_HOSTS=["127.0.0.1:9"])
    proxy.answer(body={"actions": []})
    with ActionstepClient(make_connection(make_user()), proxy=proxy.url) as actionstep:
        actionstep.get("actions")
    assert proxy.requests[0].target == "http://127.0.0.1:9/api/rest/actions"
