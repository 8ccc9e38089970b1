"""SIGTERM in the middle of a run: what is in flight is finished, the rest goes back unharmed."""

import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from pytest_django import Settings

from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.connections import (
    expired,
    make_connection,
    make_user,
    sandbox_connection,
)
from tests.support.gate import wait_until
from tests.support.hostile_server import HostileServer, grant
from tests.support.site_processes import (
    COMMAND,
    SiteProcess,
    celery_worker,
    order_maintenance,
    pause,
    running_site,
)

pytestmark = [pytest.mark.alone, pytest.mark.django_db(transaction=True)]

IN_FLIGHT = 4  # a run begins with these


@pytest.fixture
def gate(endpoint: HostileServer) -> threading.Event:
    """Return what lets the answers go."""
    event = threading.Event()
    endpoint.answer(body=grant(), gate=event)
    return event


@pytest.fixture(params=["command", "celery-threads", "celery-prefork"])
def site(
    request: pytest.FixtureRequest, endpoint: HostileServer, settings: Settings, tmp_path: Path
) -> Generator[SiteProcess]:
    """Run a process that maintains twelve due connections, four of them on their way."""
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "REFRESH_CONCURRENCY": 8,
        "HTTP_TIMEOUT": 4,
    }
    for number in range(12):
        make_connection(make_user(), **expired(refresh_token=f"token-{number}"))
    pool = request.param.removeprefix("celery-")
    if pool != request.param:
        order_maintenance(tmp_path)
    command = COMMAND if pool == request.param else celery_worker(pool)
    with running_site(tmp_path, *command) as process:
        yield process


def _untouched() -> int:
    """Return how many connections are as if they had never been claimed."""
    return Connection.objects.filter(
        generation=1, lease_owner="", lease_expires_at=None, outcome_unknown_since=None
    ).count()


def test_a_terminated_process_stores_what_is_in_flight_and_gives_the_rest_back(
    endpoint: HostileServer, gate: threading.Event, site: SiteProcess
) -> None:
    """Four answers are stored after SIGTERM, eight connections are as they were, and it ends well."""
    wait_until(lambda: len(endpoint.requests) == IN_FLIGHT)
    claimed = Connection.objects.exclude(lease_owner="").count()
    assert claimed > IN_FLIGHT
    site.terminate()
    pause(2.5)  # Longer than the site's own time limit for its tasks.
    gate.set()
    assert site.wait(10) == 0, site.log.read_text()
    assert Connection.objects.filter(generation=2, lease_owner="").count() == IN_FLIGHT
    assert _untouched() == 12 - IN_FLIGHT
    assert len(endpoint.requests) == IN_FLIGHT


@pytest.mark.parametrize("site", ["command"], indirect=True)
def test_a_terminated_process_ends_within_the_http_time_limit(
    endpoint: HostileServer, gate: threading.Event, site: SiteProcess
) -> None:
    """No answer comes: those four have an unknown outcome, the others are as they were."""
    wait_until(lambda: len(endpoint.requests) == IN_FLIGHT)
    begun = time.monotonic()
    site.terminate()
    assert site.wait(10) == 0, site.log.read_text()
    assert time.monotonic() - begun < 4 + 3
    unknown = Connection.objects.exclude(outcome_unknown_since=None)
    assert unknown.filter(lease_owner="", consecutive_failures=1).count() == IN_FLIGHT
    assert _untouched() == 12 - IN_FLIGHT


def test_a_process_that_ends_leaves_no_socket_open(sandbox: Sandbox, tmp_path: Path) -> None:
    """The connections kept to the token endpoint are closed at exit, so that `-W error` is content."""
    connection = sandbox_connection(sandbox, **expired())
    with running_site(tmp_path, "-X", "dev", "-W", "error::ResourceWarning", *COMMAND) as site:
        assert site.wait(30) == 0
        connection.refresh_from_db()
        assert connection.generation == 2
        assert "ResourceWarning" not in site.log.read_text()
