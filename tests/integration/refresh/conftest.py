"""Fixtures of the refresh engine's tests."""

from collections.abc import Generator

import pytest
from pytest_django import Settings

from tests.support.hostile_server import HostileServer


@pytest.fixture
def endpoint(settings: Settings) -> Generator[HostileServer]:
    """Yield a token endpoint that says what it is told, and settings that lead to it."""
    with HostileServer() as server:
        settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **server.settings()}
        yield server
