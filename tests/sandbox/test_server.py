"""HTTP itself, below what Django sees."""

import socket

import pytest

from actionstep_connect.testing import Sandbox
from tests.support.visitor import Application

SECONDS = 5
HOST = b"Host: 127.0.0.1\r\n"


def connected(sandbox: Sandbox) -> socket.socket:
    host, _, port = sandbox.host.partition(":")
    return socket.create_connection((host, int(port)), SECONDS)


def said_to(sandbox: Sandbox, request: bytes) -> bytes:
    """Send bytes as they are; return all that comes until the server hangs up."""
    with connected(sandbox) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_head_is_answered_as_get_without_the_body(application: Application) -> None:
    """``HEAD`` tells status and headers, of the API and of pages, and the connection goes on."""
    tokens = application.issued()
    for path, status in (("users/current", 200), ("actions", 200), ("actions/99999", 404)):
        head = application.api(tokens, path, "HEAD")
        get = application.api(tokens, path)
        assert (head.status_code, head.content) == (status, b"")
        assert head.headers["Content-Length"] == get.headers["Content-Length"]
    page = application.http.head("/")
    assert (page.status_code, page.content) == (200, b"")


@pytest.mark.parametrize(
    ("request_line", "wanted"),
    [
        (b"GARBAGE", b"HTTP/1.1 400 "),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1", b"HTTP/1.1 414 "),
        (b"GET / HTTP/9.9", b"HTTP/1.1 505 "),
    ],
    ids=["garbage", "long", "version"],
)
def test_what_is_not_http_is_told_so(sandbox: Sandbox, request_line: bytes, wanted: bytes) -> None:
    """An answer comes, rather than a connection closed without a word."""
    answer = said_to(sandbox, request_line + b"\r\n" + HOST + b"\r\n")
    assert answer.startswith(wanted)


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(sandbox: Sandbox) -> None:
    """``Expect: 100-continue`` is answered before the body has come."""
    head = (
        b"POST /sandbox/reset HTTP/1.1\r\n" + HOST + b"Connection: close\r\n"
        b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    )
    with connected(sandbox) as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"{}")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_body_of_unknown_length_is_refused(sandbox: Sandbox) -> None:
    """A chunked body is 411, and none of it is taken for the next request."""
    request = (
        b"POST /sandbox/reset HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\n\r\n"
    )
    answer = said_to(sandbox, request)
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert answer.count(b"HTTP/1.1") == 1
