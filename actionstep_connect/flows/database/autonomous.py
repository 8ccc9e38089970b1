"""Autonomous work: it commits whatever the caller's transaction does, and goes on if the caller leaves.

It runs in a thread of one executor for each process, which takes along the caller's context variables
and place, on one of the few database connections of this package's own (`lines`). A caller waits
briefly for a connection, and then fails: it may itself hold the one that is missing.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from typing import Any, TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from actionstep_connect.conf import get_config
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.conflicts import is_conflict
from actionstep_connect.flows.database.lines import (
    CONNECTION_TIMEOUT,
    MAX_EXCHANGES,
    open_at,
    own_process,
)
from actionstep_connect.flows.database.place import Place, at
from actionstep_connect.flows.database.primary import DATABASE_UNAVAILABLE, in_callers_transaction
from actionstep_connect.flows.database.refusals import (
    busy,
    no_connection,
    out_of_sight,
    refuse_on_sqlite,
    under_way,
)
from actionstep_connect.flows.database.retries import Backoff
from actionstep_connect.logs import LogEvent, log

A = TypeVar("A")
T = TypeVar("T")

MAX_LINE = 10.0  # seconds to wait for a connection that serves other callers meanwhile
STORE_TIMEOUT = 5.0  # seconds that a caller waits for the store of an answer; the store goes on


class OwnConnection:
    """A connection of this package's own, which claims and stores for one refresh."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._process = own_process()
        self._line = self._process.join_line(place.alias)
        self._taken = threading.Lock()  # Acquired once: to send, or to give up.
        self._is_given_up = False
        self._looked: Future[None] = Future()
        self._answered: Future[None] = Future()

    def run(self, work: Callable[[], T]) -> T:
        """Do database work that commits at once.

        Raises TemporarilyUnavailable if there is no connection, or it does not reach the place, and
        a conflict with another transaction as it is.
        """
        try:
            with self._line.lent(self._place, timeout=CONNECTION_TIMEOUT) as connection:
                self._prove(connection)
                return work()
        except DATABASE_UNAVAILABLE as error:
            if is_conflict(error):
                raise
            raise no_connection() from error
        finally:
            _reach(self._looked)

    def tell(self, work: Callable[[], None]) -> None:
        """Do database work that may fail without undoing anything."""
        try:
            with self._line.lent(self._place, is_atomic=False):
                work()
        except DATABASE_UNAVAILABLE as error:
            # The answer is stored, and the next run announces what is not.
            log(logging.WARNING, LogEvent.NOT_ANNOUNCED, error=type(error).__name__)

    def check_room(self) -> None:
        """Raise TemporarilyUnavailable while too many requests are in flight."""
        if self._process.is_full():
            raise busy(f"{MAX_EXCHANGES} other connections are being refreshed in this process.")

    def exchange(self, request: Callable[[], A], store: Callable[[A], T], *, unsent: A) -> T:
        """Store what `request` answers, or `unsent` if the caller has given up waiting."""
        answer = unsent
        if self._taken.acquire(blocking=False):
            with self._process.exchanging():
                answer = request()
        _reach(self._answered)
        retries = Backoff()
        while True:
            try:
                with self._line.lent(self._place):
                    return store(answer)
            except DATABASE_UNAVAILABLE as error:
                retries.pause(error)

    def leave(self) -> None:
        """Let others have the connection."""
        self._process.leave_line(self._line)

    def begin(self, work: "Callable[[OwnConnection], T]") -> "Future[T]":
        """Begin `work` in a thread. Raises TemporarilyUnavailable if there is none."""
        try:
            done = self._process.executor.submit(copy_context().run, self._carry_out, work)
        except RuntimeError:  # No thread can be started, or the process is about to end.
            self._give_up()
            self.leave()
            raise busy("No thread can be started to refresh this connection.") from None
        done.add_done_callback(lambda _: self.leave())
        return done

    def stages(
        self, done: "Future[Any]", *, max_wait: float | None
    ) -> "Iterator[tuple[Future[Any], float | None]]":
        """Yield what to wait for beside `done`, and for how many seconds at most.

        `max_wait` is how long an answer of Actionstep's may take; None waits for it. Raises
        TemporarilyUnavailable when something takes too long.
        """
        begun = time.monotonic()
        yield self._looked, CONNECTION_TIMEOUT
        while not (self._looked.done() or done.done()) and self._line.is_moving():
            if time.monotonic() - begun > MAX_LINE:
                break
            yield self._looked, CONNECTION_TIMEOUT
        if not (self._looked.done() or done.done()) and self._give_up():
            done.cancel()
            raise no_connection()
        yield self._answered, max_wait
        if not (self._answered.done() or done.done()):
            self._give_up()
            raise under_way("Actionstep has not answered yet")
        yield done, STORE_TIMEOUT
        if not done.done():
            raise under_way("Actionstep has answered, and the database cannot be written to yet")

    def outlast(self, done: "Future[Any]") -> None:
        """Wait until what was sent is stored, and what was not is given back.

        For a caller that an exception strikes, whose process may end with it.
        """
        if self._give_up():
            done.cancel()
        wait((done,), get_config().http_timeout + STORE_TIMEOUT)

    def _carry_out(self, work: "Callable[[OwnConnection], T]") -> T:
        try:
            with at(self._place, is_own=True):
                return work(self)
        finally:
            connections.close_all()  # Those that a site's receivers opened in this thread.

    def _give_up(self) -> bool:
        if self._taken.acquire(blocking=False):
            self._is_given_up = True
            return True
        return False

    def _prove(self, connection: BaseDatabaseWrapper) -> None:
        if self._is_given_up:
            raise no_connection()
        if not self._line.sees(self._place, connection):
            raise out_of_sight()


def autonomously(
    place: Place, work: Callable[[OwnConnection], T], *, max_wait: float | None = None
) -> T:
    """Do `work` on a connection of this package's own, and return its result.

    Raises TemporarilyUnavailable where there is none, or where `work` takes longer than its caller
    can wait: what was sent is stored nevertheless. What strikes the caller meanwhile, such as a time
    limit, is raised once that is done.
    """
    own = OwnConnection(place)
    done = own.begin(work)
    try:
        for stage, seconds in own.stages(done, max_wait=max_wait):
            _wait_for_either(stage, done, seconds)
    except TemporarilyUnavailable:
        raise
    except BaseException:
        own.outlast(done)
        raise
    return done.result()


async def aautonomously(
    place: Place, work: Callable[[OwnConnection], T], *, max_wait: float | None = None
) -> T:
    """Do what `autonomously` does, in async code. It goes on if the caller is cancelled."""
    own = OwnConnection(place)
    done = own.begin(work)
    try:
        for stage, seconds in own.stages(done, max_wait=max_wait):
            await _wait_for_any(stage, done, seconds=seconds)
    except asyncio.CancelledError:
        if not done.cancel():
            outlasting = asyncio.get_running_loop().create_task(_outlast(done))
            _outlasting.add(outlasting)
            outlasting.add_done_callback(_outlasting.discard)
        raise
    return done.result()


async def _wait_for_any(*futures: "Future[Any]", seconds: float | None) -> None:
    # Not with asyncio.wrap_future: to give up waiting for such a one cancels what it waits for.
    loop, is_any_done = asyncio.get_running_loop(), asyncio.Event()

    def wake(_: "Future[Any]") -> None:
        with suppress(RuntimeError):  # The loop has ended meanwhile.
            loop.call_soon_threadsafe(is_any_done.set)

    for each in futures:
        each.add_done_callback(wake)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await is_any_done.wait()


async def _outlast(done: "Future[Any]") -> None:
    # So that a loop which ends, and cancels what is left, waits for an answer under way.
    while not done.done():
        with suppress(asyncio.CancelledError):
            await _wait_for_any(done, seconds=None)


_outlasting: "set[asyncio.Task[None]]" = set()  # A loop holds its tasks by weak references only.


def commit_independently(work: Callable[[], T]) -> T:
    """Do short database work so that it commits apart from the caller's transaction.

    Raises TemporarilyUnavailable as `apart` does.
    """
    if not in_callers_transaction():
        return work()
    refuse_on_sqlite("Nothing can be stored")
    return autonomously(Place.of_caller(), lambda own: own.run(work))


def apart(work: Callable[[], T], *, what: str, stop: Callable[[], None]) -> T:
    """Do `work`, which may take long, so that it commits apart from the caller's transaction.

    In a caller's transaction it runs in a thread, on connections of that thread's. `stop` asks it to
    end soon, when an exception strikes the caller. Raises TemporarilyUnavailable before anything is
    done: on SQLite (`what` completes the message), without a second connection, or if that does not
    reach the caller's place.
    """
    if not in_callers_transaction():
        return work()
    refuse_on_sqlite(what)
    place = Place.of_caller()
    begun: Future[None] = Future()
    taken = threading.Lock()

    def job() -> T:
        try:
            with at(place, is_own=True):
                _enter(place)
                if not taken.acquire(blocking=False):
                    raise no_connection()
                _reach(begun)
                return work()
        finally:
            connections.close_all()

    executor = ThreadPoolExecutor(1, thread_name_prefix="actionstep")
    try:
        done = executor.submit(copy_context().run, job)
    except RuntimeError:  # No thread can be started, or the process is about to end.
        raise busy("No thread can be started to work outside the transaction.") from None
    finally:
        executor.shutdown(wait=False)
    try:
        _wait_for_either(begun, done, CONNECTION_TIMEOUT)
        if begun.done() or done.done() or not taken.acquire(blocking=False):
            return done.result()
    except TemporarilyUnavailable:
        raise
    except BaseException:
        stop()
        wait((done,))
        raise
    raise no_connection()


def _enter(place: Place) -> None:
    connection = connections[place.alias]
    try:
        open_at(place, connection)
        is_seen = place.is_seen_by(connection)
    except DATABASE_UNAVAILABLE as error:
        raise no_connection() from error
    if not is_seen:
        raise out_of_sight()


def _wait_for_either(stage: "Future[Any]", done: "Future[Any]", seconds: float | None) -> None:
    wait((stage, done), seconds, FIRST_COMPLETED)


def _reach(stage: "Future[None]") -> None:
    if not stage.done():
        stage.set_result(None)
