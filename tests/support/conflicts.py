"""Conflicts of transactions, as Django reports them."""

from django.db import OperationalError


class SerializationError(Exception):
    """What psycopg raises."""

    sqlstate = "40001"


def conflict(cause: Exception | None = None) -> OperationalError:
    """Return what Django makes of a conflict."""
    error = OperationalError("could not serialize access due to concurrent update")
    error.__cause__ = cause or SerializationError()
    return error
