"""What Django asks before it deletes connections, with the names of their users."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import prefetch_related_objects
from django.utils.html import escape
from django.utils.safestring import mark_safe

from actionstep_connect.models import Connection

#: The key of a connection, within the address of its page.
KEY = re.compile(r"/([0-9a-f]{8}-[0-9a-f-]{27})/")


def with_names(found: list[Any], connections: Iterable[Connection]) -> list[Any]:
    """Return what Django found, each connection's entry with its user's name instead of the key."""
    rows = [*connections]
    prefetch_related_objects(rows, "user")
    by_key = {str(row.pk): row for row in rows}
    return [_named(entry, by_key) for entry in found]


def _named(entry: Any, by_key: Mapping[str, Connection]) -> Any:
    # Between them are lists of what goes with a connection.
    match = KEY.search(entry) if isinstance(entry, str) else None
    row = by_key.get(match[1]) if match else None
    if row is None:
        return entry
    name = f"{row.user.get_username()}, {row.organisation} ({row.environment})"
    return mark_safe(entry.replace(escape(str(row)), escape(name)))  # noqa: S308 - Both are escaped.
