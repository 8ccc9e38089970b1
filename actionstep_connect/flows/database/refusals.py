"""Why nothing can be done now: the errors of a database connection that is unavailable, or not the same."""

from django.db import connections

from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.database.primary import primary_alias

SQLITE_RETRY_AFTER = 60.0  # seconds: by then a worker has refreshed it
RETRY_AFTER = 5.0  # seconds


def refuse_on_sqlite(what: str) -> None:
    """Raise TemporarilyUnavailable if the primary is SQLite: `what` cannot be done in a transaction."""
    if connections[primary_alias()].vendor == "sqlite":
        raise TemporarilyUnavailable(
            f"{what} inside a transaction on SQLite. Do it before the transaction begins, or use "
            "PostgreSQL.",
            code=ErrorCode.IN_TRANSACTION,
            retry_after=SQLITE_RETRY_AFTER,
        )


def no_connection() -> TemporarilyUnavailable:
    """Return the error of a caller that gets no second database connection in time."""
    return TemporarilyUnavailable(
        "No second database connection could be opened, so nothing was sent. Inside a "
        "transaction, and in asynchronous code, a refresh needs one: allow more connections, or "
        "do it outside the transaction.",
        code=ErrorCode.NO_DATABASE_CONNECTION,
        retry_after=RETRY_AFTER,
    )


def out_of_sight() -> TemporarilyUnavailable:
    """Return the error of work whose rows another database connection does not see."""
    return TemporarilyUnavailable(
        "A second database connection does not see what this one sees, so nothing was sent. The "
        "row was stored in a transaction that has not ended, or is seen only with a setting of "
        "this session, such as its search path or a row-level security policy's. Do it outside "
        "the transaction, in synchronous code.",
        code=ErrorCode.OUT_OF_SIGHT,
        retry_after=RETRY_AFTER,
    )


def busy(why: str) -> TemporarilyUnavailable:
    """Return the error of a process that can do no more at once."""
    return TemporarilyUnavailable(why, code=ErrorCode.BUSY, retry_after=RETRY_AFTER)


def under_way(why: str) -> TemporarilyUnavailable:
    """Return the error of a caller that cannot wait for what was sent."""
    return TemporarilyUnavailable(
        f"This connection is being refreshed: {why}. What comes is stored.",
        code=ErrorCode.UNDER_WAY,
        retry_after=RETRY_AFTER,
    )
