"""A server that answers for the API as it is told, and a clock whose waits take no time."""

import asyncio
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx2
import pytest
import tenacity.nap
from pytest_django import Settings

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient
from actionstep_connect.client import retries
from actionstep_connect.models import Connection
from tests.connections import make_connection, make_user
from tests.hostile_server import HostileServer

#: Makes one request with a client of its own.
Call = Callable[..., httpx2.Response]


@pytest.fixture
def server(settings: Settings) -> Generator[HostileServer]:
    """Give an API that answers as told, and settings that trust it."""
    with HostileServer() as server:
        settings.ACTIONSTEP_CONNECT = {
            **settings.ACTIONSTEP_CONNECT,
            **server.settings(),
            "API_HOSTS": [server.host],
        }
        yield server


@pytest.fixture
def connection(server: HostileServer, transactional_db: None) -> Connection:
    """Give a connection to that API, its token good."""
    return make_connection(make_user(), granted_scopes=["timerecords"])


@dataclass
class Clock:
    """Stands for the clock of the retries: whoever waits is late at once."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        """Seconds on this clock."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Wait, without waiting."""
        self.waits.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        """Wait, without waiting."""
        self.sleep(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give a clock that notes how long retries wait."""
    clock = Clock()
    monkeypatch.setattr(retries, "time", clock)
    monkeypatch.setattr(tenacity.nap, "time", clock)
    monkeypatch.setattr(asyncio, "sleep", clock.asleep)
    return clock


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
    """Give a way to make one request, sync and async."""

    def call(
        method: str = "GET", url: str = "timerecords", *, options: Any = None, **of: Any
    ) -> httpx2.Response:
        made = partial(request.param, connection, method, url)
        response: httpx2.Response = made(options=options or {}, **of)
        return response

    return call
