"""S22 among processes: however many workers and callers there are, a refresh token is sent once."""

import pytest

from actionstep_connect.models import Connection, Heartbeat
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, make_due, sandbox_connection, sandbox_connections
from tests.support.sandbox import presented_twice, requests
from tests.support.workers import at_once, running_workers

pytestmark = [pytest.mark.alone, pytest.mark.django_db(transaction=True)]

ROUNDS = 100


def _race(sandbox: Sandbox, *, workers: int) -> None:
    connection = sandbox_connection(sandbox)
    with running_workers(workers) as processes:
        for number in range(1, ROUNDS + 1):
            make_due(Connection.objects)
            reports = at_once((process, "maintain", ()) for process in processes)
            assert sum(report["requests"] for report in reports) == 1, reports
            assert sum(report["refreshed"] for report in reports) == 1, reports
            connection.refresh_from_db()
            assert (connection.generation, connection.lease_owner) == (number + 1, "")
    assert requests(sandbox) == ROUNDS
    assert presented_twice(sandbox) == 0
    assert connection.status == "connected"


def test_s22_two_workers_make_one_request(sandbox: Sandbox) -> None:
    """A hundred times two worker processes meet over one due connection: a hundred requests."""
    _race(sandbox, workers=2)


def test_s22_eight_workers_make_one_request(sandbox: Sandbox) -> None:
    """A hundred times eight worker processes meet over one due connection: a hundred requests."""
    _race(sandbox, workers=8)


def test_s22_callers_in_several_processes_make_one_request(sandbox: Sandbox) -> None:
    """Four processes ask for one expired token at once: all get the new one, for one request."""
    connection = sandbox_connection(sandbox)
    rounds = ROUNDS // 4
    with running_workers(4) as processes:
        for _ in range(rounds):
            make_due(Connection.objects)
            tokens = at_once((process, "token", (connection.pk,)) for process in processes)
            connection.refresh_from_db()
            assert set(tokens) == {connection.open_access_token().reveal()}
    assert requests(sandbox) == rounds
    assert presented_twice(sandbox) == 0


def test_s22_a_worker_and_a_caller_make_one_request(sandbox: Sandbox) -> None:
    """Whichever comes first refreshes; the caller gets the new token either way."""
    connection = sandbox_connection(sandbox)
    rounds = ROUNDS // 4
    with running_workers(2) as (worker, site):
        for _ in range(rounds):
            make_due(Connection.objects)
            report, token = at_once([(worker, "maintain", ()), (site, "token", (connection.pk,))])
            connection.refresh_from_db()
            assert token == connection.open_access_token().reveal(), report
    assert requests(sandbox) == rounds
    assert presented_twice(sandbox) == 0


def test_s22_two_beats_at_once_share_the_work(sandbox: Sandbox) -> None:
    """Two first rounds of maintenance at one moment send each token once and leave one heartbeat."""
    sandbox_connections(sandbox, 60, **expired())
    with running_workers(2) as processes:
        reports = at_once((process, "maintain", ()) for process in processes)
    assert sum(report["refreshed"] for report in reports) == 60, reports
    assert Connection.objects.filter(generation=2, lease_owner="").count() == 60
    assert requests(sandbox) == 60
    assert presented_twice(sandbox) == 0
    assert Heartbeat.objects.count() == 1
