"""A restored, older database holds spent refresh tokens: what docs/operations.md says of it is true."""

from typing import Any

import pytest

from actionstep_connect.api import get_access_token
from actionstep_connect.exceptions import ReconnectRequired
from actionstep_connect.flows.maintain import maintain, may_share_backlog
from actionstep_connect.flows.refresh import refresh_now
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_due, sandbox_connections

pytestmark = pytest.mark.django_db(transaction=True)


def back_up() -> list[dict[str, Any]]:
    return [dict(row) for row in Connection.objects.values()]


def restore(rows: list[dict[str, Any]]) -> None:
    """Bring back what was backed up, an hour later: all of it is due."""
    for row in rows:
        Connection.objects.filter(pk=row["id"]).update(**row)
    make_due(Connection.objects.filter(status="connected"))


def test_what_was_not_refreshed_since_the_backup_lives_on(sandbox: Sandbox) -> None:
    """Spent tokens are refused and marked; the others are refreshed as if nothing had happened."""
    idle = sandbox_connections(sandbox, 3)
    busy = sandbox_connections(sandbox, 3, **expired())
    backup = back_up()
    assert maintain().refreshed == len(busy)
    restore(backup)
    report = maintain()
    assert (report.refreshed, report.refused) == (len(idle), len(busy))
    assert all(get_access_token(each) for each in Connection.objects.filter(status="connected"))
    ended = Connection.objects.filter(status="reconnect_required")
    assert {each.pk for each in ended} == {each.pk for each in busy}


def test_a_fleet_of_spent_tokens_stops_the_run(sandbox: Sandbox) -> None:
    """Twenty are marked, then one a run; a user who comes meanwhile is told to connect again."""
    sandbox_connections(sandbox, 30, **expired())
    backup = back_up()
    maintain()
    restore(backup)
    report = maintain()
    assert (report.stopped_by, report.refused, report.refreshed) == ("refusals", 20, 0)
    assert not may_share_backlog()
    assert maintain().refused == 1
    connection = Connection.objects.filter(status="connected").first()
    assert connection is not None
    with pytest.raises(ReconnectRequired):
        get_access_token(connection)
    assert Connection.objects.filter(status="connected").count() == 8


def test_marking_all_at_once_keeps_what_may_be_good(sandbox: Sandbox) -> None:
    """After the UPDATE of the documentation nothing is sent on its own; an admin may still try."""
    sandbox_connections(sandbox, 2, **expired())
    Connection.objects.in_environment().filter(status="connected").update(
        status="reconnect_required", status_reason="interrupted", refresh_at=None
    )
    assert maintain().requests == 0
    connection = Connection.objects.first()
    assert connection is not None
    refresh_now(connection, even_if_refused=True)
    assert Connection.objects.filter(status="connected").count() == 1
