"""Opening an access token for use, and ending a connection whose tokens can never be opened.

A missing key is the site's trouble: nothing changes, and the token opens once the key is back. A key
that is there and does not open means that the row was altered, or moved to another user: its user is
led to connect again.
"""

from contextlib import suppress
from datetime import UTC, datetime

from asgiref.sync import sync_to_async

from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import (
    DecryptionFailed,
    NotConnected,
    ReconnectRequired,
    TemporarilyUnavailable,
)
from actionstep_connect.flows.database import commit_independently, primary_connections
from actionstep_connect.flows.events import ConnectionChange, announce, write_with_events
from actionstep_connect.flows.refresh.store import UNREADABLE_ERROR, ending_events
from actionstep_connect.models import Connection, Status, StatusReason
from actionstep_connect.secret import Secret


def open_for_use(connection: Connection) -> Secret:
    """Open the access token of `connection`, whose user is active.

    Raises NotConnected, ReconnectRequired, and DecryptionFailed where a key is missing.
    """
    token = _open(connection)
    if token is None:
        # In a transaction on SQLite the next use or run ends it.
        with suppress(TemporarilyUnavailable):
            token = commit_independently(lambda: _open_or_end(connection))
    return _opened(token)


async def aopen_for_use(connection: Connection) -> Secret:
    """Do what `open_for_use` does, in async code."""
    if not connection.is_user_known():
        await sync_to_async(connection.check_user)()
    token = _open(connection)
    if token is None:
        with suppress(TemporarilyUnavailable):
            token = await sync_to_async(commit_independently)(lambda: _open_or_end(connection))
    return _opened(token)


def _open(connection: Connection) -> Secret | None:
    """Return the access token; None if its key is there and does not open it."""
    try:
        return connection.open_access_token()
    except DecryptionFailed as error:
        if error.code != ErrorCode.UNREADABLE:
            raise
        return None


def _open_or_end(connection: Connection) -> Secret | None:
    """Open what the primary holds, or end the connection and return None: an error would undo that."""
    rows = primary_connections().filter(pk=connection.pk)
    try:
        connection.refresh_from_db(from_queryset=rows)
    except Connection.DoesNotExist:
        raise NotConnected("This connection no longer exists.") from None
    if (token := _open(connection)) is not None:
        return token
    reason = StatusReason.UNREADABLE
    change = ConnectionChange(connection, ending_events(connection, reason))
    values = {
        "status": Status.RECONNECT_REQUIRED,
        "status_reason": reason,
        "refresh_at": None,
        "last_error": UNREADABLE_ERROR,
        "last_failed_at": datetime.now(UTC),
    }
    unchanged = rows.filter(generation=connection.generation, status=Status.CONNECTED)
    if write_with_events(change, lambda: unchanged.update(**values) == 1):
        connection.refresh_from_db(from_queryset=rows)
        announce(change)
    return None


def _opened(token: Secret | None) -> Secret:
    if token is None:
        raise ReconnectRequired(
            "The tokens of this connection cannot be decrypted: the user has to connect again."
        )
    return token
