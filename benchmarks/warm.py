"""What a call costs with a client that is made for it, over TLS, beside a bare client that is kept."""

import asyncio
import gc
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient, get_access_token
from actionstep_connect.models import Connection
from benchmarks.calling import _connected
from benchmarks.figure import Figure, resident_mib
from benchmarks.fleet import configured
from benchmarks.token_endpoint import TokenEndpoint
from tests.support.certificate import write_certificate

CALLS, ROUNDS, THREADS, TASKS, CLIENTS = 150, 7, 8, 100, 100_000
#: How often each of the tasks asks, and the seconds in between: 100 calls a second.
ASKED, PAUSE = 3, 1.0


def warm(endpoint: TokenEndpoint) -> Iterator[Figure]:
    """A view's call, handshakes of a process that is warm, the loop's delay, and growth."""
    with TemporaryDirectory() as folder, _connected(endpoint) as connection:
        certificate = Path(folder) / "certificate.pem"
        write_certificate(certificate)
        os.environ["SSL_CERT_FILE"] = str(certificate)
        command = [sys.executable, "-m", "benchmarks.tls_api", str(certificate)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            host = f"127.0.0.1:{server.stdout.readline().strip()}"
            connection.api_endpoint = f"https://{host}/api/"
            try:
                with configured(API_HOSTS=[host]):
                    yield from _measure(connection)
            finally:
                server.terminate()
                del os.environ["SSL_CERT_FILE"]


def _ask(connection: Connection, path: str = "actions/1") -> int:
    with ActionstepClient(connection, max_wait=0) as actionstep:
        return int(actionstep.get(path).json()["actions"]["id"])


async def _aask(connection: Connection, path: str = "actions/1") -> int:
    async with AsyncActionstepClient(connection, max_wait=0) as actionstep:
        return int((await actionstep.get(path)).json()["actions"]["id"])


def _measure(connection: Connection) -> Iterator[Figure]:
    ours = ActionstepClient(connection)
    with httpx2.Client(base_url=ours.base_url, headers=ours.headers) as bare:
        bare.headers["Authorization"] = f"Bearer {get_access_token(connection)}"
        ratios = []
        for _ in range(ROUNDS + 1):
            begun = time.process_time()
            for _ in range(CALLS):
                bare.get("actions/1").json()
            middle = time.process_time()
            for _ in range(CALLS):
                _ask(connection)
            ratios.append((time.process_time() - middle) / (middle - begun))
        ratio = statistics.median(ratios[1:])
    yield Figure(
        "a call with a client made for it, over a bare kept one's CPU", ratio, "x", 1.3, "max"
    )
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(_ask, [connection] * THREADS, ["actions/pause"] * THREADS))
        before = _ask(connection)
        list(threads.map(_ask, [connection] * 400))
        yield Figure("8 threads: handshakes once warm", _ask(connection) - before, "", 0, "max")
    child = os.fork()
    if child == 0:
        os._exit(_ask(connection) != _ask(connection))
    failed = os.waitpid(child, 0)[1]
    yield Figure("after a fork: handshakes once warm", failed, "", 0, "max")
    for name in ("100 tasks", "after a loop has ended, 100 tasks"):
        handshakes, delay, bare_delay, over = asyncio.run(_tasks(connection))
        yield Figure(f"{name}: handshakes once warm", handshakes, "", 0, "max")
        yield Figure(f"{name}: the loop's delay, p99", delay * 1000, "ms", 5, "max")
        # To compare with, and without a limit.
        yield Figure("the same with a bare client", bare_delay * 1000, "ms", math.inf, "max")
        yield Figure(f"{name} that never pause: over a bare client's delay", over, "x", 1.3, "max")
    gc.collect()
    memory = resident_mib()
    for _ in range(CLIENTS):
        ActionstepClient(connection).close()
    gc.collect()
    yield Figure("memory grown over 100,000 clients", resident_mib() - memory, "MiB", 5, "max")


async def _tasks(connection: Connection) -> tuple[int, float, float, float]:
    """Return handshakes once warm, and the loop's delay: paced, paced with a bare client, and over it.

    A loop that is given more than its processor can carry is late with any client: where a hundred
    tasks wake at once, the last waits for 99 steps of the others. So the delay that has a limit is
    measured under a load that one core carries, and beside it that of a bare client that is kept. Where
    the tasks never pause, only the two clients' delays are compared.
    """
    async with _bare(connection) as bare:

        async def ours() -> None:
            await _aask(connection, "actions/pause")

        async def theirs() -> None:
            (await bare.get("actions/pause")).json()

        for ask in (ours, theirs):
            await asyncio.gather(*(ask() for _ in range(TASKS)))
        before = await _aask(connection)
        paced = statistics.median([await _delay(ours, pause=PAUSE) for _ in range(3)])
        bare_paced = await _delay(theirs, pause=PAUSE)
        crowded = [await _delay(ask, pause=0) for _ in range(3) for ask in (ours, theirs)]
        over = statistics.median(crowded[::2]) / statistics.median(crowded[1::2])
    return await _aask(connection) - before, paced, bare_paced, over


def _bare(connection: Connection) -> httpx2.AsyncClient:
    ours = AsyncActionstepClient(connection)
    bearer = {"Authorization": f"Bearer {connection.open_access_token().reveal()}"}
    limits = httpx2.Limits(
        max_connections=TASKS, max_keepalive_connections=TASKS, keepalive_expiry=60
    )
    return httpx2.AsyncClient(
        base_url=ours.base_url, headers={**ours.headers, **bearer}, limits=limits
    )


async def _delay(ask: Callable[[], Awaitable[None]], *, pause: float) -> float:
    """Return the 99th percentile of the loop's delay, in seconds, while a hundred tasks ask.

    Each asks, and waits for `pause` seconds, which the tasks begin one after the other.
    """
    delays: list[float] = []
    done = asyncio.Event()

    async def tick() -> None:
        while not done.is_set():
            begun = time.perf_counter()
            await asyncio.sleep(0.001)
            delays.append(time.perf_counter() - begun - 0.001)

    async def call(number: int) -> None:
        await asyncio.sleep(pause * number / TASKS)
        for _ in range(ASKED):
            await ask()
            await asyncio.sleep(pause)

    ticking = asyncio.create_task(tick())
    await asyncio.gather(*(call(number) for number in range(TASKS)))
    done.set()
    await ticking
    return statistics.quantiles(delays, n=100)[98]
