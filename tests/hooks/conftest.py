"""No handlers but those of the test, and a site at which a bearer is named."""

from collections.abc import Generator
from typing import Any

import pytest
from pytest_django import Settings

from actionstep_connect.hooks import registry
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.both_clients import connection_to_all


@pytest.fixture(autouse=True)
def own_handlers() -> Generator[None]:
    """Leave the handlers of other tests out."""
    before = dict(registry._handlers)
    registry._handlers.clear()
    yield
    registry._handlers.clear()
    registry._handlers.update(before)


@pytest.fixture
def connection(sandbox: Sandbox, settings: Settings, transactional_db: None) -> Connection:
    """Return Priya's connection to Acme Law, which is the bearer there."""
    connection = connection_to_all(sandbox)

    def bearer(orgkey: str) -> Any:
        return Connection.objects.filter(pk=connection.pk, orgkey=orgkey).first()

    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "HOOKS_BEARER": bearer,
        "REDIRECT_URI": "http://localhost/actionstep/callback/",
    }
    return connection
