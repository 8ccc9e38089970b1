"""Idle connections in stacks: a request takes the one that was used last, and looks at no other.

httpcore2's own pool looks at every connection and asks its socket, twice for each request: with a
hundred of them that takes longer than the request. Here a request costs the same for a thousand idle
connections as for one, and nothing is locked: each step is one of a deque or a set, which threads
cannot divide.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

import httpcore2

#: Per host. Most are idle for moments only.
MAX_IDLE = 256

_Origin = tuple[bytes, bytes, int | None]
_C = TypeVar("_C", httpcore2.ConnectionInterface, httpcore2.AsyncConnectionInterface)


class _Place(NamedTuple, Generic[_C]):
    """One request's connection, and the stack that it goes back to."""

    connection: _C
    idle: deque[_C]


class _Shelf(Generic[_C]):
    """Which connections are idle, and which belong to a request. It closes none itself."""

    def __init__(self, create: Callable[[httpcore2.Origin], _C]) -> None:
        self._create: Callable[[httpcore2.Origin], _C] = create
        self._idle: dict[_Origin, deque[_C]] = {}
        self._used: set[_C] = set()

    @property
    def is_empty(self) -> bool:
        """Whether it holds no connection."""
        return not (self._used or any(list(self._idle.values())))

    def take(self, request: httpcore2.Request) -> tuple[_Place[_C], list[_C]]:
        """Return the connection that was used last, or else a new one, and what is to be closed."""
        url = request.url
        idle = self._idle.setdefault((url.scheme, url.host, url.port), deque())
        dead: list[_C] = []
        while (connection := _newest(idle)) is not None:
            if connection.is_idle() and not connection.has_expired():
                break
            dead.append(connection)
        else:
            connection = self._create(url.origin)
        self._used.add(connection)
        return _Place(connection, idle), dead

    def put_back(self, place: _Place[_C]) -> _C | None:
        """Keep a connection for another request; return what is to be closed."""
        connection, idle = place
        if connection.is_idle() and not connection.is_closed():
            idle.append(connection)
            surplus = _oldest(idle) if len(idle) > MAX_IDLE else None
        else:
            surplus = connection
        self._used.discard(connection)
        return None if surplus is None or surplus.is_closed() else surplus

    def take_idle(self, *, expired: bool) -> list[_C]:
        """Return the connections that nothing uses, or of these the expired ones, to be closed."""
        taken = []
        for idle in list(self._idle.values()):
            for connection in list(idle):
                if not expired or connection.has_expired():
                    with suppress(ValueError):  # A request has taken it meanwhile.
                        idle.remove(connection)
                        taken.append(connection)
        return taken

    def take_used(self) -> list[_C]:
        """Return the connections of requests, to be closed."""
        used = []
        while self._used:
            used.append(self._used.pop())
        return used


class Stack(_Shelf[httpcore2.ConnectionInterface]):
    """What `pool` would make, kept here. A connection belongs to one request, or is idle."""

    def __init__(self, pool: httpcore2.ConnectionPool) -> None:
        super().__init__(pool.create_connection)

    def handle_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """Send `request` over the connection that was used last, or else a new one."""
        place, dead = self.take(request)
        try:
            for connection in dead:
                connection.close()
            response = place.connection.handle_request(request)
        except BaseException:
            self.give_back(place)
            raise
        response.stream = _Stream(response.stream, self, place)
        return response

    def give_back(self, place: _Place[httpcore2.ConnectionInterface]) -> None:
        """Keep a connection for another request, or close what cannot serve another."""
        if (surplus := self.put_back(place)) is not None:
            surplus.close()

    def close_idle(self, *, expired: bool) -> None:
        """Close the connections that nothing uses, or of these the expired ones."""
        for connection in self.take_idle(expired=expired):
            connection.close()

    def close(self) -> None:
        """Close all connections."""
        for connection in [*self.take_idle(expired=False), *self.take_used()]:
            connection.close()


class AsyncStack(_Shelf[httpcore2.AsyncConnectionInterface]):
    """What `Stack` is, for one event loop."""

    def __init__(self, pool: httpcore2.AsyncConnectionPool) -> None:
        super().__init__(pool.create_connection)
        # To the end, although its caller is cancelled meanwhile.
        self._close = pool._close_connections

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """Do what `Stack.handle_request` does, in async code."""
        place, dead = self.take(request)
        try:
            if dead:
                await self._close(dead)
            response = await place.connection.handle_async_request(request)
        except BaseException:
            await self.give_back(place)
            raise
        response.stream = _AsyncStream(response.stream, self, place)
        return response

    async def give_back(self, place: _Place[httpcore2.AsyncConnectionInterface]) -> None:
        """Do what `Stack.give_back` does, in async code."""
        if (surplus := self.put_back(place)) is not None:
            await self._close([surplus])

    async def close_idle(self, *, expired: bool) -> None:
        """Close the connections that nothing uses, or of these the expired ones."""
        await self._close(self.take_idle(expired=expired))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._close([*self.take_idle(expired=False), *self.take_used()])


class _Stream:
    """The body of an answer, at whose end the connection is given back."""

    def __init__(
        self, stream: Any, stack: Stack, place: _Place[httpcore2.ConnectionInterface]
    ) -> None:
        self._stream, self._place = stream, place
        self._stack: Stack | None = stack

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        stack, self._stack = self._stack, None
        if stack is not None:
            try:
                self._stream.close()
            finally:
                stack.give_back(self._place)


class _AsyncStream:
    def __init__(
        self, stream: Any, stack: AsyncStack, place: _Place[httpcore2.AsyncConnectionInterface]
    ) -> None:
        self._stream, self._place = stream, place
        self._stack: AsyncStack | None = stack

    def __aiter__(self) -> AsyncIterator[bytes]:
        pieces: AsyncIterator[bytes] = aiter(self._stream)
        return pieces

    async def aclose(self) -> None:
        stack, self._stack = self._stack, None
        if stack is not None:
            try:
                await self._stream.aclose()
            finally:
                await stack.give_back(self._place)


def _newest(idle: deque[_C]) -> _C | None:
    try:
        return idle.pop()
    except IndexError:
        return None


def _oldest(idle: deque[_C]) -> _C | None:
    try:
        return idle.popleft()
    except IndexError:
        return None
