"""Log records: a line for people, and the same as fields for machines. All go to one logger.

Each record carries `event` (a name of `LogEvent`) and its fields as attributes, so that a JSON
formatter prints them as they are. A connection is named by its id; `fingerprint`, the first eight
characters of that, is enough to follow it. No field may hold a token, a code or a secret.
"""

import logging
import re
from collections.abc import MutableMapping
from enum import StrEnum
from uuid import UUID

logger = logging.getLogger("actionstep_connect")

FINGERPRINT_LENGTH = 8


class LogEvent(StrEnum):
    """What a record tells. docs/logging.md says of each what it means and what to do."""

    RUN = "actionstep_connect.run"
    STRANDED = "actionstep_connect.stranded"
    REFRESH = "actionstep_connect.refresh"
    CHANGE = "actionstep_connect.change"
    CONNECT_FAILED = "actionstep_connect.connect_failed"
    STORE_REPEATED = "actionstep_connect.store_repeated"
    STORE_FAILED = "actionstep_connect.store_failed"
    UNFORESEEN = "actionstep_connect.unforeseen"
    CONNECTION_GONE = "actionstep_connect.connection_gone"
    RECEIVER_FAILED = "actionstep_connect.receiver_failed"
    NOT_TALLIED = "actionstep_connect.not_tallied"
    NOT_NOTED = "actionstep_connect.not_noted"
    NOT_SHARED = "actionstep_connect.not_shared"
    NOT_MEASURED = "actionstep_connect.not_measured"
    NOT_REMINDED = "actionstep_connect.not_reminded"
    REMINDER_FAILED = "actionstep_connect.reminder_failed"
    MAIL_SERVER_FAILED = "actionstep_connect.mail_server_failed"
    KEY_MISSING = "actionstep_connect.key_missing"
    KEYS_UNAVAILABLE = "actionstep_connect.keys_unavailable"
    KEYS_UNKNOWN = "actionstep_connect.keys_unknown"


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
_ANSWER = re.compile(r"(?<=[?&])(code|state)=[^&\s\"']+")


class HideAuthorizationCodes(logging.Filter):
    """Take codes and states out of the addresses that a Python web server logs.

    To be named in LOGGING, on the handler of `django.server`, `gunicorn.access` or `uvicorn.access`.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, with the values of `code` and `state` gone."""
        record.msg = _without_answer(record.msg)
        if isinstance(record.args, MutableMapping):  # Gunicorn's, which fills in what it lacks.
            for name, value in record.args.items():
                record.args[name] = _without_answer(value)
        elif record.args:
            record.args = tuple(map(_without_answer, record.args))
        return True


def _without_answer(value: object) -> object:
    return _ANSWER.sub(r"\1=…", value) if isinstance(value, str) else value


def _on_one_line(value: object) -> str:
    text = "-" if value in (None, "") else str(value)
    return text if text.isprintable() else ascii(text)
