"""The settings: one dict, ACTIONSTEP_CONNECT, read here and nowhere else."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from actionstep_connect.environments import (
    KNOWN_ENDPOINTS,
    LONGEST_URL,
    PRODUCTION,
    is_host_pattern,
    is_secure_endpoint,
    is_secure_url,
)
from actionstep_connect.scopes import LONGEST_SCOPE, is_scope, missing_scopes

SETTING = "ACTIONSTEP_CONNECT"
AUTH_USER_MODEL: str = settings.AUTH_USER_MODEL
KEY_BYTES = 32
LONGEST_HTTP_TIMEOUT = 45
LARGEST_CONCURRENCY = 256
#: Of an environment.
LONGEST_LABEL = 50
LONGEST_CLIENT_ID = 200

#: Where idle renewal falls between a refresh token's issue and the moment it would be flagged.
IDLE_RENEWAL_SHARE = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The settings, read and checked. Times are timedeltas; `http_timeout` is in seconds."""

    environment: str = PRODUCTION
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]
    allowed_scopes: tuple[str, ...]
    encryption_keys: tuple[str, ...] | str = field(repr=False)
    redirect_uri: str | None = None
    authorize_url: str
    token_url: str
    api_hosts: tuple[str, ...]
    pkce: bool = True
    token_auth_method: str = "client_secret_post"  # noqa: S105 - the name of a method.
    orgkey_hint: bool = False
    refresh_before: timedelta = timedelta(minutes=10)
    refresh_token_lifetime: timedelta = timedelta(days=21)
    warn_before: timedelta = timedelta(days=7)
    idle_after: timedelta | None = None
    refresh_concurrency: int = 16
    http_timeout: float = 30.0
    notify_users: bool = False
    event_retention: timedelta = timedelta(days=365)
    post_connect_url: str = "actionstep_connect:connections"


class Problem(NamedTuple):
    """One thing wrong with the settings: a stable `id`, what is wrong, and the cure."""

    id: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Those of Django's own settings that we look at."""

    installed_apps: tuple[str, ...]
    allowed_hosts: tuple[str, ...]
    debug: bool
    use_tz: bool
    session_cookie_secure: bool
    session_cookie_samesite: str
    content_security_policy: Mapping[str, Any]
    language_code: str
    from_email: str
    has_site_id: bool
    secret_keys: tuple[str, ...] = field(repr=False)


class _WrongError(Exception):
    """A value that does not fit its setting; the argument completes "… must be"."""


@cache
def get_config() -> Config:
    """Return the settings. Raises ImproperlyConfigured, naming every problem, if there is one."""
    config, problems = read_settings(getattr(settings, SETTING, None))
    if config is None:
        raise ImproperlyConfigured(
            " ".join(f"{problem.message} {problem.hint}" for problem in problems)
        )
    return config


def find_problems() -> list[Problem]:
    """Return everything that is wrong with the settings."""
    return read_settings(getattr(settings, SETTING, None))[1]


def get_site() -> Site:
    """Return what we look at beside ACTIONSTEP_CONNECT."""
    return Site(
        installed_apps=tuple(settings.INSTALLED_APPS),
        allowed_hosts=tuple(settings.ALLOWED_HOSTS),
        debug=bool(settings.DEBUG),
        use_tz=bool(settings.USE_TZ),
        session_cookie_secure=bool(settings.SESSION_COOKIE_SECURE),
        # In any case, as Django and browsers take it.
        session_cookie_samesite=str(settings.SESSION_COOKIE_SAMESITE).capitalize(),
        # Django 6.0; none in those before.
        content_security_policy=getattr(settings, "SECURE_CSP", None) or {},
        language_code=str(settings.LANGUAGE_CODE),
        from_email=str(settings.DEFAULT_FROM_EMAIL),
        has_site_id=bool(getattr(settings, "SITE_ID", None)),
        secret_keys=(str(settings.SECRET_KEY), *map(str, settings.SECRET_KEY_FALLBACKS)),
    )


@receiver(setting_changed)
def _forget(*, setting: str, **_: object) -> None:
    if setting == SETTING:
        get_config.cache_clear()


def read_settings(raw: object) -> tuple[Config | None, list[Problem]]:
    """Check `raw`, the value of ACTIONSTEP_CONNECT; without problems, return it as a Config."""
    if not isinstance(raw, Mapping):
        return None, [
            Problem(
                id="E001",
                message=f"{SETTING} is missing or is not a dict.",
                hint=f"Add {SETTING} = {{…}} to your settings; the README shows a complete one.",
            )
        ]
    problems = [_unknown(key) for key in raw if key not in _READERS]
    values = {**_by_environment(raw), **raw}
    read: dict[str, Any] = {}
    for key, reader in _READERS.items():
        if key in values:
            try:
                read[key.lower()] = reader(values[key])
            except _WrongError as wrong:
                problems.append(_wrong(key, str(wrong)))
        elif key in _REQUIRED or (key in _BY_ENVIRONMENT and "environment" in read):
            problems.append(_missing(key))
    if problems:
        return None, problems
    config = Config(**{"allowed_scopes": read["scopes"], **read})
    problems = _inconsistencies(config)
    return (None if problems else config), problems


def _by_environment(raw: Mapping[Any, Any]) -> dict[str, object]:
    known = KNOWN_ENDPOINTS.get(str(raw.get("ENVIRONMENT", PRODUCTION)))
    if known is None:
        return {"ENVIRONMENT": PRODUCTION}
    return {
        "ENVIRONMENT": PRODUCTION,
        "AUTHORIZE_URL": known.authorize_url,
        "TOKEN_URL": known.token_url,
        "API_HOSTS": known.api_hosts,
    }


def decode_key(key: object) -> bytes:
    """Decode one of ENCRYPTION_KEYS. Raises ValueError if it is not base64url of 32 bytes."""
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
        raise _WrongError("a non-empty string")
    return value


def _label(value: object) -> str:
    text = _text(value)
    if len(text) > LONGEST_LABEL:
        raise _WrongError(f"a label of at most {LONGEST_LABEL} characters")
    return text


def _client_id(value: object) -> str:
    text = _text(value)
    if len(text) > LONGEST_CLIENT_ID:
        raise _WrongError(f"a client id of at most {LONGEST_CLIENT_ID} characters")
    return text


def _scopes(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple)) or not value:
        raise _WrongError("a non-empty list of scope names, such as ['timerecords', 'actions']")
    for name in value:
        if not is_scope(name):
            raise _WrongError(
                f"a list of scope names, of at most {LONGEST_SCOPE} characters each; {name!r} is none "
                "(RFC 6749 §3.3)"
            )
    return tuple(dict.fromkeys(value))


def _keys(value: object) -> tuple[str, ...] | str:
    if isinstance(value, str):
        try:
            if callable(import_string(value)):
                return value
        except ImportError:
            pass  # Said below, with the other ways to get it wrong.
        raise _WrongError("a list of keys, or the dotted path of a callable that returns one")
    if not isinstance(value, (list, tuple)) or not value:
        raise _WrongError("a non-empty list of keys")
    for number, key in enumerate(value, start=1):
        try:
            decode_key(key)
        except ValueError as error:
            raise _WrongError(
                f"a list of base64url keys of {KEY_BYTES} bytes each; key {number}: {error}"
            ) from error
    return tuple(value)


def _endpoint(value: object) -> str:
    return _secure(value, is_secure_endpoint, in_path="letters, digits, '-' and '_'")


def _redirect_uri(value: object) -> str | None:
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
        reason = f"a URL of at most {LONGEST_URL} characters, in its path only {in_path}"
    raise _WrongError(f"{reason}; not {url!r}")


def _hosts(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple)) or not value:
        raise _WrongError("a non-empty list of hosts, such as ['*.actionstep.com']")
    for host in value:
        if not isinstance(host, str) or not is_host_pattern(host):
            raise _WrongError(f"a list of hosts, such as ['*.actionstep.com']; {host!r} is none")
    return tuple(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _WrongError("True or False")
    return value


def _auth_method(value: object) -> str:
    if value not in ("client_secret_post", "client_secret_basic"):
        raise _WrongError("'client_secret_post' or 'client_secret_basic'")
    return str(value)


def _duration(value: object) -> timedelta:
    if not isinstance(value, timedelta) or value <= timedelta(0):
        raise _WrongError("a positive timedelta")
    return value


def _optional_duration(value: object) -> timedelta | None:
    return None if value is None else _duration(value)


def _concurrency(value: object) -> int:
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not 1 <= value <= LARGEST_CONCURRENCY
    ):
        raise _WrongError(f"a whole number from 1 to {LARGEST_CONCURRENCY}")
    return value


def _seconds(value: object) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not 0 < value <= LONGEST_HTTP_TIMEOUT
    ):
        raise _WrongError(f"a number of seconds, more than 0 and at most {LONGEST_HTTP_TIMEOUT}")
    return float(value)


_READERS: dict[str, Callable[[object], object]] = {
    "ENVIRONMENT": _label,
    "CLIENT_ID": _client_id,
    "CLIENT_SECRET": _text,
    "SCOPES": _scopes,
    "ALLOWED_SCOPES": _scopes,
    "ENCRYPTION_KEYS": _keys,
    "REDIRECT_URI": _redirect_uri,
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
    "NOTIFY_USERS": _boolean,
    "EVENT_RETENTION": _duration,
    "POST_CONNECT_URL": _text,
}
_REQUIRED = frozenset({"CLIENT_ID", "CLIENT_SECRET", "SCOPES", "ENCRYPTION_KEYS"})
_BY_ENVIRONMENT = frozenset({"AUTHORIZE_URL", "TOKEN_URL", "API_HOSTS"})


def _unknown(key: object) -> Problem:
    return Problem(
        id="E002",
        message=f"{SETTING} has an unknown key {key!r}.",
        hint=f"Known keys: {', '.join(_READERS)}.",
    )


def _missing(key: str) -> Problem:
    if key in _BY_ENVIRONMENT:
        hint = (
            f"Only {' and '.join(sorted(KNOWN_ENDPOINTS))} have one built in; "
            "any other ENVIRONMENT needs AUTHORIZE_URL, TOKEN_URL and API_HOSTS."
        )
    else:
        hint = _CURES.get(key, f"Add {key!r} to {SETTING}.")
    return Problem(id="E003", message=f"{SETTING}[{key!r}] is missing.", hint=hint)


def _wrong(key: str, requirement: str) -> Problem:
    return Problem(
        id=_WRONG_IDS.get(key, "E004"),
        message=f"{SETTING}[{key!r}] must be {requirement}.",
        hint=_CURES.get(key, "Correct the value in your settings."),
    )


_WRONG_IDS = {
    "ENCRYPTION_KEYS": "E005",
    "AUTHORIZE_URL": "E006",
    "TOKEN_URL": "E006",
    "REDIRECT_URI": "E006",
    "API_HOSTS": "E007",
}
_ENDPOINT_CURE = (
    "Leave it out, unless ENVIRONMENT is a label of your own; http is accepted for 127.0.0.1, "
    "localhost and [::1] only."
)
_CURES = {
    "CLIENT_ID": "Actionstep gives it with the client secret; until then use the sandbox's: sandbox-client.",
    "CLIENT_SECRET": "Actionstep gives it with the client id; until then use the sandbox's: sandbox-secret.",
    "SCOPES": "One name per API resource, such as ['timerecords', 'actions', 'participants'].",
    "ENCRYPTION_KEYS": "If this site had one before, put that back: rows need it. Else make one with "
    "`manage.py actionstep_generate_key` and keep it out of the code.",
    "AUTHORIZE_URL": _ENDPOINT_CURE,
    "TOKEN_URL": _ENDPOINT_CURE,
    "REDIRECT_URI": "Give the absolute URL of the callback as registered with Actionstep, such as "
    "https://your.site/actionstep/callback/; http is accepted for 127.0.0.1, localhost and [::1] only.",
}


def _inconsistencies(config: Config) -> list[Problem]:
    problems = []
    if config.environment in KNOWN_ENDPOINTS:
        expected = KNOWN_ENDPOINTS[config.environment].api_hosts
        if strangers := [host for host in config.api_hosts if host not in expected and ":" in host]:
            problems.append(
                Problem(
                    id="E007",
                    message=f"{SETTING}['API_HOSTS'] trusts {strangers[0]!r} in {config.environment}.",
                    hint="Give a sandbox an ENVIRONMENT label of its own, such as 'sandbox'.",
                )
            )
    if outside := missing_scopes(config.scopes, config.allowed_scopes):
        problems.append(
            Problem(
                id="E008",
                message=f"{SETTING}['SCOPES'] asks for {outside[0]!r}, which ALLOWED_SCOPES lacks.",
                hint="Add it to ALLOWED_SCOPES, or leave ALLOWED_SCOPES out.",
            )
        )
    if config.warn_before >= config.refresh_token_lifetime:
        problems.append(
            Problem(
                id="E009",
                message=f"{SETTING}['WARN_BEFORE'] is not shorter than REFRESH_TOKEN_LIFETIME.",
                hint="Every connection would be flagged from its first minute; 7 of 21 days is usual.",
            )
        )
    elif (
        config.idle_after is not None
        and config.idle_after
        >= (config.refresh_token_lifetime - config.warn_before) * IDLE_RENEWAL_SHARE
    ):
        problems.append(
            Problem(
                id="E010",
                message=f"{SETTING}['IDLE_AFTER'] would let an idle renewal fall inside WARN_BEFORE.",
                hint="Make IDLE_AFTER shorter, or WARN_BEFORE.",
            )
        )
    return problems
