"""Processes share a rate limit through a real Redis, and a Redis that is away or silent stops none."""

import socket
import subprocess
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from actionstep_connect.client.rate_limits import key_of
from actionstep_connect.models import Connection
from tests.deployments.servers import Servers
from tests.support.connections import make_connection, make_user
from tests.support.fleet import FAMILIES, ask_in_new_processes
from tests.support.hostile_server import Answer, HostileServer

LIMITED = Answer(status=429, headers={"Retry-After": "300"})
SKEW = 90


@pytest.fixture
def server(settings: Settings) -> Generator[HostileServer]:
    """Yield an API that wants fewer requests, and settings that trust it."""
    with HostileServer() as server:
        server.answer(**vars(LIMITED))
        ours = {**server.settings(), "API_HOSTS": [server.host]}
        settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **ours}
        yield server


@pytest.fixture
def connection(server: HostileServer, transactional_db: None) -> Connection:
    """Return a connection to that API, its token good."""
    return make_connection(make_user(), granted_scopes=["timerecords"])


def caches_at(url: str) -> dict[str, Any]:
    """Return the settings of Django's own cache in Redis."""
    return {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url}}


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_one_process_is_told_and_all_back_off(
    connection: Connection, server: HostileServer, servers: Servers, is_async: bool
) -> None:
    """Of four processes one sends a request; Redis itself ends the limit."""
    url = servers.redis()
    said = ask_in_new_processes(connection, caches_at(url), first=is_async)
    assert said[0] == ["RateLimited", 300]
    assert [kind for kind, _ in said[1:]] == ["Held"] * len(FAMILIES)
    assert all(200 < left <= 300 for _, left in said[1:])
    assert len(server.requests) == 1
    asked = ["redis-cli", "-u", url, "ttl", f":1:{key_of(connection.pk)}"]
    left = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=20)
    assert 200 < int(left.stdout) <= 300


@pytest.mark.parametrize("skew", [SKEW, -SKEW])
def test_machines_whose_clocks_differ_back_off_too(
    connection: Connection, server: HostileServer, servers: Servers, skew: int
) -> None:
    """Neither a clock that is ahead nor one that is behind sends a request, or waits beyond the limit."""
    server.answer(status=429, headers={"Retry-After": "60"})
    caches = caches_at(servers.redis())
    said = ask_in_new_processes(connection, caches, first=False, skew_of_others=skew)
    assert said[0] == ["RateLimited", 60]
    assert [kind for kind, _ in said[1:]] == ["Held"] * len(FAMILIES)
    assert all(0 < left <= 60 for _, left in said[1:])
    assert len(server.requests) == 1


def test_a_redis_that_is_away_stops_nothing(
    connection: Connection, server: HostileServer, tmp_path: Path
) -> None:
    """Each process finds out for itself."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # And does not listen.
        url = f"redis://127.0.0.1:{nobody.getsockname()[1]}"
        said = ask_in_new_processes(connection, caches_at(url), first=False)
    assert said == [["RateLimited", 300]] * (1 + len(FAMILIES))


def test_a_redis_that_says_nothing_keeps_no_process(
    connection: Connection, server: HostileServer
) -> None:
    """Requests go out, and processes end, although Django's client would wait forever."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        said = ask_in_new_processes(connection, caches_at(url), first=True, is_patient=False)
    assert said == [["RateLimited", 300]] * (1 + len(FAMILIES))
    assert time.monotonic() - began < 50
