"""What calling the API costs, and what the app costs those who do not call."""

import os
import resource
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory

import httpx2
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from actionstep_connect.api import ActionstepClient, get_access_token
from actionstep_connect.models import Connection
from benchmarks.figure import Figure
from benchmarks.fleet import configured, fill
from benchmarks.token_endpoint import TokenEndpoint

PAIRS = 3000
CHECKS = 15


def calling(endpoint: TokenEndpoint) -> Iterator[Figure]:
    """This package's client over a bare one with a fixed header: the median of interleaved pairs."""
    with _connected(endpoint) as connection:
        ours = ActionstepClient(connection)
        bare = httpx2.Client(base_url=ours.base_url, headers=ours.headers)
        bare.headers["Authorization"] = f"Bearer {get_access_token(connection)}"
        with ours, bare, CaptureQueriesContext(database) as queries:
            for _ in range(100):
                _ask(ours)
                _ask(bare)
            # Each leads half of the pairs: the second finds the caches warmer.
            pairs = [_ask(ours) - _ask(bare) for _ in range(PAIRS)]
            pairs += [-_ask(bare) + _ask(ours) for _ in range(PAIRS)]
            more = statistics.median(pairs)
    yield Figure("a request over a bare httpx2 client's", more * 1e6, "µs", 60, "max")
    yield Figure("queries for 6,100 requests", len(queries), "", 0, "max")


def walking(endpoint: TokenEndpoint) -> Iterator[Figure]:
    """10,000 rows in pages of 200, and the memory of that over the memory of 1,000."""
    endpoint.set(reset=True)
    with _connected(endpoint) as connection, ActionstepClient(connection) as actionstep:
        peaks = [_peak_of_walk(actionstep, rows) for rows in (10_000, 1000, 10_000)]
    requests = (endpoint.set()["api_requests"] - 5) / 2
    yield Figure("walking 10,000 rows: requests", requests, "", 50, "max")
    yield Figure("the same, peak memory over 1,000 rows", peaks[2] / peaks[1], "x", 1.1, "max")


def app_loading(_: TokenEndpoint) -> Iterator[Figure]:
    """`manage.py check` of the barest site, with the app and its URLs and without; CPU time.

    Installers compile what they install, so the modules are compiled before the first measurement,
    wherever this machine keeps bytecode, and whether it does.
    """
    with TemporaryDirectory() as bytecode:
        _seconds_of_check(bytecode, with_app=True)
        more = statistics.median(
            _seconds_of_check(bytecode, with_app=True) - _seconds_of_check(bytecode, with_app=False)
            for _ in range(CHECKS)
        )
    yield Figure("what the app adds to `manage.py check`: CPU", more * 1000, "ms", 60, "max")


@contextmanager
def _connected(endpoint: TokenEndpoint) -> Iterator[Connection]:
    host = endpoint.url.removeprefix("http://")
    with configured(API_HOSTS=[host]):
        fill(1)
        connection = Connection.objects.select_related("user").get()
        now = datetime.now(UTC)
        connection.api_endpoint = f"{endpoint.url}/api/"
        connection.access_token_expires_at = now + timedelta(hours=1)
        connection.connected_at = connection.last_used_at = now
        yield connection


def _ask(client: httpx2.Client) -> float:
    begun = time.perf_counter()
    client.get("timerecords", params={"rows": 1})
    return time.perf_counter() - begun


def _peak_of_walk(actionstep: ActionstepClient, rows: int) -> int:
    tracemalloc.start()
    try:
        assert sum(1 for _ in actionstep.iterate("timerecords", rows=rows)) == rows
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _seconds_of_check(bytecode: str, *, with_app: bool) -> float:
    environment = os.environ | {
        "BENCHMARK_WITH_APP": "yes" if with_app else "",
        "DJANGO_SETTINGS_MODULE": "benchmarks.bare_site.settings",
        "PYTHONPYCACHEPREFIX": bytecode,
        "PYTHONDONTWRITEBYTECODE": "",
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "django", "check"],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
