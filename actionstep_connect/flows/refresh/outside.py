"""Outside the caller's transaction: what a refresh stores stays, whatever the caller's view does.

On PostgreSQL and MySQL a refresh inside a transaction runs in a thread, on a connection of its own.
A block opened by Django's TestCase is no caller's transaction: there the caller's connection is used,
for no other sees its rows. SQLite has one writer for the whole file: waiting for a transaction that
waits for us would never end, so nothing is sent.

Time limits and signals throw their exceptions into the main thread: an exchange never runs there.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import connections

from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.database import database

A = TypeVar("A")
T = TypeVar("T")

IN_TRANSACTION = "in_transaction"

SQLITE_RETRY_AFTER = 60.0  # seconds: by then a worker has refreshed it


def in_callers_transaction() -> bool:
    """Say whether this thread is inside a transaction that is not a TestCase's."""
    connection = connections[database()]
    if in_test_case():
        return False
    is_open = connection.connection is not None
    return connection.in_atomic_block or (is_open and not connection.get_autocommit())


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
    _refuse_on_sqlite()
    with ThreadPoolExecutor(1, thread_name_prefix="actionstep") as thread:
        return thread.submit(_on_own_connections, work).result()


async def aoutside_transaction(work: Callable[[], T]) -> T:
    """Do what `outside_transaction` does, in async code.

    The thread runs to its end even if the caller is cancelled: an answer under way is stored.
    """
    if await sync_to_async(_must_stay)():
        return await sync_to_async(work)()
    return await sync_to_async(_on_own_connections, thread_sensitive=False)(work)


def undisturbed(request: Callable[[], A], store: Callable[[A], T]) -> T:
    """Store what `request` answers, where no exception can be thrown in between.

    A soft time limit of Celery's, or a server's time-out, waits until it is over.
    """
    if threading.current_thread() is not threading.main_thread() or in_test_case():
        return store(request())
    is_sqlite = connections[database()].vendor == "sqlite"
    with ThreadPoolExecutor(1, thread_name_prefix="actionstep") as thread:
        try:
            if is_sqlite:
                answer = thread.submit(request)
            else:
                stored = thread.submit(_on_own_connections, lambda: store(request()))
        except RuntimeError:  # No thread is to be had; so none will ever take it up.
            return store(request())
        return _store_here(answer, store) if is_sqlite else stored.result()


def _store_here(answer: "Future[A]", store: Callable[[A], T]) -> T:
    # On SQLite nobody else can commit while the caller is in the midst of reading, as in an iterator.
    try:
        wait([answer])
        return store(answer.result())
    except BaseException:  # The limit struck, here or in the store; to store twice does no harm.
        store(answer.result())
        raise


def _must_stay() -> bool:
    if in_test_case():
        return True
    if in_callers_transaction():
        _refuse_on_sqlite()
    return False


def _refuse_on_sqlite() -> None:
    if connections[database()].vendor == "sqlite":
        raise TemporarilyUnavailable(
            "A token cannot be refreshed inside a transaction on SQLite. Ask for it before the "
            "transaction begins, or use PostgreSQL.",
            code=IN_TRANSACTION,
            retry_after=SQLITE_RETRY_AFTER,
        )


def _on_own_connections(work: Callable[[], T]) -> T:
    connection = connections[database()]
    try:
        if not connection.get_autocommit():  # A site may have set AUTOCOMMIT to False.
            connection.set_autocommit(True)
        return work()
    finally:
        connections.close_all()
