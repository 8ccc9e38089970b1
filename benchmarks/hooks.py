"""What change notifications cost: taking calls in, and finding organisations among a million connections."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

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

#: The receiver in a process of its own, and the ordinary view with threads.
OWN = ("uvicorn", "actionstep_connect.hooks.asgi:application", "--no-access-log")
VIEW = ("gunicorn", "benchmarks.receiver", "--threads", "8", "--keep-alive", "60")
CALLS, RATE, SECONDS, RUNS = 6000, 2000, 5, 3


def hooks(_: TokenEndpoint) -> Iterator[Figure]:
    """Calls that one process takes in, as fast as it can and at a steady rate; and a round's search."""
    with _receiver(*OWN, "--port") as caller:
        rate, used = caller.fast()
        yield Figure("calls that one process takes in a second", rate, "/s", RATE, "min")
        yield Figure("the same: CPU for each call", used * 1000, "ms", 0.5, "max")
        name = f"{RATE:,} calls a second: until answered, p99 (median of {RUNS} runs)"
        yield Figure(name, caller.p99_at(RATE) * 1000, "ms", 50, "max")
    yield Figure("calls that were not stored", caller.lost(), "", 0, "max")
    with _receiver(*VIEW, "--bind") as caller:
        rate, used = caller.fast()
        yield Figure("calls that the site's own view takes in a second", rate, "/s", 400, "min")
        yield Figure("the same: CPU for each call", used * 1000, "ms", 2, "max")
    yield Figure("calls to the view that were not stored", caller.lost(), "", 0, "max")
    yield from _searching()


@dataclass
class Caller:
    """Calls one receiver; each call has a body of its own."""

    port: int
    path: str
    server: psutil.Process
    made: int = 0

    def call(self, calls: int, *, rate: int = 0) -> tuple[float, list[float]]:
        """Make so many calls; return the seconds that it took, and until each was answered."""
        numbers = (str(each) for each in (self.port, self.path, self.made, calls, rate))
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.caller", *numbers],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.made += calls
        seconds, delays = json.loads(done.stdout)
        return seconds, delays

    def fast(self) -> tuple[float, float]:
        """Call without a pause; return the calls in a second, and the CPU seconds for each."""
        self.call(500)
        before = self.server.cpu_times()
        rates = [CALLS / self.call(CALLS)[0] for _ in range(RUNS)]
        after = self.server.cpu_times()
        used = after.user + after.system - before.user - before.system
        return statistics.median(rates), used / RUNS / CALLS

    def p99_at(self, rate: int) -> float:
        """Return the seconds within which 99 of 100 calls are answered at so many a second."""
        runs = [self.call(rate * SECONDS, rate=rate)[1] for _ in range(RUNS)]
        return statistics.median(statistics.quantiles(run, n=100)[98] for run in runs)

    def lost(self) -> int:
        """Return how many of the calls, all of which were answered 200, are not in the database."""
        return self.made - Notification.objects.count()


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
def _receiver(module: str, *options: str) -> Iterator[Caller]:
    """Run a server, whose last option takes a port, and wait until it answers."""
    Notification.objects.all().delete()
    secret = subscribed("ActionUpdated", orgkey="benchmark")[1]
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}" if options[-1] == "--bind" else str(port)
    command = [sys.executable, "-m", module, "--log-level", "error", *options, address]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "benchmarks.receiver_settings"}
    with subprocess.Popen(command, env=environment) as process:
        try:
            while True:
                with suppress(httpx2.TransportError):
                    httpx2.get(f"http://127.0.0.1:{port}/", trust_env=False, verify=False)
                    break
                time.sleep(0.1)
            started = psutil.Process(process.pid)
            [server] = started.children() or [started]  # Gunicorn serves in a child.
            yield Caller(port, f"/actionstep/hooks/{secret.reveal()}/", server)
        finally:
            process.terminate()
