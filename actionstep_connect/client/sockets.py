"""Backends for httpcore2 that know their open sockets, so that a forked child can drop its parent's."""

import os
import select
import ssl
from collections.abc import Iterable
from typing import Any
from weakref import WeakSet

import httpcore2

from actionstep_connect.forks import no_fork

#: How httpcore2 takes socket options.
Option = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


def drop_sockets_of_parent() -> None:
    """Close, in a child, its copies of the sockets that were open when it was forked.

    The parent's connections stay as they are: nothing is written, so no TLS session ends.
    """
    for stream in list(_open):
        stream.drop()
    for async_stream in list(_open_async):
        async_stream.drop()
        _kept.append(async_stream)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream
        self.read = stream.read  # type: ignore[method-assign] # saves a call for each piece.
        self.write = stream.write  # type: ignore[method-assign] # as above.
        _open.add(self)

    def close(self) -> None:
        self._stream.close()

    def drop(self) -> None:
        self._stream.close()  # Of a socket, also a TLS one: that says nothing on the wire.

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        with no_fork():
            return _Stream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _AsyncStream(httpcore2.AsyncNetworkStream):
    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self.read = stream.read  # type: ignore[method-assign] # saves a call for each piece.
        self.write = stream.write  # type: ignore[method-assign] # as above.
        self._socket = stream.get_extra_info("socket")
        # Windows has no poll, and eventlet takes it away: there httpcore2 asks.
        self._readable = select.poll() if hasattr(select, "poll") else None
        if self._readable is not None:
            self._readable.register(self._socket.fileno(), select.POLLIN)
        _open_async.add(self)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def drop(self) -> None:
        # Without its event loop: a child shares the selector, and would deregister its parent's socket.
        descriptor = self._stream.get_extra_info("socket").fileno()
        if descriptor >= 0:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, descriptor, inheritable=False)
            os.close(nothing)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's interface.
    ) -> httpcore2.AsyncNetworkStream:
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await (
                self._stream.aclose()
            )  # Which httpcore2 leaves open if the handshake is cancelled.
            raise
        return _AsyncStream(stream)

    def get_extra_info(self, info: str) -> Any:
        # A pool asks it of each idle connection, for each request.
        if info == "is_readable" and self._readable is not None:
            return self._socket.fileno() < 0 or bool(self._readable.poll(0))
        return self._stream.get_extra_info(info)


class Backend(httpcore2.SyncBackend):
    """httpcore2's own, whose sockets are known."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Option] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect as httpcore2 does."""
        return _Stream(super().connect_tcp(host, port, timeout, local_address, socket_options))


class AsyncBackend(httpcore2.AnyIOBackend):
    """The same for asyncio."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's interface.
        local_address: str | None = None,
        socket_options: Iterable[Option] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect as httpcore2 does."""
        return _AsyncStream(
            await super().connect_tcp(host, port, timeout, local_address, socket_options)
        )


_open: WeakSet[_Stream] = WeakSet()
_open_async: WeakSet[_AsyncStream] = WeakSet()
# In a child, the transports of a parent's event loop: they warn when they are collected unclosed.
_kept: list[_AsyncStream] = []
