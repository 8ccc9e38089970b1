"""Users stay connected when a site upgrades, from each release that there was, on every database."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from actionstep_connect.models import Connection, ConnectionEvent, EventKind
from actionstep_connect.testing import make_connection
from tests.integration.upgrades.stored import columns, dump, last_migrations, load, to_the_present

RELEASES = sorted(Path(__file__).with_name("releases").glob("*.json"))
NAMES = ("priya", "tom", "grace")

pytestmark = pytest.mark.django_db(transaction=True)


def connect_users() -> None:
    """Connect three users, with a history."""
    for number, name in enumerate(NAMES, start=1):
        connection = make_connection(User.objects.create(pk=number, username=name))
        ConnectionEvent.objects.create(connection=connection, kind=EventKind.CONNECTED)


def check_users() -> None:
    """Fail unless each user is connected as before, and their tokens open."""
    for number, name in enumerate(NAMES, start=1):
        user, _ = User.objects.get_or_create(pk=number, username=name)
        connection = Connection.objects.get_for_user(user)
        assert connection.open_access_token().reveal() == "made-up-access-token"
        assert connection.open_refresh_token().reveal() == "made-up-refresh"
        assert connection.granted_scopes == ["actions", "participants", "timerecords"]
        assert connection.refresh_at is not None
        assert [event.kind for event in connection.events.all()] == [EventKind.CONNECTED]


def upgrade(stored: dict[str, Any]) -> None:
    """Put a release's rows into its schema, and migrate to the present."""
    for number, name in enumerate(NAMES, start=1):
        User.objects.get_or_create(pk=number, username=name)
    try:
        load(stored["migrations"], stored["rows"])
        assert columns(stored["migrations"]) == stored["columns"], "a released migration was edited"
    finally:
        to_the_present()


def stored_today() -> str:
    """Return what would be stored if the present schema were released."""
    connect_users()
    migrations = last_migrations()
    stored = {"columns": columns(migrations), "migrations": migrations, "rows": dump(migrations)}
    return json.dumps(stored, indent=1) + "\n"


@pytest.mark.parametrize(
    "release", [None, *RELEASES], ids=lambda file: file.stem if file else "today"
)
def test_users_stay_connected(release: Path | None, pytestconfig: pytest.Config) -> None:
    """A database of that release, with connected users, migrates without losing one."""
    stored = release.read_text() if release else stored_today()
    upgrade(json.loads(stored))
    check_users()
    if file := pytestconfig.getoption("--keep-release", None):
        Path(file).write_text(stored)
