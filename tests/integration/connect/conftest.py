"""People, and the two servers they may meet: the sandbox, or one that misbehaves."""

from collections.abc import Callable, Generator

import pytest
from pytest_django import Settings

from actionstep_connect.testing import Sandbox
from tests.hostile_server import HostileServer
from tests.integration.connect.person import Person

#: Says how many codes Actionstep was shown.
Exchanges = Callable[[], int]


@pytest.fixture
def person(db: None) -> Person:
    """Give a signed-in user in a browser of their own."""
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
    """Give a token endpoint that answers as told, and settings that lead to it."""
    with HostileServer() as server:
        settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **server.settings()}
        yield server
