"""Runs: everything that is due is refreshed once."""

import signal

import pytest
from django.core.management import call_command

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


def test_the_command_leaves_signals_as_they_were() -> None:
    """A site that calls it in a loop can still be stopped between two rounds."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    call_command("actionstep_maintain")
    assert [signal.getsignal(number) for number in numbers] == before
