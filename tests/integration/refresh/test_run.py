"""Runs: everything that is due is refreshed once."""

import pytest

from actionstep_connect.flows.refresh import refresh_due
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.connections import expired, sandbox_connections

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_refreshes_everything_that_is_due(sandbox: Sandbox) -> None:
    """Every due connection gets a new pair; the sandbox sees each refresh token once."""
    sandbox_connections(sandbox, 30, **expired())
    report = refresh_due()
    assert (report.due, report.refreshed, report.stopped_by) == (30, 30, None)
    assert not Connection.objects.exclude(generation=2).exists()
    state = sandbox.get("sandbox/state")
    assert state["counters"]["token_requests"]["refresh_token"] == 30
