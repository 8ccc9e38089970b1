"""Log records: a line for people, and the same as fields for machines. All go to one logger.

Each record carries `event` (a name of `LogEvent`) and its fields as attributes, so that a JSON
formatter prints them as they are. A connection is named by its id; `fingerprint`, the first eight
characters of that, is enough to follow it. No field may hold a token, a code or a secret.
"""

import logging
import re
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Any
from uuid import UUID

logger = logging.getLogger("actionstep_connect")

FINGERPRINT_LENGTH = 8


class LogEvent(StrEnum):
    """What a record tells. docs/logging.md says of each what it means and what to do."""

    RUN = "actionstep_connect.run"
    ORPHANED = "actionstep_connect.orphaned"
    REFRESH = "actionstep_connect.refresh"
    CHANGE = "actionstep_connect.change"
    CONNECT_FAILED = "actionstep_connect.connect_failed"
    STORE_REPEATED = "actionstep_connect.store_repeated"
    STORE_FAILED = "actionstep_connect.store_failed"
    UNFORESEEN = "actionstep_connect.unforeseen"
    MESSAGE_EXPIRED = "actionstep_connect.message_expired"
    NOT_ANNOUNCED = "actionstep_connect.not_announced"
    SHORT_LIVED = "actionstep_connect.short_lived"
    CONNECTION_GONE = "actionstep_connect.connection_gone"
    RECEIVER_FAILED = "actionstep_connect.receiver_failed"
    NOT_COUNTED = "actionstep_connect.not_counted"
    NOT_RECORDED = "actionstep_connect.not_recorded"
    BACKLOG_NOT_SHARED = "actionstep_connect.backlog_not_shared"
    RATE_LIMITS_NOT_SHARED = "actionstep_connect.rate_limits_not_shared"
    METRICS_UNAVAILABLE = "actionstep_connect.metrics_unavailable"
    NOT_REMINDED = "actionstep_connect.not_reminded"
    REMINDER_FAILED = "actionstep_connect.reminder_failed"
    MAIL_SERVER_FAILED = "actionstep_connect.mail_server_failed"
    KEY_MISSING = "actionstep_connect.key_missing"
    KEYS_UNAVAILABLE = "actionstep_connect.keys_unavailable"
    KEYS_UNKNOWN = "actionstep_connect.keys_unknown"
    NAME_NOT_KEPT = "actionstep_connect.name_not_kept"
    OTHER_QUEUE = "actionstep_connect.other_queue"
    HOOK = "actionstep_connect.hook"
    HOOKS_FAILED = "actionstep_connect.hooks_failed"
    CALL_UNREADABLE = "actionstep_connect.call_unreadable"
    CALL_NOT_STORED = "actionstep_connect.call_not_stored"
    CHANGE_DELIVERED = "actionstep_connect.change_delivered"
    CHANGE_POSTPONED = "actionstep_connect.change_postponed"
    CHANGE_SET_ASIDE = "actionstep_connect.change_set_aside"
    NOT_WOKEN = "actionstep_connect.not_woken"
    EXTENSION_FAILED = "actionstep_connect.extension_failed"


def fingerprint(connection_id: UUID) -> str:
    """Return what is enough of a connection's id to follow it through logs."""
    return connection_id.hex[:FINGERPRINT_LENGTH]


def log(
    level: int,
    event: LogEvent,
    note: str = "",
    *,
    connection: UUID | None = None,
    with_traceback: bool = False,
    **fields: str | float | None,
) -> None:
    """Write one record: `event connection=… field=… note`, and all of them as its attributes.

    `with_traceback` adds that of the exception being handled. The caller is who the record names.
    """
    if not logger.isEnabledFor(level):
        return
    extra: dict[str, object] = {"event": event.value, **fields}
    shown: dict[str, object] = dict(fields)
    if connection is not None:
        extra |= {"connection_id": str(connection), "fingerprint": fingerprint(connection)}
        shown = {"connection": connection, **shown}
    # The names are the template and the values its arguments, so that like records are grouped.
    template = " ".join((event.value, *(f"{name}=%s" for name in shown), *(["%s"] * bool(note))))
    values = (*map(_on_one_line, shown.values()), *([_on_one_line(note)] * bool(note)))
    logger.log(level, template, *values, extra=extra, exc_info=with_traceback, stacklevel=2)


#: What Actionstep puts into the address of a callback (RFC 6749 §4.1.2), as servers log it.
_IN_ADDRESS = re.compile(r"(?<=[?&])(code|state)=[^&\s\"'#]+")
#: The same where a query may stand alone, as in Gunicorn's `%(q)s`.
_IN_QUERY = re.compile(r"(\A|(?<=[?&]))(code|state)=[^&\s\"'#]+")
#: The secret in an address that Actionstep calls (`hooks.addresses`), wherever it is written.
HOOK_SECRET = r"ash_[A-Za-z0-9_-]{22}"  # noqa: S105 - how one looks.
_HOOK_SECRET = re.compile(HOOK_SECRET)


def without_hook_secrets(text: str) -> str:
    """Return `text` without the secrets of hooks' addresses, which Actionstep may have put into it."""
    return _HOOK_SECRET.sub("ash_…", text)


class HideAuthorizationCodes(logging.Filter):
    """Take codes, states and hooks' secrets out of the addresses that a Python web server logs.

    To be named in LOGGING, on the handler of `django.server`, `gunicorn.access` or `uvicorn.access`.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, without the values of `code` and `state`, and without hooks' secrets."""
        record.msg = _without_answer(record.msg)
        if isinstance(record.args, MutableMapping):  # Gunicorn's, which fills in what it lacks.
            for name, value in record.args.items():
                record.args[name] = _without_answer(value, in_query=True)
        elif record.args:
            record.args = tuple(map(_without_answer, record.args))
        return True


def hide_authorization_codes(event: Any, _hint: object = None) -> Any:
    """Return an event of a monitoring product without codes, states and hooks' secrets, however deep.

    For Sentry's `before_send` and `before_send_transaction`: Sentry reads a request's address before
    Django, and this package with it, is asked.
    """
    if isinstance(event, MutableMapping):
        for name, value in event.items():
            event[name] = hide_authorization_codes(value)
        return event
    if isinstance(event, list | tuple):
        return [hide_authorization_codes(each) for each in event]
    return _without_answer(event, in_query=True)


def _without_answer(value: object, *, in_query: bool = False) -> object:
    if not isinstance(value, str):
        return value
    value = without_hook_secrets(value)
    return _IN_QUERY.sub(r"\1\2=…", value) if in_query else _IN_ADDRESS.sub(r"\1=…", value)


_is_ours: ContextVar[bool] = ContextVar("actionstep_connect_request", default=False)


@contextmanager
def without_queries() -> Iterator[None]:
    """Keep queries out of what httpx2 logs of the requests in this block: they hold clients' names."""
    token = _is_ours.set(True)
    try:
        yield
    finally:
        _is_ours.reset(token)


def _leave_out_query(record: logging.LogRecord) -> bool:
    if _is_ours.get() and isinstance(record.args, tuple):
        record.args = tuple(
            value if value is None or isinstance(value, int) else str(value).partition("?")[0]
            for value in record.args
        )
    return True


# httpx2 logs the address of each request at INFO. A site's own requests are logged as before.
logging.getLogger("httpx2").addFilter(_leave_out_query)


def _on_one_line(value: object) -> str:
    text = "-" if value in (None, "") else str(value)
    return text if text.isprintable() else ascii(text)
