"""Connections as CSV: streamed, without secrets, and harmless to a spreadsheet."""

import csv
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet

from actionstep_connect.models import Connection
from actionstep_connect.users import email_of

#: Where a formula would begin (OWASP: CSV injection). A spreadsheet may divide lines at another
#: separator than the comma, and then takes no notice of quotes, so each separator begins a cell.
#: The last four are the wide forms of the same signs, which Excel takes for them.
FORMULA = re.compile(r"^(?=[\t\r\n])|(^|[,;|\t\r\n])(?=[\s\"]*[=+\-@\uff1d\uff0b\uff0d\uff20])")
CHUNK = 2000

COLUMNS = (
    *(
        "user",
        "email",
        "organisation",
        "organisation_name",
        "environment",
        "status",
        "reason",
        "scopes",
    ),
    *("access_token_expires_at", "refresh_token_expires_at", "refresh_at", "flagged_at"),
    *("consecutive_failures", "last_error", "last_failed_at"),
    *("connected_at", "last_refreshed_at", "last_used_at", "client_id", "api_endpoint", "id"),
)


class _Line:
    """A file that gives each line back as it is written."""

    def write(self, line: str) -> str:
        return line


def lines(connections: QuerySet[Connection]) -> Iterator[str]:
    """Yield a heading and a line for each connection; times are UTC, in ISO 8601."""
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for connection in connections.select_related("user").iterator(chunk_size=CHUNK):
        yield writer.writerow([_cell(value) for value in _values(connection)])


def _values(connection: Connection) -> Iterator[Any]:
    user = connection.user
    own = {
        "user": user.get_username(),
        "email": email_of(user),
        "organisation": connection.orgkey,
        "reason": connection.get_status_reason_display(),
        "scopes": " ".join(connection.granted_scopes),
    }
    for name in COLUMNS:
        yield own[name] if name in own else getattr(connection, name)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return FORMULA.sub(r"\1'", "" if value is None else str(value))
