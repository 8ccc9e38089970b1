"""Drain tasks share a backlog, and are as careful as the run that they help."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from celery import current_app
from pytest_django import Settings

from actionstep_connect import tasks
from actionstep_connect.api import get_access_token
from actionstep_connect.exceptions import ReconnectRequired
from actionstep_connect.flows.maintain import maintain, may_share_backlog
from actionstep_connect.flows.refresh import refresh_now, replace_refused_token
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_due, sandbox_connection, sandbox_connections
from tests.support.free_port import free_ports
from tests.support.sandbox import fault, requests

pytestmark = pytest.mark.django_db(transaction=True)


def test_s29_a_drain_task_does_not_begin_its_own_count_of_refusals(sandbox: Sandbox) -> None:
    """After a fleet was refused it sends one probe, as the next run would, and asks for no help."""
    sandbox_connections(sandbox, 30, **expired())
    fault(sandbox, "oauth_error", error="invalid_grant", times=None)
    assert maintain().stopped_by == "refusals"
    assert not may_share_backlog()
    assert tasks.drain_due_connections()["refused"] == 1
    sandbox.delete("sandbox/faults")
    assert tasks.drain_due_connections()["refreshed"] == 9
    maintain()
    assert may_share_backlog()


def test_a_backlog_is_shared_by_as_many_drain_tasks_as_it_takes(
    sandbox: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for each hundred rounds of requests, none for less, and none while Actionstep is out."""
    sent: list[str] = []
    monkeypatch.setattr(tasks.drain_due_connections, "delay", lambda: sent.append("drain"))
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REFRESH_CONCURRENCY": 1}
    sandbox_connections(sandbox, 210, **expired())
    fault(sandbox, "status_503", times=None)
    tasks.maintain_connections()
    assert sent == ["drain", "drain"]
    make_due(Connection.objects)
    tasks.maintain_connections()
    assert sent == ["drain", "drain"]


def test_a_clock_hours_ahead_does_not_hold_callers_up(sandbox: Sandbox) -> None:
    """Times that a wrong clock wrote are neither a backoff nor a brand-new token."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "status_503")
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=11), tick=True):
        maintain()
    connection.refresh_from_db()
    assert connection.last_failed_at is not None
    get_access_token(connection)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=11), tick=True):
        refresh_now(connection)
    assert replace_refused_token(connection, refused=connection.generation) is True
    assert requests(sandbox) == 4


def test_another_organisations_tokens_stay_unusable_when_it_is_not_named_again(
    sandbox: Sandbox,
) -> None:
    """An admin's second try that is answered without an orgkey does not make them this one's."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "members", changes={"orgkey": "somebody-elses"})
    maintain()
    fault(sandbox, "members", remove=["orgkey"])
    with pytest.raises(ReconnectRequired, match="a different organisation"):
        refresh_now(connection, even_if_refused=True)
    row = Connection.objects.get()
    assert (row.status, row.status_reason) == ("reconnect_required", "organisation_changed")
    assert row.generation == 3


def test_a_broker_that_takes_no_message_holds_up_no_refresh(
    sandbox: Sandbox, settings: Settings
) -> None:
    """Help is asked for once and in vain; the run itself goes on."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REFRESH_CONCURRENCY": 1}
    sandbox_connections(sandbox, 101, **expired())
    broker = current_app.conf.broker_url
    current_app.conf.broker_url = f"amqp://127.0.0.1:{free_ports(1)[0]}//"  # No one is there.
    try:
        assert tasks.maintain_connections()["refreshed"] == 101
    finally:
        current_app.conf.broker_url = broker
