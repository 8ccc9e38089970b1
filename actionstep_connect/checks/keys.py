"""Checks of ENCRYPTION_KEYS: that they can be read, cannot be guessed, and open what is stored."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connections as database_connections
from django.db import router
from django.utils.module_loading import import_string

from actionstep_connect.check_ids import CheckId
from actionstep_connect.conf import (
    SETTING,
    decode_key,
    find_problems,
    get_config,
    get_django_settings,
)
from actionstep_connect.crypto import fetch_keys, get_key_ring
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.keys import missing_keys
from actionstep_connect.models import Connection

#: Keys that anybody can read in this package's documentation and tests.
PUBLISHED_KEYS = frozenset({"-B98RAPwxp5ynRQYDxmRFEGBsLQes2BsK-pSwti5eBk="})
#: Fewer different bytes than this among 32 random ones happen once in 10^16 keys.
MIN_DIFFERENT_BYTES = 16


def check_keys_module(**_: Any) -> list[CheckMessage]:
    """Name a callable for the keys whose module fails when it is imported."""
    return [] if find_problems() else list(_keys_module_problems())


def check_keys(**_: Any) -> list[CheckMessage]:
    """Report keys that can be guessed. A callable is asked for its keys."""
    return [] if find_problems() else list(_key_problems())


def check_stored_keys(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Name keys that rows use and the key ring lacks, when asked for the database that has the rows."""
    alias = router.db_for_write(Connection)
    if alias not in (databases or ()) or find_problems():
        return []
    if Connection._meta.db_table not in database_connections[alias].introspection.table_names():
        return []  # `migrate` checks before it makes the tables.
    return list(_stored_key_problems())


def _keys_module_problems() -> Iterator[CheckMessage]:
    keys = get_config().encryption_keys
    if not isinstance(keys, str):
        return
    try:
        import_string(keys)
    except Exception as error:  # noqa: BLE001 - a site's own module may raise anything.
        yield checks.Warning(
            f"{SETTING}['ENCRYPTION_KEYS'] is {keys!r}, and importing it raised {type(error).__name__}.",
            hint="Until it can be imported no token is opened, refreshed or stored. See what it needs, "
            "such as an environment variable: `python manage.py shell -c 'import "
            f"{keys.rpartition('.')[0]}'`.",
            id=CheckId.KEYS_MODULE_FAILS.full,
        )


def _key_problems() -> Iterator[CheckMessage]:
    try:
        get_key_ring()
        keys = [decode_key(key) for key in fetch_keys()]
    except (ImproperlyConfigured, TemporarilyUnavailable) as error:
        yield _unusable_keys(str(error))
        return
    for number, key in enumerate(keys, start=1):
        if weakness := _weakness(key):
            yield Error(
                f"Key {number} of {SETTING}['ENCRYPTION_KEYS'] {weakness}.",
                hint="Put a key of `manage.py actionstep_generate_key` in front of it, and take it "
                "out once no row is sealed with it any more.",
                id=CheckId.WEAK_KEY.full,
            )


def _stored_key_problems() -> Iterator[CheckMessage]:
    try:
        missing = missing_keys()
    except (ImproperlyConfigured, TemporarilyUnavailable) as error:
        yield Error(
            f"Could not check whether the keys match the stored data. {error}",
            hint="Make the callable return a list of keys, then run this check again.",
            id=CheckId.KEYS_NOT_COMPARED.full,
        )
        return
    for name, rows in missing.items():
        yield Error(
            f"{rows} stored row(s) need key {name!r}, which {SETTING}['ENCRYPTION_KEYS'] lacks: "
            "their tokens cannot be opened.",
            hint="Put that key back, behind the first one, and run `manage.py actionstep_rotate_keys`. "
            "If it is lost, disconnect these connections; their users then connect again.",
            id=CheckId.KEY_LACKING.full,
        )


def _unusable_keys(message: str) -> CheckMessage:
    hint = "Make the callable return a list of keys made with `manage.py actionstep_generate_key`."
    return Error(message, hint=hint, id=CheckId.KEYS_UNUSABLE.full)


def _weakness(key: bytes) -> str:
    if key in {decode_key(published) for published in PUBLISHED_KEYS}:
        return "is the example key from this package's documentation"
    if key in {sha256(secret.encode()).digest() for secret in get_django_settings().secret_keys}:
        return "is derived from SECRET_KEY, so that one leak gives both away"
    if len(set(key)) < MIN_DIFFERENT_BYTES:
        return "repeats itself, so it is not random"
    if len({(after - before) % 256 for before, after in pairwise(key)}) == 1:
        return "is a counting sequence"
    if key.isascii() and key.decode().isprintable():
        return "is readable text, so it is not random"
    return ""
