"""What change notifications cost: taking calls in, and finding organisations among a million connections."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx2
import psutil

from actionstep_connect.hooks.api import on_change
from actionstep_connect.hooks.flows.organisations import find_organisations
from actionstep_connect.hooks.models import Notification, Organisation, Search
from actionstep_connect.models import Connection
from benchmarks.figure import Figure, median_ms
from benchmarks.fleet import configured, multiply
from benchmarks.token_endpoint import TokenEndpoint
from tests.support.free_port import free_ports
from tests.support.hooks import subscribed

CALLS, RATE, SECONDS, THREADS = 6000, 2000, 5, 8


def hooks(_: TokenEndpoint) -> Iterator[Figure]:
    """Calls that one process takes in, as fast as it can and at a steady rate; and a round's search."""
    secret = subscribed("ActionUpdated", orgkey="benchmark")[1]
    path = f"/actionstep/hooks/{secret.reveal()}/"
    with _receiver() as (port, server):
        _call(port, path, calls=500, rate=0)
        before = server.cpu_times()
        rates = [CALLS / _call(port, path, calls=CALLS, rate=0)[0] for _ in range(3)]
        after = server.cpu_times()
        delays = _call(port, path, calls=RATE * SECONDS, rate=RATE)[1]
    used = after.user + after.system - before.user - before.system
    yield Figure(
        "calls that one process takes in a second", statistics.median(rates), "/s", RATE, "min"
    )
    yield Figure("the same: CPU for each call", used / 3 / CALLS * 1000, "ms", 0.5, "max")
    p99 = statistics.quantiles(delays, n=100)[98] * 1000
    yield Figure(f"{RATE:,} calls a second: until answered, p99", p99, "ms", 50, "max")
    made = max(CALLS, RATE * SECONDS)  # The same bodies each time, which are stored once.
    yield Figure("calls that were not stored", made - Notification.objects.count(), "", 0, "max")
    yield from _searching()


def _searching() -> Iterator[Figure]:
    multiply(1_000_000, due=0)
    on_change("ActionUpdated")(_hear)
    with configured(HOOKS_BEARER=_bearer):
        Organisation.objects.all().delete()
        begun = time.perf_counter()
        find_organisations()
        seconds = time.perf_counter() - begun
        assert Organisation.objects.count() == 500
        yield Figure(
            "searching 1,000,000 connections for organisations, hourly", seconds, "s", 5, "max"
        )
        assert Search.objects.exists()
        often = median_ms(find_organisations, repeat=30)
        yield Figure("the same in any other round", often, "ms", 5, "max")


def _hear(*_: object) -> None:
    pass


def _bearer(_: str) -> Connection | None:
    return None


@contextmanager
def _receiver() -> Iterator[tuple[int, psutil.Process]]:
    """Run the receiver under Gunicorn, one process with threads; give its port and that process."""
    (port,) = free_ports(1)
    command = [
        *(sys.executable, "-m", "gunicorn", "benchmarks.receiver", "--bind", f"127.0.0.1:{port}"),
        *("--workers", "1", "--threads", str(THREADS), "--log-level", "error"),
        *("--keep-alive", "60"),
    ]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "benchmarks.receiver_settings"}
    with subprocess.Popen(command, env=environment) as gunicorn:
        try:
            while True:
                with suppress(httpx2.TransportError):
                    httpx2.get(f"http://127.0.0.1:{port}/", trust_env=False, verify=False)
                    break
                time.sleep(0.1)
            [server] = psutil.Process(gunicorn.pid).children()
            yield port, server
        finally:
            gunicorn.terminate()


def _call(port: int, path: str, *, calls: int, rate: int) -> tuple[float, list[float]]:
    command = [sys.executable, "-m", "benchmarks.caller", str(port), path, str(calls), str(rate)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, delays = json.loads(done.stdout)
    return seconds, delays
