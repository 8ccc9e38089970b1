"""Outside the caller's transaction: what a refresh stores stays, whatever the caller's view does.

On PostgreSQL and MySQL a refresh inside a transaction runs in a thread, on a connection of its own.
A block opened by Django's TestCase is no caller's transaction: there the caller's connection is used,
for no other sees its rows. SQLite has one writer for the whole file: waiting for a transaction that
waits for us would never end, so nothing is sent.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import connections

from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.database import database

T = TypeVar("T")

SQLITE_RETRY_AFTER = 60.0  # seconds: by then a worker has refreshed it


def in_callers_transaction() -> bool:
    """Say whether this thread is inside a transaction that is not a TestCase's."""
    connection = connections[database()]
    return connection.in_atomic_block and not in_test_case()


def in_test_case() -> bool:
    """Say whether Django's TestCase opened a block anywhere in this thread's stack."""
    return any(
        getattr(block, "_from_testcase", False) for block in connections[database()].atomic_blocks
    )


def outside_transaction(work: Callable[[], T]) -> T:
    """Run `work` so that what it writes commits at once, and return its result.

    Raises TemporarilyUnavailable, before anything is done, in a transaction on SQLite.
    """
    if not in_callers_transaction():
        return work()
    if connections[database()].vendor == "sqlite":
        raise TemporarilyUnavailable(
            "A token cannot be refreshed inside a transaction on SQLite. Ask for it before the "
            "transaction begins, or use PostgreSQL.",
            code="in_transaction",
            retry_after=SQLITE_RETRY_AFTER,
        )
    with ThreadPoolExecutor(1, thread_name_prefix="actionstep") as thread:
        return thread.submit(_on_own_connections, work).result()


async def aoutside_transaction(work: Callable[[], T]) -> T:
    """Do what `outside_transaction` does, in async code.

    The thread runs to its end even if the caller is cancelled: an answer under way is stored.
    """
    if await sync_to_async(in_test_case)():
        return await sync_to_async(work)()
    return await sync_to_async(_on_own_connections, thread_sensitive=False)(work)


def _on_own_connections(work: Callable[[], T]) -> T:
    try:
        return work()
    finally:
        connections.close_all()
