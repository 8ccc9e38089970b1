"""A server that answers for the API as it is told, and a clock whose waits take no time."""

import asyncio
import ssl
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
import tenacity.nap
from pytest_django import Settings

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient
from actionstep_connect.client import conversation, downloads, rate_limits, retries, uploads
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from actionstep_connect.tls import shared_ssl_context
from tests.support.api_calls import Call, Clock
from tests.support.both_clients import Caller, connection_to_all
from tests.support.connections import make_connection, make_user
from tests.support.hostile_server import HostileServer
from tests.support.keeping_server import KeepingServer


@pytest.fixture
def server(settings: Settings) -> Generator[HostileServer]:
    """Yield an API that answers as told, and settings that trust it."""
    with HostileServer() as server:
        settings.ACTIONSTEP_CONNECT = {
            **settings.ACTIONSTEP_CONNECT,
            **server.settings(),
            "API_HOSTS": [server.host],
        }
        yield server


@pytest.fixture
def tls_api(
    settings: Settings, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[KeepingServer]:
    """Yield an API over TLS that keeps its connections, and whose certificate is known."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    # The server is in this process, and a fork waits for its handshakes as for the clients'.
    context.sslobject_class = shared_ssl_context().sslobject_class
    with KeepingServer(tls=context) as server:
        settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **server.settings()}
        yield server


@pytest.fixture
def connection(server: HostileServer, transactional_db: None) -> Connection:
    """Return a connection to that API, its token good."""
    return make_connection(make_user(), granted_scopes=["timerecords"])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a clock that notes how long retries wait."""
    clock = Clock()
    for module in (conversation, downloads, rate_limits, retries, uploads):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(tenacity.nap, "time", clock)
    monkeypatch.setattr(asyncio, "sleep", clock.asleep)
    return clock


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def caller(
    request: pytest.FixtureRequest, actionstep_sandbox: Sandbox, transactional_db: None
) -> Caller:
    """Return a way to call the sandbox with either client, with a grant for everything."""
    return Caller(connection_to_all(actionstep_sandbox), is_async=request.param)


def _sync(connection: Connection, method: str, url: str, *, options: Any, **of: Any) -> Any:
    with ActionstepClient(connection, **options) as actionstep:
        return actionstep.request(method, url, **of)


def _async(connection: Connection, method: str, url: str, *, options: Any, **of: Any) -> Any:
    async def call() -> httpx2.Response:
        async with AsyncActionstepClient(connection, **options) as actionstep:
            return await actionstep.request(method, url, **of)

    return asyncio.run(call())


@pytest.fixture(params=[_sync, _async], ids=["sync", "async"])
def call(request: pytest.FixtureRequest, connection: Connection) -> Call:
    """Return a way to make one request, sync and async."""

    def call(
        method: str = "GET", url: str = "timerecords", *, options: Any = None, **of: Any
    ) -> httpx2.Response:
        made = partial(request.param, connection, method, url)
        response: httpx2.Response = made(options=options or {}, **of)
        return response

    return call
