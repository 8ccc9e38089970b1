"""Fixtures that every floor of the tests may ask for."""

from collections.abc import Generator

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from actionstep_connect.testing import Sandbox

pytest_plugins = ["actionstep_connect.testing"]


@pytest.fixture
def sandbox(actionstep_sandbox: Sandbox) -> Sandbox:
    """Give the plugin's sandbox under a short name."""
    return actionstep_sandbox


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Generator[None]:
    """End what sessions are left before the test database is dropped.

    asgiref's threads live as long as the process, and each keeps its connection.
    """
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
