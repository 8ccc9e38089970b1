"""The token endpoint against a hostile server: S17 to S21 of the security checklist."""

import gzip
import json
import logging
import socket
import ssl
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Generator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from actionstep_connect.conf import get_config
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    AuthorizationFailed,
    ClientRejected,
    TemporarilyUnavailable,
)
from actionstep_connect.oauth import TokenGrant, exchange_code, refresh_token_grant
from actionstep_connect.secret import Secret
from tests.support.free_port import free_ports
from tests.support.hostile_server import Answer, HostileServer, grant

SECONDS = 0.5
BUSY_SECONDS = 20  # Others run beside these tests.

Configure = Callable[..., None]


def refresh() -> TokenGrant:
    return refresh_token_grant(Secret("spent-token"))


def exchange() -> TokenGrant:
    return exchange_code(
        code=Secret("the-code"),
        code_verifier=Secret("the-verifier"),
        redirect_uri="https://law.example/callback/",
    )


both = pytest.mark.parametrize("ask", [refresh, exchange])


@pytest.fixture
def configure(settings: Settings) -> Configure:
    """Change members of ACTIONSTEP_CONNECT."""

    def change(**members: Any) -> None:
        settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, **members}

    return change


@pytest.fixture
def server(configure: Configure, request: pytest.FixtureRequest) -> Generator[HostileServer]:
    """Yield a token endpoint that answers as told. Tests that run alone have half a second for it."""
    is_alone = request.node.get_closest_marker("alone") is not None
    with HostileServer() as server:
        configure(**server.settings(), HTTP_TIMEOUT=SECONDS if is_alone else BUSY_SECONDS)
        yield server


@pytest.mark.parametrize("name", ["TOKEN_URL", "AUTHORIZE_URL", "REDIRECT_URI"])
def test_s17_plain_http_is_refused_outside_loopback(configure: Configure, name: str) -> None:
    """A setting that would send secrets in the clear is no setting."""
    configure(**{name: "http://api.example/token"})
    with pytest.raises(ImproperlyConfigured, match=name):
        get_config()


@both
def test_s17_a_certificate_nobody_signed_is_refused(
    configure: Configure, certificate: Path, ask: Callable[[], TokenGrant]
) -> None:
    """Nothing is sent to a server whose certificate does not verify."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HostileServer(tls=context) as server:
        configure(**server.settings(), HTTP_TIMEOUT=3)
        with pytest.raises(TemporarilyUnavailable) as caught:
            ask()
        assert caught.value.code == "connect_failed"
        assert not server.requests


@both
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_s17_redirects_are_never_followed(
    server: HostileServer, ask: Callable[[], TokenGrant], status: int
) -> None:
    """Not even to the same host: neither secret nor token is ever sent on."""
    with HostileServer() as target:
        server.answer(status=status, headers={"Location": f"{target.url}/token"}, body=grant())
        with pytest.raises(TemporarilyUnavailable):
            ask()
        server.answer(status=status, headers={"Location": "/token"})
        with pytest.raises(TemporarilyUnavailable):
            ask()
        assert not target.requests
        assert len(server.requests) == 2


@both
@pytest.mark.alone
@pytest.mark.parametrize(
    "answer",
    [Answer(silent=True), Answer(body=grant(), drip=0.05)],
    ids=["silence", "a byte now and then"],
)
def test_s18_the_whole_exchange_ends_in_time(
    server: HostileServer, ask: Callable[[], TokenGrant], answer: Answer
) -> None:
    """However the server stalls, it is over within HTTP_TIMEOUT, the outcome unknown."""
    server.script([answer])
    started = time.monotonic()
    with pytest.raises(TemporarilyUnavailable) as caught:
        ask()
    assert SECONDS * 0.9 < time.monotonic() - started < SECONDS * 3
    assert (caught.value.code, caught.value.outcome_known) == ("timeout", False)


@pytest.fixture
def addresses(
    server: HostileServer, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> Generator[list[str]]:
    """Set addresses for the server's name, of which only 127.0.0.1 ever answers."""
    port, silent = urlsplit(server.url).port or 0, ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
    known = list(silent)
    configure(TOKEN_URL=f"http://localhost:{port}/token")

    def resolve(host: str, *_: Any, **__: Any) -> list[Any]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        found = known if host == "localhost" else [host]
        return [(*kind, (address, port)) for address in found]

    with ExitStack() as sockets:
        for address in silent:
            listener = sockets.enter_context(socket.create_server((address, port), backlog=0))
            for _ in range(4):  # The queue of who waits is full: Linux drops anyone who comes next.
                waiting = sockets.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(listener.getsockname())
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        yield known


@both
@pytest.mark.alone
def test_s18_several_addresses_share_the_time(
    server: HostileServer, ask: Callable[[], TokenGrant], addresses: list[str]
) -> None:
    """A name with three addresses that do not answer takes no longer than one with a single one."""
    started = time.monotonic()
    with pytest.raises(TemporarilyUnavailable) as caught:
        ask()
    assert time.monotonic() - started < SECONDS * 2
    assert caught.value.outcome_known
    assert not server.requests


@both
@pytest.mark.alone
def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    server: HostileServer, ask: Callable[[], TokenGrant], addresses: list[str]
) -> None:
    """One dead machine of two costs half the time, not the token."""
    addresses[:] = ["127.0.0.2", "127.0.0.1"]
    server.answer(body=grant())
    assert ask().refresh_token is not None


@both
@pytest.mark.parametrize("answer", ["honest", "unannounced", "packed", "compressed"])
def test_s18_answers_over_64_kb_are_refused(
    server: HostileServer, ask: Callable[[], TokenGrant], answer: str
) -> None:
    """Whether it announces its size or not, or is small until unpacked, a huge answer is not read."""
    body = b'{"access_token": "' + b"x" * 70_000 + b'"}'
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
    answers = {
        "honest": Answer(body=body),
        "unannounced": Answer(raw=head + b"\r\n" + body),
        "packed": Answer(raw=head + b"Content-Encoding: gzip\r\n\r\n" + b"\x1f\x8b" + body),
        "compressed": Answer(raw=head + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(body)),
    }
    server.script([answers[answer]])
    with pytest.raises(TemporarilyUnavailable) as caught:
        ask()
    assert caught.value.code == "answer_too_large"
    assert caught.value.outcome_known is False


@both
@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_s20_an_answer_packed_without_being_asked_is_read(
    server: HostileServer, ask: Callable[[], TokenGrant], pack: Callable[[bytes], bytes]
) -> None:
    """A proxy that compresses whatever it passes on costs no refresh token."""
    body = pack(json.dumps(grant(refresh_token="packed")).encode())
    encoding = b"gzip" if pack is gzip.compress else b"deflate"
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n"
    server.script([Answer(raw=head % (encoding, len(body)) + body)])
    token = ask().refresh_token
    assert token is not None
    assert token.reveal() == "packed"


@both
def test_s19_nothing_is_repeated_once_something_was_sent(
    server: HostileServer, ask: Callable[[], TokenGrant]
) -> None:
    """A lost answer is not asked for again: the token may be spent, so the outcome is unknown."""
    for answer in (
        Answer(drop=True),
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"),
        Answer(raw=b"nonsense\r\n\r\n"),
        Answer(status=503, headers={"Retry-After": "1"}),
    ):
        server.requests.clear()
        server.script([answer])
        with pytest.raises(TemporarilyUnavailable) as caught:
            ask()
        assert caught.value.outcome_known is False
        assert len(server.requests) == 1


@both
def test_s19_a_server_that_cannot_be_reached_leaves_nothing_unknown(
    configure: Configure, ask: Callable[[], TokenGrant]
) -> None:
    """Nothing was sent, so the same token may be sent at the next chance."""
    (port,) = free_ports(1)
    configure(TOKEN_URL=f"http://127.0.0.1:{port}/token", HTTP_TIMEOUT=3)
    with pytest.raises(TemporarilyUnavailable) as caught:
        ask()
    assert (caught.value.code, caught.value.outcome_known) == ("connect_failed", True)


@both
@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        ({"body": {"error": "invalid_grant"}}, AuthorizationFailed, "invalid_grant"),
        ({"status": 400, "body": {"error": "invalid_grant"}}, AuthorizationFailed, "invalid_grant"),
        (
            {"status": 400, "body": '{"error": "invalid_grant", "error_description": "a\nb"}'},
            AuthorizationFailed,
            "invalid_grant",
        ),
        ({"status": 401, "body": {"error": "invalid_client"}}, ClientRejected, "invalid_client"),
        ({"status": 400, "body": {"message": "?"}}, TemporarilyUnavailable, "status_400"),
        ({"status": 400, "body": {"error": 7}}, TemporarilyUnavailable, "unknown_error"),
        ({"status": 400, "body": {"error": "a\r\nb"}}, TemporarilyUnavailable, "unknown_error"),
        ({"status": 429, "body": {"access_token": "x"}}, TemporarilyUnavailable, "rate_limited"),
        ({"status": 500, "body": {"error": "invalid_grant"}}, TemporarilyUnavailable, "status_500"),
        ({"status": 503, "body": {"error": "invalid_grant"}}, TemporarilyUnavailable, "status_503"),
        ({"body": "<h1>Maintenance</h1>"}, TemporarilyUnavailable, "no_token"),
        ({"body": ""}, TemporarilyUnavailable, "no_token"),
        ({"body": []}, TemporarilyUnavailable, "no_token"),
        ({"body": "null"}, TemporarilyUnavailable, "no_token"),
        ({"body": "[" * 60_000}, TemporarilyUnavailable, "no_token"),
        ({"body": b"\xff\xfe\x00"}, TemporarilyUnavailable, "no_token"),
        ({"body": '{"refresh_token": "cut'}, TemporarilyUnavailable, "no_token"),
        ({"body": '{"a":' * 12_000}, TemporarilyUnavailable, "no_token"),
        ({"status": 204}, TemporarilyUnavailable, "no_token"),
        ({"body": grant(access_token="", refresh_token="")}, TemporarilyUnavailable, "no_token"),
        (
            {"body": grant(access_token={}, refresh_token=["a"])},
            TemporarilyUnavailable,
            "no_token",
        ),
        (
            {"body": grant(refresh_token=None, token_type="mac")},
            TemporarilyUnavailable,
            "no_token",
        ),
    ],
    ids=str,
)
def test_s20_what_is_no_grant_is_an_error_of_the_right_kind(
    server: HostileServer,
    ask: Callable[[], TokenGrant],
    answer: dict[str, Any],
    error: type[ActionstepConnectError],
    code: str,
) -> None:
    """No answer without a usable token is taken for one, and only `invalid_grant` ends anything."""
    server.answer(**answer)
    with pytest.raises(error) as caught:
        ask()
    assert (type(caught.value), caught.value.code) == (error, code)
    if isinstance(caught.value, TemporarilyUnavailable):
        # Only what refuses in words says that the token is still there.
        assert caught.value.outcome_known is (code in {"rate_limited", "unknown_error"})


@both
@pytest.mark.parametrize(
    ("sent", "lifetime"),
    [
        (3600, 3600),
        ("3600", 3600),
        (3600.5, 3600.5),
        (1, 1),
        (86400 * 365, 86400 * 365),
        (None, 3600),
        (0, None),
        (-1, None),
        ("soon", None),
        ([], None),
        (True, None),
        (10**400, None),
        ("inf", None),
        ("nan", None),
        (86400 * 365 + 1, None),
        (86400 * 3650, None),
    ],
    ids=str,
)
def test_s20_a_lifetime_is_believed_if_it_makes_sense(
    server: HostileServer, ask: Callable[[], TokenGrant], sent: Any, lifetime: float | None
) -> None:
    """Text and floats count, the documented hour stands for none, and nonsense is left empty."""
    server.answer(body=grant(expires_in=sent))
    before = datetime.now(UTC)
    answer = ask()
    assert answer.refresh_token == Secret("canary-refresh-token")
    if lifetime is None:
        assert answer.access_token_expires_at is None
    else:
        assert answer.access_token_expires_at is not None
        late = answer.access_token_expires_at - before - timedelta(seconds=lifetime)
        assert timedelta(0) <= late < timedelta(seconds=5)


@both
@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"access_token": None}, {}),
        ({"access_token": "two words"}, {}),
        ({"token_type": "mac"}, {}),
        ({"token_type": None}, {}),
        ({"error": "server_error"}, {}),
        ({"api_endpoint": 7, "orgkey": {}, "scope": 'a"b'}, {}),
        ({}, {"headers": {"Content-Type": "text/html"}}),
        ({}, {"status": 201}),
        ({}, {"body": '{"refresh_token": "canary-refresh-token", "note": "a\nb"}'}),
        ({}, {"body": 'Notice: {"refresh_token": "canary-refresh-token", "note": "a\nb"}'}),
    ],
    ids=str,
)
def test_s20_a_usable_refresh_token_is_never_thrown_away(
    server: HostileServer,
    ask: Callable[[], TokenGrant],
    changes: dict[str, Any],
    answer: dict[str, Any],
) -> None:
    """Whatever else is wrong with a good status, the one token that is left is kept."""
    server.answer(**{"body": grant(**changes), **answer})
    assert ask().refresh_token == Secret("canary-refresh-token")


@both
@pytest.mark.parametrize(
    "body",
    [
        "<br />\n<b>Warning</b>: Undefined index in <b>token.php</b> on line <b>7</b><br />\n%s",
        "%s\n<!-- served by cache-3 -->",
        ")]}',\n%s",
        '%s{"again": true}',
    ],
)
def test_s20_what_stands_around_an_answer_throws_no_token_away(
    server: HostileServer, ask: Callable[[], TokenGrant], body: str
) -> None:
    """Warnings of the server's, and remarks of proxies between, are passed over."""
    server.answer(body=body % json.dumps(grant()))
    assert ask().refresh_token == Secret("canary-refresh-token")


@both
@pytest.mark.parametrize("status", [200, 400])
def test_s20_what_stands_within_a_page_ends_no_connection(
    server: HostileServer, ask: Callable[[], TokenGrant], status: int
) -> None:
    """A page with an error inside is not the token endpoint's word."""
    server.answer(status=status, body='<script>x = {"error": "invalid_grant"}</script>')
    with pytest.raises(TemporarilyUnavailable):
        ask()


def test_s20_tokens_of_any_length_are_kept_whole(server: HostileServer) -> None:
    """Long tokens come through unshortened, with the organisation and the address they are for."""
    sent = grant(access_token="a" * 9000, refresh_token="r" * 9000)
    server.answer(body=sent)
    answer = refresh()
    assert (answer.access_token, answer.refresh_token) == (Secret("a" * 9000), Secret("r" * 9000))
    assert (answer.orgkey, answer.api_endpoint) == (sent["orgkey"], sent["api_endpoint"])


@both
@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_s21_the_secret_goes_only_by_the_configured_method(
    server: HostileServer, configure: Configure, ask: Callable[[], TokenGrant], method: str
) -> None:
    """In the body or in the header, never in both, never in the address."""
    configure(TOKEN_AUTH_METHOD=method)
    ask()
    (request,) = server.requests
    basic = "Basic " + b64encode(b"sandbox-client:sandbox-secret").decode()
    in_body = method == "client_secret_post"
    assert (request.method, request.target) == ("POST", "/token")
    assert request.form.get("client_secret") == ("sandbox-secret" if in_body else None)
    assert request.headers.get("Authorization") == (None if in_body else basic)
    assert request.headers["Content-Type"].startswith("application/x-www-form-urlencoded")


def test_the_exchange_and_the_refresh_say_what_rfc_6749_asks_for(server: HostileServer) -> None:
    """Grant type, code, redirect URI and verifier; grant type and refresh token."""
    exchange()
    refresh()
    client = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    assert server.requests[0].form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": "https://law.example/callback/",
        "code_verifier": "the-verifier",
        **client,
    }
    assert server.requests[1].form == {
        "grant_type": "refresh_token",
        "refresh_token": "spent-token",
        **client,
    }


@both
@pytest.mark.parametrize(
    "answer",
    [{}, {"drop": True}, {"status": 400, "body": {"error": "invalid_grant"}}, {"body": "<h1>"}],
    ids=str,
)
def test_s39_no_log_and_no_error_holds_what_was_sent_or_received(
    server: HostileServer,
    caplog: pytest.LogCaptureFixture,
    ask: Callable[[], TokenGrant],
    answer: dict[str, Any],
) -> None:
    """With every logger at DEBUG, tokens, code, verifier and secret stay out of logs and errors."""
    caplog.set_level(logging.DEBUG)
    server.answer(**{"body": grant(), **answer})
    seen = ""
    try:
        seen = repr(ask())
    except ActionstepConnectError as error:
        seen = f"{error!r} {error.__cause__!r} {error.__dict__!r}"
    seen += caplog.text
    for secret in ("canary", "spent-token", "the-code", "the-verifier", "sandbox-secret"):
        assert secret not in seen


@both
@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n%s",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\nnonsense",
    ],
    ids=["shorter than announced", "no last chunk", "no chunk at all"],
)
def test_s20_an_answer_whose_end_is_missing_is_taken_if_it_is_whole(
    server: HostileServer, ask: Callable[[], TokenGrant], raw: bytes
) -> None:
    """Tokens that have come are not thrown away because the connection then broke."""
    body = json.dumps(grant()).encode()
    sizes = (len(body), body) if b"%x" in raw else (body,)
    server.script([Answer(raw=raw % sizes)])
    assert ask().refresh_token == Secret("canary-refresh-token")


def test_s20_an_answer_that_is_whole_but_never_ends_is_taken(
    server: HostileServer, configure: Configure
) -> None:
    """Nor because the server forgets to say that this was all."""
    configure(HTTP_TIMEOUT=3)  # It is waited for until then.
    server.script([Answer(body=json.dumps(grant()), headers={"Content-Length": "9999"}, stay=True)])
    assert refresh().refresh_token == Secret("canary-refresh-token")


@pytest.mark.parametrize("cut", [1, 2, 30, 200])
def test_s20_an_answer_cut_short_is_an_unknown_outcome(server: HostileServer, cut: int) -> None:
    """Half an answer is none, and says nothing about what Actionstep did."""
    body = json.dumps(grant(more={"a": {}}))[:-cut]
    server.script([Answer(body=body, headers={"Content-Length": "9999"})])
    with pytest.raises(TemporarilyUnavailable) as caught:
        refresh()
    assert not caught.value.outcome_known


@both
def test_s21_no_file_of_the_machine_says_who_we_are(
    server: HostileServer,
    ask: Callable[[], TokenGrant],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A password in `.netrc` takes the place of none of the site's credentials."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    ask()
    assert "Authorization" not in server.requests[0].headers
