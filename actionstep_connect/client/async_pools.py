"""The connections to Actionstep that all asynchronous clients of an event loop share.

They are what `pools` has for synchronous clients, once for each running loop: a connection is of no
use to another. The loop owns them, and they are closed when it is.
"""

import asyncio
import atexit
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from weakref import ReferenceType, WeakKeyDictionary, ref

import httpx2

from actionstep_connect.client.pools import LIMITS, SWEEP_INTERVAL, Route
from actionstep_connect.client.sockets import AsyncBackend
from actionstep_connect.client.stacks import AsyncStack
from actionstep_connect.forks import after_fork, before_fork


class AsyncPool(httpx2.AsyncHTTPTransport):
    """httpx2's own transport, whose connections are kept in stacks and closed without a request."""

    def __init__(self, route: Route) -> None:
        super().__init__(verify=route.ssl_context, proxy=route.proxy, limits=LIMITS)
        # httpx2 has no option for either.
        self._pool._network_backend = AsyncBackend()
        self.stack = AsyncStack(self._pool)
        self._pool = self.stack  # type: ignore[assignment] # which has all that httpx2 asks of it.


class AsyncSharedTransport(httpx2.AsyncBaseTransport):
    """What one client sees of the shared pools. Closing it ends its own unread answers alone."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._unread: set[_Answer] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request` over one of the running loop's connections."""
        pools = _pools_of(asyncio.get_running_loop())
        response = await pools.pool(self._route).handle_async_request(request)
        pools.watch()
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - of this transport.
        response.stream = _Answer(response.stream, self._unread, pools)
        return response

    async def aclose(self) -> None:
        """Close the answers that this client has not read to their end."""
        pools = _pools_of(asyncio.get_running_loop())
        for answer in [each for each in self._unread if each.pools is pools]:
            await answer.aclose()

    def __del__(self) -> None:
        for answer in self._unread:
            answer.pools.abandoned.append(answer)


class _Answer(httpx2.AsyncByteStream):
    def __init__(
        self, stream: httpx2.AsyncByteStream, unread: set["_Answer"], pools: "_PoolsOfLoop"
    ) -> None:
        self.pools = pools
        self._stream = stream
        self._unread = unread
        unread.add(self)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._unread.discard(self)


class _PoolsOfLoop:
    """One loop's pools. They go when it is closed, and with it if it is just forgotten."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.abandoned: deque[_Answer] = deque()
        self._by_route: dict[Route, AsyncPool] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._close_with(loop)

    def pool(self, route: Route) -> AsyncPool:
        """Return the pool of `route`, made on first use."""
        pool = self._by_route.get(route)
        if pool is None:
            pool = self._by_route[route] = AsyncPool(route)
        return pool

    def watch(self) -> None:
        """Look for idle connections from time to time, as long as there are any."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SWEEP_INTERVAL, self._sweep)

    def sweep(self, *, expired: bool = True) -> None:
        """Close what is idle, from within the loop."""
        self._sweeping = asyncio.get_running_loop().create_task(self._close_idle(expired=expired))

    async def aclose(self) -> None:
        """Close all connections."""
        if self._timer is not None:
            self._timer.cancel()
        for pool in self._by_route.values():
            await pool.aclose()
        self._by_route.clear()

    def _sweep(self) -> None:
        self._timer = None
        self.sweep()

    async def _close_idle(self, *, expired: bool) -> None:
        while self.abandoned:
            await self.abandoned.pop().aclose()
        for route, pool in list(self._by_route.items()):
            await pool.stack.close_idle(expired=expired)
            if pool.stack.is_empty:
                self._by_route.pop(route, None)
        if self._by_route:
            self.watch()

    def _close_with(self, loop: asyncio.AbstractEventLoop) -> None:
        # asyncio does not report that a loop is closed, and only the loop can close its transports.
        close = loop.close

        def close_all() -> None:
            vars(loop).pop("close", None)
            try:
                _close_in(loop, self)
            finally:
                close()

        loop.close = close_all  # type: ignore[method-assign] # see above.


def _close_in(loop: asyncio.AbstractEventLoop, pools: _PoolsOfLoop) -> None:
    if not (loop.is_closed() or loop.is_running() or asyncio._get_running_loop()):
        loop.run_until_complete(pools.aclose())


def _pools_of(loop: asyncio.AbstractEventLoop) -> _PoolsOfLoop:
    known = _by_loop.get(loop)
    pools = None if known is None else known()
    if pools is None:
        pools = _PoolsOfLoop(loop)
        with _lock:
            _by_loop[loop] = ref(pools)
    return pools


_lock = threading.Lock()
# Weakly, because connections know their loop.
_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, ReferenceType[_PoolsOfLoop]] = (
    WeakKeyDictionary()
)


def _close_idle() -> None:
    # In their loops' own time, because no other thread may touch them; the child closes its copies itself.
    for loop, known in list(_by_loop.items()):
        pools = known()
        if pools is not None:
            with suppress(RuntimeError):  # It has been closed.
                loop.call_soon_threadsafe(partial(pools.sweep, expired=False))


def _begin_anew() -> None:
    global _lock  # noqa: PLW0603 - one held at the fork would stay held in the child.
    _lock = threading.Lock()
    _by_loop.clear()


@atexit.register
def _close() -> None:
    for loop, known in list(_by_loop.items()):
        pools = known()
        if pools is not None:
            _close_in(loop, pools)


before_fork(_close_idle)
after_fork(_begin_anew)
