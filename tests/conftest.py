"""Fixtures that every floor of the tests may ask for."""

from collections.abc import Generator
from typing import Any

import pytest
from django.core.signals import setting_changed
from django.db import connection
from pytest_django import DjangoDbBlocker
from pytest_django.live_server_helper import LiveServer

from actionstep_connect.scopes import REQUIREMENTS
from actionstep_connect.testing import Sandbox
from tests.support.emptying import emptying_by_deletes, kept_rows

pytest_plugins = ["actionstep_connect.testing"]


@pytest.fixture(autouse=True)
def views_of_other_tests() -> None:
    """Forget the views that test modules decorate, because a check looks at all of a process."""
    REQUIREMENTS.clear()


@pytest.fixture
def sandbox(actionstep_sandbox: Sandbox) -> Sandbox:
    """Return the plugin's sandbox under a short name."""
    return actionstep_sandbox


@pytest.fixture(scope="session")
def live_server(live_server: LiveServer) -> Generator[LiveServer]:
    """Let pytest-django's server, one for all tests, take up the middleware that a test sets."""

    def take_up(*, setting: str, **_: object) -> None:
        handler: Any = live_server.thread.httpd.get_app()
        while setting == "MIDDLEWARE" and handler is not None:
            # Each has a chain of its own: where MEDIA_URL is empty, that for media serves all pages.
            handler.load_middleware()
            handler = getattr(handler, "application", None)

    setting_changed.connect(take_up)
    yield live_server
    setting_changed.disconnect(take_up)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Generator[None]:
    """Empty the database after each test, and end what sessions are left before it is dropped.

    asgiref's threads live as long as the process, and each keeps its connection.
    """
    with django_db_blocker.unblock():
        migrated = kept_rows("default")
    with emptying_by_deletes({"default": migrated}):
        yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
