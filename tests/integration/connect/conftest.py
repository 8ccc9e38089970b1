"""People, and the two servers they may meet: the sandbox, or one that misbehaves."""

from collections.abc import Generator

import pytest
from pytest_django import Settings

from actionstep_connect.testing import Sandbox
from tests.support.hostile_server import HostileServer
from tests.support.person import Exchanges, Person


@pytest.fixture
def person(db: None) -> Person:
    """Return a signed-in user in a browser of their own."""
    return Person()


@pytest.fixture
def exchanges(sandbox: Sandbox) -> Exchanges:
    """Count the code exchanges that reached the token endpoint."""

    def count() -> int:
        counters = sandbox.get("sandbox/state")["counters"]
        return int(counters["token_requests"]["authorization_code"])

    return count


@pytest.fixture
def server(settings: Settings) -> Generator[HostileServer]:
    """Yield a token endpoint that answers as told, and settings that lead to it."""
    with HostileServer() as server:
        settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **server.settings()}
        yield server
