"""Taking calls in together, each with an outcome of its own: what is wrong with one stops no other.

All this may be done twice, because what was stored before is stored once.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, connections

from actionstep_connect.hooks.flows.intake import Call, Intake, look_up, take_in_all

T = TypeVar("T")


def take_in_each(calls: Sequence[Call]) -> list[Intake | Exception]:
    """Store what calls tell of; return what became of each, or what kept it from being stored."""
    try:
        return [*_on_a_live_connection(lambda: take_in_all(calls))]
    except Exception as error:  # noqa: BLE001 - each call gets its outcome.
        if len(calls) == 1 or _is_about_the_database(error):
            return [error] * len(calls)
        # A subscription was just deleted, or something unforeseen: half of them may do without it.
        middle = len(calls) // 2
        return [*take_in_each(calls[:middle]), *take_in_each(calls[middle:])]


def find_each(secret_hashes: Sequence[str]) -> list[bool]:
    """Return whether each is a subscription's address. Raises DatabaseError."""
    now = datetime.now(UTC)
    found = _on_a_live_connection(lambda: look_up(set(secret_hashes), now=now))
    return [secret_hash in found for secret_hash in secret_hashes]


def _on_a_live_connection(work: Callable[[], T]) -> T:
    """Do `work`, again on a new connection: the one that was kept may be lost, or lead to a standby."""
    try:
        return work()
    except (DatabaseError, InterfaceError) as error:
        if not _is_about_the_database(error):
            raise
        connections.close_all()
        return work()


def _is_about_the_database(error: Exception) -> bool:
    is_about_a_row = isinstance(error, IntegrityError | DataError)
    return isinstance(error, DatabaseError | InterfaceError) and not is_about_a_row
