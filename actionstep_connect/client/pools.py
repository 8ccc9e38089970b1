"""The connections to Actionstep that all synchronous clients of a process share.

A pool belongs to a route: what verifies certificates, and the proxy. It never waits for a free
connection, holds no lock while anything is sent, and knows neither tokens nor cookies. Its idle
connections are closed after 30 seconds and before a fork; a forked child begins with none.
"""

import atexit
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import httpx2

from actionstep_connect.client.sockets import Backend, drop_sockets_of_parent
from actionstep_connect.client.stacks import MAX_IDLE, Stack
from actionstep_connect.forks import after_fork, before_fork

KEEPALIVE = 30.0  # seconds
SWEEP_INTERVAL = 1.0  # seconds between two looks for connections that have been idle for so long

#: No request waits for another's connection.
LIMITS = httpx2.Limits(
    max_connections=None, max_keepalive_connections=MAX_IDLE, keepalive_expiry=KEEPALIVE
)

MAX_ROUTES = 8


class Route(NamedTuple):
    """What connections have in common that one pool may hold."""

    ssl_context: ssl.SSLContext
    proxy: str | None


class Pool(httpx2.HTTPTransport):
    """httpx2's own transport, whose connections are kept in stacks and closed without a request."""

    def __init__(self, route: Route) -> None:
        super().__init__(verify=route.ssl_context, proxy=route.proxy, limits=LIMITS)
        # httpx2 has no option for either.
        self._pool._network_backend = Backend()
        self.stack = Stack(self._pool)
        self._pool = self.stack  # type: ignore[assignment] # which has all that httpx2 asks of it.


class SharedTransport(httpx2.BaseTransport):
    """What one client sees of the shared pools. Closing it ends its own unread answers alone."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._unread: set[httpx2.SyncByteStream] = set()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request` over one of this process's connections."""
        response = _pool(self._route).handle_request(request)
        _sweeper.start()
        assert isinstance(response.stream, httpx2.SyncByteStream)  # noqa: S101 - of this transport.
        response.stream = _Answer(response.stream, self._unread)
        return response

    def close(self) -> None:
        """Close the answers that this client has not read to their end."""
        for answer in list(self._unread):
            answer.close()

    def __del__(self) -> None:
        # A connection's lock may be held where the garbage is collected.
        _abandoned.extend(self._unread)


class _Answer(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, unread: set[httpx2.SyncByteStream]) -> None:
        self._stream = stream
        self._unread = unread
        unread.add(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        self._stream.close()
        self._unread.discard(self)


class _Sweeper:
    """A thread that closes what is idle for too long, and ends when there is no connection left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._end = threading.Event()

    def start(self) -> None:
        """Start the thread, unless it runs. Where none can be started, requests close what is idle."""
        with self._lock:
            if self._thread is not None:
                return
            self._end = threading.Event()
            thread = threading.Thread(
                target=self._sweep,
                args=(self._end,),
                name="actionstep-idle-connections",
                daemon=True,
            )
            with suppress(RuntimeError):  # At the end of the process.
                thread.start()
                self._thread = thread

    def stop(self) -> None:
        """End the thread, and wait for that: it never takes longer than closing sockets."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._end.set()
        if thread is not None:
            thread.join()

    def _sweep(self, end: threading.Event) -> None:
        while not end.wait(SWEEP_INTERVAL):
            while _abandoned:
                _abandoned.pop().close()
            for pool in list(_pools):
                pool.stack.close_idle(expired=True)
            with self._lock:
                # A request asks for the thread once its connection is in its pool.
                if end.is_set():
                    return
                if all(pool.stack.is_empty for pool in list(_pools)):
                    self._thread = None
                    return


def _pool(route: Route) -> Pool:
    pool = _by_route.get(route)
    if pool is not None:
        return pool
    with _lock:
        pool = _by_route.get(route)
        if pool is None:
            while len(_by_route) >= MAX_ROUTES:
                del _by_route[next(iter(_by_route))]
            _pools.difference_update(
                {each for each in _pools if each.stack.is_empty} - set(_by_route.values())
            )
            pool = _by_route[route] = Pool(route)
            _pools.add(pool)
        return pool


_lock = threading.Lock()
_by_route: dict[Route, Pool] = {}
#: Also those whose route is no longer asked for, such as that of a replaced certificate.
_pools: set[Pool] = set()
_abandoned: deque[httpx2.SyncByteStream] = deque()
_sweeper = _Sweeper()


def _close_idle() -> None:
    _sweeper.stop()
    for pool in list(_pools):
        pool.stack.close_idle(expired=False)


def _begin_anew() -> None:
    global _lock, _sweeper
    _lock, _sweeper = threading.Lock(), _Sweeper()
    _by_route.clear()
    _pools.clear()
    _abandoned.clear()
    drop_sockets_of_parent()


@atexit.register
def _close() -> None:
    _sweeper.stop()
    while _pools:
        _pools.pop().close()
    _by_route.clear()


before_fork(_close_idle)
after_fork(_begin_anew)
