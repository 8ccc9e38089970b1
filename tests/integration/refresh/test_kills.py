"""S27: `kill -9` at every step of a refresh, and an account of every single connection afterwards.

One window no client can close: the request is sent and its answer not yet stored. What is lost there
must say *interrupted*; all else must be kept.
"""

import os
import random
import signal
from collections.abc import Generator
from datetime import timedelta
from functools import partial

import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from actionstep_connect.flows.maintain import maintain
from actionstep_connect.models import Connection, ConnectionEvent, Heartbeat
from actionstep_connect.testing import Sandbox
from tests.support.connections import (
    expired,
    kinds,
    make_connection,
    make_due,
    make_user,
    sandbox_connection,
    sandbox_connections,
)
from tests.support.gate import close_gate, wait_until
from tests.support.hostile_server import Answer, HostileServer, grant
from tests.support.sandbox import fault, presented_twice, requests
from tests.support.workers import Worker, kill_hatched, running_workers

pytestmark = [pytest.mark.alone, pytest.mark.django_db(transaction=True)]

REFRESHES = 500
#: So often at least must a kill have met claims that someone held.
HITS = 10


@pytest.fixture
def few_at_once(settings: Settings) -> None:
    """Send two requests at a time."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REFRESH_CONCURRENCY": 2}


@pytest.fixture
def worker(few_at_once: None) -> Generator[Worker]:
    """Yield a worker process to kill, on the settings as they are then."""
    with running_workers(1) as (process,):
        yield process


def let_time_pass() -> None:
    """Have the leases of killed processes lapse, and backoff be over; no one else is at work."""
    Connection.objects.exclude(lease_owner="").update(lease_expires_at=Now() - timedelta(seconds=1))
    make_due(Connection.objects.exclude(refresh_at=None))


def test_s27_killed_with_claims_that_were_not_sent(
    endpoint: HostileServer, settings: Settings
) -> None:
    """What was claimed and never sent is sent by the next run, once, and no one is told of it."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REFRESH_CONCURRENCY": 8}
    tokens = {f"token-{number}" for number in range(8)}
    for token in tokens:
        make_connection(make_user(), **expired(refresh_token=token))
    endpoint.answer(silent=True)
    with running_workers(1) as (worker,):
        worker.tell("maintain")
        wait_until(lambda: len(endpoint.requests) == 4)
        worker.kill()
    claimed = Connection.objects.exclude(lease_owner="").exclude(outcome_unknown_since=None)
    assert claimed.count() == 8
    in_flight = _sent(endpoint)
    endpoint.answer(body=grant())
    let_time_pass()
    assert maintain().refreshed == 8
    assert Connection.objects.filter(generation=2, status="connected").count() == 8
    assert sorted(_sent(endpoint)) == sorted([*in_flight, *tokens])
    assert not ConnectionEvent.objects.exists()


def test_s27_killed_after_sending_says_interrupted(sandbox: Sandbox, worker: Worker) -> None:
    """The token was spent and its answer lost: the one thing left is to say so, to both."""
    connection = sandbox_connection(sandbox, **expired())
    fault(sandbox, "slow_after", seconds=3)
    worker.tell("maintain")
    wait_until(lambda: sandbox.get("sandbox/state")["connections"][0]["rotations"] == 1)
    worker.kill()
    let_time_pass()
    assert maintain().refused == 1
    connection.refresh_from_db()
    assert (connection.status, connection.status_reason) == ("reconnect_required", "interrupted")
    assert kinds(connection) == ["reconnect_required"]


def test_s27_killed_before_the_server_acted_keeps_the_connection(
    endpoint: HostileServer, worker: Worker
) -> None:
    """The request never took effect: the same token, tried again, is good."""
    connection = make_connection(make_user(), **expired())
    endpoint.answer(silent=True)
    worker.tell("maintain")
    wait_until(lambda: len(endpoint.requests) == 1)
    worker.kill()
    endpoint.answer(body=grant())
    let_time_pass()
    assert maintain().refreshed == 1
    connection.refresh_from_db()
    assert (connection.status, connection.generation) == ("connected", 2)
    assert connection.outcome_unknown_since is None
    assert _sent(endpoint) == ["a-refresh-token"] * 2


def test_s27_killed_between_answer_and_store_says_interrupted(
    endpoint: HostileServer, worker: Worker
) -> None:
    """The answer had come to the worker's socket, and the worker never woke up again."""
    connection = make_connection(make_user(), **expired())
    gate = close_gate(endpoint)
    endpoint.answer(status=400, body={"error": "invalid_grant"})
    worker.tell("maintain")
    gate.wait()
    os.kill(worker.process.pid or 0, signal.SIGSTOP)
    gate.open()
    worker.process.join(0.1)
    worker.kill()
    connection.refresh_from_db()
    assert connection.generation == 1
    let_time_pass()
    maintain()
    connection.refresh_from_db()
    assert (connection.status, connection.status_reason) == ("reconnect_required", "interrupted")


def test_s27_killed_after_the_store_keeps_what_was_stored(
    endpoint: HostileServer, worker: Worker
) -> None:
    """One is stored, its neighbour on the way: only the neighbour's token is tried again."""
    make_connection(make_user(), **expired(refresh_token="first"))
    make_connection(make_user(), **expired(refresh_token="second"))
    endpoint.script([Answer(body=grant())])
    endpoint.answer(silent=True)
    worker.tell("maintain")
    wait_until(lambda: Connection.objects.filter(generation=2).count() == 1)
    wait_until(lambda: len(endpoint.requests) == 2)
    worker.kill()
    stored = Connection.objects.get(generation=2)
    assert stored.lease_owner == ""
    endpoint.answer(body=grant())
    let_time_pass()
    Connection.objects.filter(pk=stored.pk).update(refresh_at=Now() + timedelta(hours=1))
    assert maintain().refreshed == 1
    assert Connection.objects.filter(generation=2, status="connected").count() == 2
    assert len(_sent(endpoint)) == 3
    assert set(_sent(endpoint)) == {"first", "second"}


def test_s27_suspended_beyond_its_lease_it_does_no_harm(
    endpoint: HostileServer, worker: Worker
) -> None:
    """A worker frozen while another took over wakes up to a newer token, and leaves it alone."""
    make_connection(make_user(), **expired())
    gate = close_gate(endpoint, body=grant(refresh_token="late"))
    worker.tell("maintain")
    gate.wait()
    os.kill(worker.process.pid or 0, signal.SIGSTOP)
    gate.open()
    endpoint.answer(body=grant(refresh_token="newer"))
    let_time_pass()
    assert maintain().refreshed == 1
    os.kill(worker.process.pid or 0, signal.SIGCONT)
    assert worker.answer()["superseded"] == 1
    row = Connection.objects.get()
    assert (row.status, row.generation) == ("connected", 2)
    assert row.open_refresh_token().reveal() == "newer"


def test_s27_killed_at_random_every_connection_is_accounted_for(
    sandbox: Sandbox, settings: Settings
) -> None:
    """Over 500 refreshes: kept, or lost in the one window that no client can close, and it says so."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "REFRESH_CONCURRENCY": 2}
    sandbox_connections(sandbox, 200, **expired())
    in_order = [grant["id"] for grant in sandbox.get("sandbox/state")["connections"]]
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice, kills, hit = random.Random(seed), 0, 0
    with running_workers(1) as (nursery,):
        while requests(sandbox) < REFRESHES or hit < HITS:
            children = [nursery.do("hatch") for _ in range(2)]
            # By what they have done, not by the clock: a slow machine would kill all at their first step.
            enough = requests(sandbox) + dice.randint(1, 40)
            wait_until(partial(_has_had, sandbox, enough))
            nursery.process.join(dice.uniform(0, 0.1))
            for child in children:
                kill_hatched(child)
                kills += 1
            hit += Connection.objects.exclude(lease_owner="").exists()
            let_time_pass()
            Heartbeat.objects.update(summary={})  # An admin has looked at it: no fleet was refused.
    let_time_pass()
    maintain()
    accounts = [_account(row) for row in _with_rotations(sandbox, in_order)]
    lost = accounts.count("lost in the window")
    assert set(accounts) <= {"kept", "lost in the window"}, accounts
    print(f"{kills} kills, {hit} times with claims held, {lost} of {len(accounts)} lost")
    assert presented_twice(sandbox) == lost
    # Of one process: two in flight, and two whose answers let these go before they were stored.
    assert lost <= (2 + 2) * kills
    assert not Connection.objects.exclude(lease_owner="").exists()
    # Whatever ended has its event, and the event has been announced.
    ended = Connection.objects.filter(status="reconnect_required")
    assert not ended.exclude(events__kind="reconnect_required").exists()
    assert not ConnectionEvent.objects.exclude(announce_at=None).exists()
    # Kept means that its token is good.
    make_due(Connection.objects.filter(status="connected"))
    assert maintain().refreshed == len(accounts) - lost


def _has_had(sandbox: Sandbox, count: int) -> bool:
    return requests(sandbox) >= count


def _with_rotations(sandbox: Sandbox, in_order: list[int]) -> list[tuple[Connection, int]]:
    rotations = {
        grant["id"]: grant["rotations"] for grant in sandbox.get("sandbox/state")["connections"]
    }
    rows = Connection.objects.order_by("user_id")
    return [(row, rotations[key]) for row, key in zip(rows, in_order, strict=True)]


def _account(known: tuple[Connection, int]) -> str:
    """Compare what was stored with how often the sandbox gave a new refresh token."""
    row, rotations = known
    stored = row.generation - 1
    if row.status == "connected" and stored == rotations:
        return "kept"
    if (row.status_reason, stored) == ("interrupted", rotations - 1):
        return "lost in the window"
    return f"{row.status} {row.status_reason}: {rotations} given, {stored} stored"


def _sent(endpoint: HostileServer) -> list[str]:
    return [request.form["refresh_token"] for request in endpoint.requests]
