"""HTTP to the token endpoint: one pool for each process, one deadline for a whole exchange.

httpx2's own time-outs are per read, so a server that drips its answer could hold a refresh for
hours, longer than its lease. Here every operation on the socket gets what is left of one deadline.
"""

import atexit
import socket
import ssl
import threading
import time
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

from actionstep_connect.conf import MAX_CONCURRENCY, get_config
from actionstep_connect.environments import LOOPBACK
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.forks import after_fork, no_fork
from actionstep_connect.tls import shared_ssl_context

MAX_ANSWER = 64 * 1024
KEEPALIVE_SECONDS = 30.0
DEFAULT_PORTS = {"http": 80, "https": 443}
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32  # zlib's word for "look at the header"

# The monotonic clock at which the exchange under way in this thread must be over.
_deadline: ContextVar[float] = ContextVar("actionstep_connect_deadline")

_NOTHING_SENT = (
    httpcore2.ConnectError,
    httpcore2.ConnectTimeout,
    httpcore2.PoolTimeout,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
)


class TokenEndpointTransport(httpx2.BaseTransport):
    """A pooled transport whose exchanges end in time and in size, or raise TemporarilyUnavailable.

    Connecting is tried twice, because nothing was sent; a request is never repeated (RFC 6749 gives no
    idempotence). Certificates are always verified.
    """

    def __init__(self, *, token_url: str) -> None:
        self._proxy = _proxy_for(httpx2.URL(token_url))
        self._ssl_context = shared_ssl_context()
        # One large httpcore2 pool looks at every idle connection for every request. A stack of pools
        # of one, the warmest on top, costs the same for a thousand connections as for one.
        self._idle: deque[httpcore2.ConnectionPool] = deque(maxlen=MAX_CONCURRENCY)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send `request` and read the whole answer within HTTP_TIMEOUT seconds."""
        timeout = get_config().http_timeout
        token = _deadline.set(time.monotonic() + timeout)
        try:
            with self._connection() as connection:
                answer = connection.handle_request(_outgoing(request, timeout))
                try:
                    body = _unpacked(_read(answer), answer.headers)
                finally:
                    answer.close()
        except _NOTHING_SENT:
            raise TemporarilyUnavailable(
                "Actionstep's token endpoint could not be reached; nothing was sent.",
                code=ErrorCode.CONNECT_FAILED,
            ) from None
        except httpcore2.TimeoutException:
            raise TemporarilyUnavailable(
                f"Actionstep's token endpoint did not answer within {timeout:g} s.",
                code=ErrorCode.TIMEOUT,
                outcome_known=False,
            ) from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError):
            raise TemporarilyUnavailable(
                "The connection to Actionstep's token endpoint was lost before its answer came.",
                code=ErrorCode.CONNECTION_LOST,
                outcome_known=False,
            ) from None
        finally:
            _deadline.reset(token)
        # Without its Content-Encoding, or httpx2 would unpack it again, however large it became.
        headers = [(k, v) for k, v in answer.headers if k.lower() != b"content-encoding"]
        return httpx2.Response(answer.status, headers=headers, content=body)

    def close(self) -> None:
        """Close the connections that no exchange is using."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _connection(self) -> Iterator[httpcore2.ConnectionPool]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = httpcore2.ConnectionPool(
                ssl_context=self._ssl_context,
                proxy=self._proxy,
                max_connections=1,
                keepalive_expiry=KEEPALIVE_SECONDS,
                retries=1,
                network_backend=_DeadlineBackend(),
            )
        try:
            yield connection
        except BaseException:
            connection.close()  # It is unknown what is left on its wire.
            raise
        self._idle.append(connection)


def get_transport() -> TokenEndpointTransport:
    """Return this process's transport to the configured token endpoint, made on first use."""
    token_url = get_config().token_url
    with _lock:
        transport = _transports.get(token_url)
        if transport is None:
            transport = _transports[token_url] = TokenEndpointTransport(token_url=token_url)
        return transport


_lock = threading.Lock()
_transports: dict[str, TokenEndpointTransport] = {}


@atexit.register
def _close() -> None:
    while _transports:
        _transports.popitem()[1].close()


def _after_fork() -> None:
    # A socket shared with the parent would mix two answers.
    global _lock  # noqa: PLW0603 - one held at the fork would stay held in the child.
    _lock = threading.Lock()
    _close()


after_fork(_after_fork)


def _outgoing(request: httpx2.Request, timeout: float) -> httpcore2.Request:
    return httpcore2.Request(
        method=request.method,
        url=str(request.url),
        headers=request.headers.raw,
        content=request.read(),
        extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), timeout)},
    )


def _read(answer: httpcore2.Response) -> bytes:
    body = bytearray()
    try:
        for chunk in answer.iter_stream():
            body += chunk
            _check_size(body)
    except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError):
        # What came may be the whole answer, and the only refresh token there is.
        if not body.rstrip().endswith(b"}"):
            raise
    return bytes(body)


def _unpacked(body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    # No encoding is requested; but what a proxy compressed anyway may be the only refresh token there is.
    encodings = {
        value.strip().lower() for name, value in headers if name.lower() == b"content-encoding"
    }
    if not encodings & {b"gzip", b"x-gzip", b"deflate"}:
        return body
    try:
        unpacked = zlib.decompressobj(_GZIP_OR_ZLIB).decompress(body, MAX_ANSWER + 1)
    except zlib.error:
        return body
    _check_size(unpacked)
    return unpacked


def _check_size(body: bytes | bytearray) -> None:
    if len(body) > MAX_ANSWER:
        raise TemporarilyUnavailable(
            f"Actionstep's token endpoint sent more than {MAX_ANSWER} bytes.",
            code=ErrorCode.ANSWER_TOO_LARGE,
            outcome_known=False,
        )


def _proxy_for(url: httpx2.URL) -> httpcore2.Proxy | None:
    if url.host in LOOPBACK:
        return None  # A proxy would be given the secret in the clear.
    proxies = getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address or proxy_bypass(f"{url.host}:{url.port or DEFAULT_PORTS[url.scheme]}"):
        return None
    proxy = httpx2.Proxy(address if "://" in address else f"http://{address}")
    return httpcore2.Proxy(url=str(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw)


def _left(timeout: float | None, error: type[httpcore2.TimeoutException]) -> float | None:
    deadline = _deadline.get(None)
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise error("The deadline of the whole exchange has passed.")
    return left if timeout is None else min(left, timeout)


class _DeadlineStream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        with no_fork():
            left = _left(timeout, httpcore2.ConnectTimeout)
            stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return _DeadlineStream(stream)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _resolve(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore2.ConnectError(str(error)) from error
    # As text with its scope, without which a link-local address leads nowhere.
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    return list(dict.fromkeys(socket.getnameinfo(each[4], numeric)[0] for each in found))


class _DeadlineBackend(httpcore2.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        # By ourselves: Python would give each of a name's addresses the whole time.
        addresses = _resolve(host, port)
        failure: Exception = httpcore2.ConnectError(f"{host} has no address.")
        for number, address in enumerate(addresses):
            left = _left(timeout, httpcore2.ConnectTimeout)
            share = None if left is None else left / (len(addresses) - number)
            try:
                stream = super().connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _DeadlineStream(stream)
        raise failure
