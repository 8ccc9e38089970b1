"""One reader for each setting: it returns the value as Config holds it, or says what it must be."""

import base64
import binascii
from collections.abc import Callable, Iterable
from datetime import timedelta

from django.utils.module_loading import import_string

from actionstep_connect.environments import (
    MAX_URL,
    is_host_pattern,
    is_secure_endpoint,
    is_secure_url,
)
from actionstep_connect.generate_key import KEY_BYTES
from actionstep_connect.scopes import MAX_SCOPE, is_scope
from actionstep_connect.secret import Secret

MAX_HTTP_TIMEOUT = 45  # seconds
MAX_CONCURRENCY = 256
SMALLEST_RESPONSE_SIZE = 64 * 1024  # bytes
#: Of an environment.
MAX_LABEL = 50
MAX_CLIENT_ID = 200


class WrongError(Exception):
    """A value that does not fit its setting; the argument completes "… must be"."""


def wrap(value: object) -> Secret | None:
    """Return text so that no variable shows it, and None for what is not text."""
    # What is not text cannot be one. It is not repeated, in case it is one nevertheless: None stands for it.
    return Secret(value) if isinstance(value, str) else None


def wrap_keys(keys: Iterable[object]) -> tuple[Secret | None, ...]:
    """Return `keys` so that no variable shows them; what is not text becomes None."""
    return tuple(map(wrap, keys))


def decode_key(key: object) -> bytes:
    """Decode one of ENCRYPTION_KEYS. Raises ValueError if it is not base64url of 32 bytes."""
    key = key.reveal() if isinstance(key, Secret) else key
    if not isinstance(key, str):
        raise ValueError("a key is not a string")  # noqa: TRY004 - a wrong value of a setting.
    try:
        decoded = base64.b64decode(
            key.encode() + b"=" * (-len(key) % 4), altchars=b"-_", validate=True
        )
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("a key is not base64url") from error
    if len(decoded) != KEY_BYTES:
        raise ValueError(f"a key has {len(decoded)} bytes instead of {KEY_BYTES}")
    return decoded


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise WrongError("a non-empty string")
    return value


def _secret(value: object) -> Secret:
    if not isinstance(value, Secret) or not value.reveal().strip():
        raise WrongError("a non-empty string")
    return value


def _label(value: object) -> str:
    text = _text(value)
    if len(text) > MAX_LABEL:
        raise WrongError(f"a label of at most {MAX_LABEL} characters")
    return text


def _client_id(value: object) -> str:
    text = _text(value)
    if len(text) > MAX_CLIENT_ID:
        raise WrongError(f"a client id of at most {MAX_CLIENT_ID} characters")
    return text


def _scopes(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple)) or not value:
        raise WrongError("a non-empty list of scope names, such as ['timerecords', 'actions']")
    for name in value:
        if not is_scope(name):
            raise WrongError(
                f"a list of scope names, of at most {MAX_SCOPE} characters each; {name!r} is none "
                "(RFC 6749 §3.3)"
            )
    return tuple(dict.fromkeys(value))


def _keys(value: object) -> tuple[Secret, ...] | str:
    if isinstance(value, Secret):
        return _path_of_keys(value.reveal())
    if not isinstance(value, tuple) or not value:
        raise WrongError("a non-empty list of keys")
    for number, key in enumerate(value, start=1):
        try:
            decode_key(key)
        except ValueError as error:
            raise WrongError(
                f"a list of base64url keys of {KEY_BYTES} bytes each; key {number}: {error}"
            ) from error
    return value


def _path_of_keys(path: str) -> str:
    needed = "a list of keys, or the dotted path of a callable that returns one"
    try:
        if callable(import_string(path)):
            return path
    except ImportError as error:
        if error.name and not path.startswith(error.name):
            needed += f"; importing it needs {error.name!r}, which cannot be imported"
    except Exception:  # noqa: BLE001 - a site's own module may raise anything.
        # As when the callable raises: `crypto.fetch_keys` says so when the keys are needed, and tries again.
        return path
    raise WrongError(needed)


def _callable(value: object) -> str:
    path = _text(value)
    # Not imported here: what a site's module imports may need these very settings.
    if not all(part.isidentifier() for part in path.split(".")) or "." not in path:
        raise WrongError(f"the dotted path of a callable; not {path!r}")
    return path


def _optional_callable(value: object) -> object:
    return value if value is None or callable(value) else _callable(value)


def _endpoint(value: object) -> str:
    return _secure(value, is_secure_endpoint, in_path="letters, digits, '-' and '_'")


def _optional_url(value: object) -> str | None:
    if value is None:
        return None
    allowed = (
        "letters, digits, '-', '.', '_', '~' and percent-encodings, and no '.' or '..' as steps"
    )
    return _secure(value, is_secure_url, in_path=allowed)


def _secure(value: object, is_secure: Callable[[str], bool], *, in_path: str) -> str:
    url = _text(value)
    if is_secure(url):
        return url
    origin = "/".join(url.split("/", 3)[:3])
    if any(mark in url for mark in "@?#"):
        reason = "a URL without user, query or fragment"
    elif not is_secure(origin):
        reason = "https to a plain host (http to this machine only)"
    else:
        reason = f"a URL of at most {MAX_URL} characters, in its path only {in_path}"
    raise WrongError(f"{reason}; not {url!r}")


def _hosts(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple)) or not value:
        raise WrongError("a non-empty list of hosts, such as ['*.actionstep.com']")
    for host in value:
        if not isinstance(host, str) or not is_host_pattern(host):
            raise WrongError(f"a list of hosts, such as ['*.actionstep.com']; {host!r} is none")
    return tuple(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise WrongError("True or False")
    return value


def _auth_method(value: object) -> str:
    if value not in ("client_secret_post", "client_secret_basic"):
        raise WrongError("'client_secret_post' or 'client_secret_basic'")
    return str(value)


def _duration(value: object) -> timedelta:
    if not isinstance(value, timedelta) or value <= timedelta(0):
        raise WrongError("a positive timedelta")
    return value


def _optional_duration(value: object) -> timedelta | None:
    return None if value is None else _duration(value)


def _concurrency(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_CONCURRENCY:
        raise WrongError(f"a whole number from 1 to {MAX_CONCURRENCY}")
    return value


def _seconds(value: object) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not 0 < value <= MAX_HTTP_TIMEOUT
    ):
        raise WrongError(f"a number of seconds, more than 0 and at most {MAX_HTTP_TIMEOUT}")
    return float(value)


def _size(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < SMALLEST_RESPONSE_SIZE:
        raise WrongError(f"a whole number of bytes, at least {SMALLEST_RESPONSE_SIZE}")
    return value


READERS: dict[str, Callable[[object], object]] = {
    "ENVIRONMENT": _label,
    "CLIENT_ID": _client_id,
    "CLIENT_SECRET": _secret,
    "SCOPES": _scopes,
    "ALLOWED_SCOPES": _scopes,
    "ENCRYPTION_KEYS": _keys,
    "REDIRECT_URI": _optional_url,
    "AUTHORIZE_URL": _endpoint,
    "TOKEN_URL": _endpoint,
    "API_HOSTS": _hosts,
    "PKCE": _boolean,
    "TOKEN_AUTH_METHOD": _auth_method,
    "ORGKEY_HINT": _boolean,
    "REFRESH_BEFORE": _duration,
    "REFRESH_TOKEN_LIFETIME": _duration,
    "WARN_BEFORE": _duration,
    "IDLE_AFTER": _optional_duration,
    "REFRESH_CONCURRENCY": _concurrency,
    "HTTP_TIMEOUT": _seconds,
    "MAX_RESPONSE_SIZE": _size,
    "SHARE_RATE_LIMITS": _boolean,
    "NOTIFY_USERS": _boolean,
    "EVENT_RETENTION": _duration,
    "POST_CONNECT_URL": _text,
    "IMPERSONATOR": _callable,
    "HOOKS_BEARER": _optional_callable,
    "HOOKS_URL": _optional_url,
    "HOOKS_READ_AGAIN": _boolean,
    "HOOKS_RETENTION": _duration,
}
