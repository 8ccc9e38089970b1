"""One connection is followed through the logs by its fingerprint, from refresh to reconnecting."""

import logging

import pytest

from actionstep_connect.api import disconnect
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.logs import fingerprint
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.connections import expired, sandbox_connections
from tests.integration.refresh.test_answers import fault
from tests.integration.refresh.test_processes import make_due

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_connection_is_followed_by_its_fingerprint(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Each refresh and each change is one record of its connection, with what came of it."""
    caplog.set_level(logging.INFO)
    followed, other = sandbox_connections(sandbox, 2, **expired())
    maintain()
    for _ in range(3):
        make_due(Connection.objects.filter(pk=followed.pk))
        fault(sandbox, "status_503")
        maintain()
    make_due(Connection.objects.filter(pk=followed.pk))
    fault(sandbox, "oauth_error", error="invalid_grant")
    maintain()
    disconnect(followed)
    fields = [vars(record) for record in caplog.records if "fingerprint" in vars(record)]
    mine = [each for each in fields if each["fingerprint"] == fingerprint(followed.pk)]
    assert {each["connection_id"] for each in mine} == {str(followed.pk)}
    assert [(each["levelname"], each["event"][19:], each["outcome"]) for each in mine] == [
        ("INFO", "refresh", "refreshed"),
        ("INFO", "refresh", "failed"),
        ("INFO", "refresh", "failed"),
        ("INFO", "refresh", "failed"),
        ("WARNING", "change", "refresh_failing"),
        ("INFO", "refresh", "refused"),
        ("WARNING", "change", "reconnect_required"),
        ("INFO", "change", "disconnected"),
    ]
    theirs = [each for each in fields if each["fingerprint"] == fingerprint(other.pk)]
    assert [each["outcome"] for each in theirs] == ["refreshed"]
