"""One TLS context for all connections of a process.

Loading certificates takes 20 to 40 ms of CPU, a hundred times more than all else that making a client
does; in an async view all other requests wait for it.
"""

import encodings.idna  # noqa: F401 - a connection's first host loads it, and a fork meanwhile would copy its lock.
import os
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import httpx2

import actionstep_connect.aead  # noqa: F401 - a request's token loads it, with the same risk.
from actionstep_connect.forks import no_fork

#: Where OpenSSL and httpx2 take certificates from, if the environment says so.
_NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def environment_values(names: tuple[str, ...]) -> tuple[Any, ...]:
    """Return what the environment says for `names`, as text or as the bytes of it, and None for nothing.

    For each client: os.environ's own look-up takes 2 µs for a name that is not set, and a dict's 0.03.
    """
    environment: Mapping[Any, Any] = os.environ
    values = getattr(environment, "_data", None)
    if not isinstance(values, dict):  # It was replaced, or is kept otherwise.
        return tuple(map(environment.get, names))
    return tuple(map(values.get, _encoded(names)))


@lru_cache(maxsize=8)
def _encoded(names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(map(os.environ.encodekey, names))


def shared_ssl_context(*, trust_env: bool = True) -> ssl.SSLContext:
    """Return the context that verifies certificates, made on first use. It must not be changed.

    Where the environment names other certificates, or another version of the same file, it is
    another one.
    """
    return _ssl_context(trust_env=trust_env, named=_named() if trust_env else ())


def _named() -> tuple[tuple[Any, float], ...]:
    return tuple([(path, _changed_at(path)) for path in environment_values(_NAMES) if path])


def _changed_at(path: str | bytes) -> float:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 - for each client; a Path costs as much as it.
    except OSError:
        return 0.0


@lru_cache(maxsize=4)
def _ssl_context(*, trust_env: bool, named: tuple[tuple[Any, float], ...]) -> ssl.SSLContext:  # noqa: ARG001 - a part of the key.
    with no_fork():  # Loading certificates takes OpenSSL's locks as well.
        context = httpx2.create_ssl_context(trust_env=trust_env)
    context.sslobject_class = _Object
    return context


class _Object(ssl.SSLObject):
    """TLS without a socket, as asynchronous clients have it. It returns where it would wait."""

    def do_handshake(self) -> None:
        with no_fork():
            super().do_handshake()
