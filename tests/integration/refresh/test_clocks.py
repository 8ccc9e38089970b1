"""Machines whose clocks disagree: nothing stops, and people are told which clocks to look at."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from celery.signals import task_revoked
from django.core.management import call_command
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from actionstep_connect import tasks
from actionstep_connect.flows.doctor import rows
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.models import Connection, Heartbeat
from actionstep_connect.models.querysets import UtcNow
from actionstep_connect.models.severity import Severity
from actionstep_connect.schedule import BEAT_SCHEDULE, MESSAGE_EXPIRY
from actionstep_connect.testing import Sandbox
from tests.support.connections import (
    expired,
    make_connection,
    make_due,
    make_user,
    sandbox_connections,
)
from tests.support.hostile_server import HostileServer, grant

pytestmark = pytest.mark.django_db(transaction=True)

ADMIN = "/admin/actionstep_connect/connection/"


def test_messages_outlive_every_plausible_difference_between_two_clocks() -> None:
    """A time zone that is set wrongly is up to 14 hours; a message lives longer, and not forever."""
    assert timedelta(hours=14) < MESSAGE_EXPIRY <= timedelta(days=2)
    seconds = MESSAGE_EXPIRY.total_seconds()
    for task in (tasks.maintain_connections, tasks.drain_due_connections):
        assert task.expires == seconds
    (entry,) = BEAT_SCHEDULE.values()
    assert entry["options"]["expires"] == seconds


def test_a_pile_of_old_messages_costs_next_to_nothing(sandbox: Sandbox) -> None:
    """The first does the work, each other one two small queries."""
    sandbox_connections(sandbox, 5, **expired())
    assert tasks.maintain_connections()["refreshed"] == 5
    with CaptureQueriesContext(database) as queries:
        for _ in range(10):
            assert tasks.maintain_connections()["requests"] == 0
    assert len(queries) <= 20
    make_due(Connection.objects)
    assert tasks.maintain_connections()["refreshed"] == 5


def test_a_heartbeat_of_the_future_holds_no_message_up(sandbox: Sandbox) -> None:
    """What has just run is judged by the database's clock alone."""
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=11), tick=True):
        maintain()
    Heartbeat.objects.update(stored_at=UtcNow() - timedelta(minutes=1))
    sandbox_connections(sandbox, 2, **expired())
    assert tasks.maintain_connections()["refreshed"] == 2


def discard_a_message() -> None:
    """Do what Celery does with a message that has expired by the worker's clock."""
    task_revoked.send(
        sender=tasks.maintain_connections, request=None, terminated=False, signum=None, expired=True
    )


def test_a_worker_that_discards_messages_says_which_clocks_to_compare(
    admin_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log, the admin and the doctor, until maintenance runs again."""
    maintain()
    discard_a_message()
    assert "compare the clocks" in caplog.text
    page = admin_client.get(ADMIN).content.decode()
    assert "discards them because they have expired" in page
    (finding,) = [each for each in rows.maintenance() if each.part == "clock"]
    assert "discards them" in finding.text
    maintain()
    assert "discards them" not in admin_client.get(ADMIN).content.decode()


def test_other_tasks_may_be_revoked(caplog: pytest.LogCaptureFixture) -> None:
    """Only this package's messages, and only those that expired, are told of."""
    maintain()

    own = type("Task", (), {"name": "a-sites-own-task"})()
    for sender, is_expired in ((own, True), (tasks.maintain_connections, False)):
        task_revoked.send(
            sender=sender, request=None, terminated=False, signum=None, expired=is_expired
        )
    assert Heartbeat.objects.get().discarded_at is None


@pytest.mark.parametrize("minutes", [-90, -2, 2, 90])
def test_a_worker_whose_clock_is_off_is_named(admin_client: Client, minutes: int) -> None:
    """The heartbeat keeps both clocks: the admin and the doctor tell the difference."""
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes), tick=True):
        maintain()
    assert "Clocks disagree" in admin_client.get(ADMIN).content.decode()
    (finding,) = [each for each in rows.maintenance() if each.part == "clock"]
    assert "machine that last ran maintenance" in finding.text
    assert ("ahead of" if minutes > 0 else "behind") in finding.text


@pytest.mark.parametrize("minutes", [-90, 90])
def test_the_doctor_compares_its_own_clock_with_the_databases(
    minutes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names this machine where this machine's clock is the one that is off."""
    maintain()
    with (
        time_machine.travel(datetime.now(UTC) + timedelta(minutes=minutes), tick=True),
        pytest.raises(SystemExit),
    ):
        call_command("actionstep_doctor")
    assert "This machine's clock is" in capsys.readouterr().out


def test_clocks_that_agree_are_not_spoken_of(admin_client: Client) -> None:
    """A second or two is no one's business."""
    maintain()
    assert "Clocks disagree" not in admin_client.get(ADMIN).content.decode()
    assert not [each for each in rows.maintenance() if each.part == "clock"]


@pytest.mark.parametrize("seconds", [1, 2, 59])
def test_a_storm_by_lifetime_does_not_happen(
    endpoint: HostileServer, caplog: pytest.LogCaptureFixture, seconds: int
) -> None:
    """Tokens that live for a second cost one request a minute each, and it is said."""
    for _number in range(20):
        make_connection(make_user(), **expired())
    endpoint.answer(body=grant(expires_in=seconds))
    for _number in range(3):
        maintain()
    assert len(endpoint.requests) == 20
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61), tick=True):
        maintain()
        maintain()
    assert len(endpoint.requests) == 40
    assert "actionstep_connect.short_lived rows=20" in caplog.text
    (finding,) = [each for each in rows.limits() if each.severity is Severity.WARNING]
    assert "20 connections access tokens that live for less than two minutes" in finding.text
