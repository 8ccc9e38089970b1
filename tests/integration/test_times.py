"""Moments are read as they were meant, whatever USE_TZ and the time zones of site and database are."""

import csv
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection as database
from django.db import models
from django.db.models import Min
from django.test import Client
from django.test.signals import update_connections_time_zone
from pytest_django import Settings

from actionstep_connect.api import ActionstepClient, get_access_token
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.flows.refresh.claim import claim_one, lease_length, new_owner
from actionstep_connect.models import Connection, ConnectionEvent, Heartbeat, RefreshHour, Status
from actionstep_connect.models.fields import MomentField
from actionstep_connect.models.refresh_hour import hour_of
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_connection, make_user, sandbox_connection

pytestmark = pytest.mark.django_db(transaction=True)

SYDNEY = "Australia/Sydney"
A_MOMENT = timedelta(seconds=20)


@pytest.fixture(params=["UTC", "database in Sydney", "site in Sydney", "without USE_TZ"])
def _place(request: pytest.FixtureRequest, settings: Settings) -> Generator[None]:
    """Put the database or the site into another time zone."""
    if request.param == "database in Sydney":
        database.settings_dict["TIME_ZONE"] = SYDNEY
        update_connections_time_zone(setting="USE_TZ")
        yield
        database.settings_dict["TIME_ZONE"] = None
        update_connections_time_zone(setting="USE_TZ")
        return
    if request.param != "UTC":
        settings.TIME_ZONE = SYDNEY
        settings.USE_TZ = request.param == "site in Sydney"
    yield


def is_now(moment: datetime | None) -> bool:
    """Return whether `moment` has a time zone and lies within A_MOMENT of the present."""
    return moment is not None and abs(moment - datetime.now(UTC)) < A_MOMENT


def test_every_column_that_holds_a_moment_is_a_moment_field() -> None:
    """No model keeps a time in a column that USE_TZ or TIME_ZONE would change the meaning of."""
    of_models = [
        field
        for model in apps.get_app_config("actionstep_connect").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.DateTimeField)
    ]
    assert of_models
    assert [field for field in of_models if not isinstance(field, MomentField)] == []


@pytest.mark.usefixtures("_place")
def test_what_the_clock_of_the_database_writes_is_read_as_meant() -> None:
    """A lease begins now and lasts as long as it should, as Python reads it."""
    claim = claim_one(make_connection(make_user()), statuses=[Status.CONNECTED], owner=new_owner())
    assert claim is not None
    row = Connection.objects.get()
    assert is_now(row.outcome_unknown_since)
    assert row.lease_expires_at is not None
    assert is_now(row.lease_expires_at - lease_length())
    assert not Connection.objects.claimable().exists()


@pytest.mark.usefixtures("_place")
@pytest.mark.parametrize("minute", [-61, -30, 0, 30, 61])
def test_a_moment_comes_back_as_it_went(minute: int) -> None:
    """The hour that the end of summer time repeats is not an hour off, nor is anything else."""
    moment = datetime(2026, 4, 5, 2, 0, tzinfo=ZoneInfo(SYDNEY)) + timedelta(minutes=minute)
    moment = moment.astimezone(UTC).replace(microsecond=123456)
    make_connection(make_user(), refresh_at=moment)
    rows = Connection.objects.filter(refresh_at=moment)
    row = rows.get()
    assert row.refresh_at == moment
    assert rows.aggregate(least=Min("refresh_at"))["least"] == moment
    assert rows.values_list("refresh_at", flat=True).get() == moment
    assert row.refresh_at is not None
    assert row.refresh_at - row.connected_at == moment - row.connected_at.astimezone(UTC)
    assert Connection.objects.due(now=moment).exists()
    assert not Connection.objects.due(now=moment - timedelta(microseconds=1)).exists()


@pytest.mark.usefixtures("_place")
def test_a_connection_lives_in_every_time_zone(sandbox: Sandbox) -> None:
    """Refreshing by schedule and on demand, calling the API and the records of both work."""
    scheduled = sandbox_connection(sandbox, **expired())
    assert maintain().refreshed == 1
    wanted = sandbox_connection(sandbox, **expired())
    with ActionstepClient(wanted) as actionstep:
        assert actionstep.get("timerecords").status_code == 200
    for connection in (scheduled, wanted):
        row = Connection.objects.get(pk=connection.pk)
        assert is_now(row.last_refreshed_at)
        assert get_access_token(row)
    assert is_now(Heartbeat.objects.get().finished_at)
    assert [row.hour for row in RefreshHour.objects.all()] == [hour_of(datetime.now(UTC))]


def test_a_site_without_use_tz_is_shown_its_local_time(
    settings: Settings, client: Client, sandbox: Sandbox
) -> None:
    """Without USE_TZ the admin and the user's page show local time, and the export shows UTC."""
    settings.TIME_ZONE, settings.USE_TZ = SYDNEY, False
    moment = datetime(2026, 7, 1, 18, 0, tzinfo=UTC)  # The second of July, 04:00, in Sydney.
    user = User.objects.create_superuser("root", "root@law.example", "a password")
    connection = make_connection(user, connected_at=moment, last_used_at=moment)
    ConnectionEvent.objects.create(connection=connection, kind="connected", at=moment)
    ConnectionEvent.objects.create(connection=connection, kind="flagged")
    client.force_login(user)
    events = client.get("/admin/actionstep_connect/connectionevent/?at__gte=2026-07-02")
    assert "July 2, 2026, 4 a.m." in events.content.decode()
    page = client.get(f"/admin/actionstep_connect/connection/{connection.pk}/change/")
    assert "July 2, 2026, 4 a.m." in page.content.decode()
    overview = client.get("/actionstep/").content.decode()
    assert "July 2, 2026" in overview
    assert client.get("/admin/actionstep_connect/").status_code == 200
    export = client.post(
        "/admin/actionstep_connect/connection/",
        {"action": "export_csv", "_selected_action": [connection.pk]},
    )
    line = next(csv.DictReader(export.getvalue().decode().splitlines()))
    assert line["connected_at"] == "2026-07-01T18:00:00+00:00"
    call_command("check")
