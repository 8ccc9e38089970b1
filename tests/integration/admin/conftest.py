"""An administrator at work, on a site where maintenance runs."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.support.admin_pages import beat


@pytest.fixture
def admin(client: Client) -> Client:
    """A browser in which a superuser is signed in."""
    client.force_login(User.objects.create_superuser("root", "root@law.example", "a password"))
    return client


@pytest.fixture(autouse=True)
def _maintenance_runs(transactional_db: None) -> None:
    beat()
