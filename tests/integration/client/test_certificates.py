"""Certificates: loaded once for all clients of a process, and always verified."""

import asyncio
import os
import ssl
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpcore2
import httpx2
import pytest
from pytest_django import Settings

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient
from actionstep_connect.models import Connection
from tests.support.connections import make_connection, make_user
from tests.support.hostile_server import HostileServer

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 50


def ask(connection: Connection, **options: Any) -> None:
    with ActionstepClient(connection, max_wait=0, **options) as actionstep:
        actionstep.get("actions")


def ask_async(connection: Connection, **options: Any) -> None:
    async def call() -> None:
        async with AsyncActionstepClient(connection, max_wait=0, **options) as actionstep:
            await actionstep.get("actions")

    asyncio.run(call())


both = pytest.mark.parametrize("call", [ask, ask_async])


@pytest.fixture
def connection(settings: Settings, certificate: Path) -> Generator[Connection]:
    """Yield a connection to an API over TLS, whose certificate only the test knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HostileServer(tls=context) as server:
        server.answer(body={"actions": []})
        settings.ACTIONSTEP_CONNECT = {
            **settings.ACTIONSTEP_CONNECT,
            **server.settings(),
            "API_HOSTS": [server.host],
        }
        yield make_connection(make_user(), api_endpoint=f"{server.url}/api/")


@both
def test_certificates_are_loaded_once(
    connection: Connection,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[..., None],
) -> None:
    """Fifty clients load them no more often than one, and each of them verifies."""
    loaded: list[bool] = []
    load = httpcore2.default_ssl_context

    def counted(**options: Any) -> ssl.SSLContext:
        loaded.append(True)
        return load(**options)

    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(httpcore2, "default_ssl_context", counted)
    for _ in range(CLIENTS):
        call(connection)
    assert len(loaded) <= 1


@both
def test_other_certificates_are_honoured(
    connection: Connection,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[..., None],
) -> None:
    """What the environment names, and a file that was replaced, counts for the next client."""
    with pytest.raises(httpx2.ConnectError, match="certificate verify failed"):
        call(connection)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    call(connection)
    with pytest.raises(httpx2.ConnectError, match="certificate verify failed"):
        call(connection, trust_env=False)
    replaced = certificate.with_name("replaced.pem")
    replaced.write_bytes(certificate.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(replaced))
    call(connection)
    replaced.write_text(Path(ssl.get_default_verify_paths().openssl_cafile).read_text())
    os.utime(replaced, (1, 1))
    with pytest.raises(httpx2.ConnectError, match="certificate verify failed"):
        call(connection)


@both
def test_certificates_of_a_replaced_environment_are_honoured(
    connection: Connection,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[..., None],
) -> None:
    """A test may put a dict of its own in the place of `os.environ`."""
    monkeypatch.setattr(os, "environ", {**os.environ, "SSL_CERT_FILE": str(certificate)})
    call(connection)


@both
def test_a_callers_own_certificates_are_theirs(
    connection: Connection, certificate: Path, call: Callable[..., None]
) -> None:
    """A context that a caller passes serves that client alone."""
    call(connection, verify=ssl.create_default_context(cafile=certificate))
    with pytest.raises(httpx2.ConnectError, match="certificate verify failed"):
        call(connection)
