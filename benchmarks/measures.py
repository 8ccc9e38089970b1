"""What the refresh engine costs and carries."""

import base64
import gc
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from actionstep_connect.api import get_access_token
from actionstep_connect.conf import decode_key, get_config
from actionstep_connect.crypto import fetch_keys
from actionstep_connect.flows.flag import flag_expiring
from actionstep_connect.flows.refresh import refresh_due
from actionstep_connect.flows.refresh.claim import due_in_order
from actionstep_connect.flows.rotate import rotate
from actionstep_connect.generate_key import generate_key
from actionstep_connect.models import Connection
from actionstep_connect.models.connection import ACCESS_TOKEN
from benchmarks.calling import app_loading, calling, walking
from benchmarks.figure import Figure, median_ms, resident_mib
from benchmarks.fleet import configured, fill, multiply
from benchmarks.hooks import hooks
from benchmarks.looking import admin_list
from benchmarks.token_endpoint import TokenEndpoint
from benchmarks.warm import warm


def one_worker(endpoint: TokenEndpoint) -> Iterator[Figure]:
    """1,000 due, 16 in flight, 200 ms: 80 a second is the limit. The median of three runs."""
    rate = statistics.median(_rate_of_one_worker(endpoint) for _ in range(3))
    yield Figure("1,000 due, 16 in flight: refreshes a second", rate, "/s", 76, "min")


def _rate_of_one_worker(endpoint: TokenEndpoint) -> float:
    endpoint.set(reset=True, latency=0.2)
    fill(1000)
    with configured(REFRESH_CONCURRENCY=16):
        begun = time.monotonic()
        return refresh_due().refreshed / (time.monotonic() - begun)


def wide_worker(endpoint: TokenEndpoint) -> Iterator[Figure]:
    """5,000 due, 64 in flight, 200 ms: 320 a second is the limit."""
    endpoint.set(reset=True, latency=0.2)
    fill(5000)
    with configured(REFRESH_CONCURRENCY=64):
        refresh_due()
    rows = Connection.objects.exclude(last_refreshed_at=None).values_list("last_refreshed_at")
    sent = sorted(at for (at,) in rows if at)
    steady = [at for at in sent if at > sent[0] + timedelta(seconds=1.2)]
    rate = (len(steady) - 1) / (steady[-1] - steady[0]).total_seconds()
    yield Figure(
        "5,000 due, 64 in flight: refreshes a second after the ramp", rate, "/s", 288, "min"
    )


def statements(endpoint: TokenEndpoint) -> Iterator[Figure]:
    """SQL statements for each refreshed connection, all told, at 64 in flight."""
    endpoint.set(reset=True, latency=0.2)
    fill(1000)
    with configured(REFRESH_CONCURRENCY=64), CaptureQueriesContext(database) as queries:
        report = refresh_due()
    yield Figure(
        "SQL statements for each refresh, 64 in flight",
        len(queries) / report.refreshed,
        "",
        1.2,
        "max",
    )


def cpu(endpoint: TokenEndpoint) -> Iterator[Figure]:
    """What the engine itself costs, the HTTP client's share included: the median of three runs."""
    costs = []
    for _ in range(3):
        endpoint.set(reset=True, latency=0.005)
        fill(1500)
        begun = time.process_time()
        with configured(REFRESH_CONCURRENCY=16):
            report = refresh_due()
        costs.append((time.process_time() - begun) / report.refreshed * 1000)
    yield Figure("CPU for each refresh, endpoint at 5 ms", statistics.median(costs), "ms", 3, "max")


def finding(_: TokenEndpoint) -> Iterator[Figure]:
    """100 due rows among 10,000 and among 1,000,000."""
    times = []
    for size in (10_000, 1_000_000):
        multiply(size, due=100)
        time.sleep(0.5)  # The last of the hundred falls due.
        times.append(median_ms(_find_due, repeat=30))
    yield Figure("finding 100 due among 1,000,000", times[1], "ms", 5, "max")
    yield Figure("the same, over finding them among 10,000", times[1] / times[0], "x", 1.5, "max")


def _find_due() -> None:
    found = list(due_in_order().unleased()[:100])
    assert len(found) == 100


def opening(_: TokenEndpoint) -> Iterator[Figure]:
    """`get_access_token` with a good token, over deriving the row's key and opening it by hand."""
    fill(1)
    connection = Connection.objects.select_related("user").get()
    now = datetime.now(UTC)
    connection.access_token_expires_at = now + timedelta(hours=1)
    connection.connected_at = connection.last_used_at = now
    with CaptureQueriesContext(database) as queries:
        get_access_token(connection)
    yield Figure("get_access_token, good token: queries", len(queries), "", 0, "max")
    master_key = decode_key(get_config().encryption_keys[0])
    sealed = connection.sealed_access_token.rpartition(".")[2]
    info = connection.context(ACCESS_TOKEN).encode()

    def by_hand() -> None:
        envelope = base64.urlsafe_b64decode(sealed)
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(master_key)
        AESGCM(key).decrypt(envelope[:12], envelope[12:], info)

    ours = median_ms(lambda: get_access_token(connection), repeat=3000)
    theirs = median_ms(by_hand, repeat=3000)
    yield Figure("get_access_token, over opening by hand", ours / theirs, "x", 3, "max")


def outage(endpoint: TokenEndpoint) -> Iterator[Figure]:
    """20,000 due while Actionstep is down; then all refreshed, and what memory that takes."""
    endpoint.set(reset=True, latency=0.005, status=503)
    fill(20_000)
    with configured(REFRESH_CONCURRENCY=64):
        refresh_due()
        yield Figure(
            "an outage with 20,000 due: requests a run", endpoint.set()["requests"], "", 20, "max"
        )
        endpoint.set(status=200)
        Connection.objects.filter(refresh_at__gt=datetime.now(UTC)).update(
            refresh_at=datetime.now(UTC)
        )
        gc.collect()
        memory = resident_mib()
        while refresh_due().stopped_by:
            pass
    yield Figure("memory grown over 20,000 refreshes", resident_mib() - memory, "MiB", 30, "max")
    left = Connection.objects.filter(generation=1).count()
    yield Figure("after the outage: connections not refreshed", left, "", 0, "max")
    flag_expiring()
    flagged = Connection.objects.exclude(flagged_at=None).count()
    yield Figure("after the outage: flagged wrongly", flagged, "", 0, "max")


def rotation(_: TokenEndpoint) -> Iterator[Figure]:
    """100,000 connections sealed under a new key, and what memory that takes."""
    fill(100_000)
    keys = [generate_key(), *(key.reveal() for key in fetch_keys() if key)]
    gc.collect()
    memory = resident_mib()
    with configured(ENCRYPTION_KEYS=keys):
        begun = time.monotonic()
        report = rotate()
        seconds = time.monotonic() - begun
    yield Figure("rotating 100,000 connections to a new key", seconds, "s", 60, "max")
    yield Figure("memory grown meanwhile", resident_mib() - memory, "MiB", 30, "max")
    left = sum(report.rows_by_key[name] for name in report.key_ids[1:])
    yield Figure("rows left under the old key", left, "", 0, "max")


MEASURES: tuple[Callable[[TokenEndpoint], Iterator[Figure]], ...] = (
    app_loading,
    calling,
    walking,
    warm,
    opening,
    cpu,
    one_worker,
    wide_worker,
    statements,
    finding,
    outage,
    rotation,
    admin_list,
    hooks,
)
