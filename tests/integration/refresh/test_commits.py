"""An answer whose commit fails is stored at the next try as if there had been no first."""

from contextlib import suppress
from typing import Any

import pytest
from django.db import connections, transaction

from actionstep_connect import policy
from actionstep_connect.api import refresh
from actionstep_connect.exceptions import ActionstepConnectError
from actionstep_connect.models import Connection, ConnectionEvent
from tests.support.conflicts import conflict
from tests.support.connections import expired, make_connection, make_user
from tests.support.hostile_server import HostileServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

FAILED_TWICE = policy.FAILING_AFTER - 1
GOOD = {"body": {"access_token": "new", "refresh_token": "newer", "expires_in": 3600}}
REFUSED = {"status": 400, "body": {"error": "invalid_grant"}}


@pytest.fixture
def failing_commit(endpoint: HostileServer, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Let the first commit after Actionstep's answer conflict with another transaction."""
    wrapper: Any = type(connections["default"])
    commit = wrapper._commit
    failed: list[bool] = []

    def fail_once(self: Any) -> None:
        if endpoint.requests and not failed:
            failed.append(True)
            raise conflict()
        commit(self)

    monkeypatch.setattr(wrapper, "_commit", fail_once)
    return failed


@pytest.mark.parametrize(
    ("failures", "answer", "expected", "told"),
    [
        (0, GOOD, {"generation": 2, "status": "connected"}, []),
        (policy.FAILING_AFTER, GOOD, {"consecutive_failures": 0}, ["recovered"]),
        (0, REFUSED, {"generation": 1, "status": "reconnect_required"}, ["reconnect_required"]),
        (
            FAILED_TWICE,
            {"status": 503},
            {"consecutive_failures": policy.FAILING_AFTER},
            ["refresh_failing"],
        ),
    ],
    ids=["refreshed", "recovered", "refused", "failed"],
)
def test_it_is_counted_and_told_once(
    endpoint: HostileServer,
    failing_commit: list[bool],
    caplog: pytest.LogCaptureFixture,
    failures: int,
    answer: dict[str, Any],
    expected: dict[str, Any],
    told: list[str],
) -> None:
    """The row, its events, its announcements and the log are those of one refresh."""
    caplog.set_level("INFO")
    endpoint.answer(**answer)
    connection = make_connection(make_user(), **expired(consecutive_failures=failures))
    with transaction.atomic(), suppress(ActionstepConnectError):
        refresh(connection)
    assert failing_commit
    row = Connection.objects.get()
    assert {name: getattr(row, name) for name in expected} == expected
    assert list(ConnectionEvent.objects.values_list("kind", "announce_at")) == [
        (kind, None) for kind in told
    ]
    assert connection.generation == row.generation
    assert caplog.text.count("actionstep_connect.refresh ") == 1
    assert len(endpoint.requests) == 1
