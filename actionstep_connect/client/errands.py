"""Errands to Django's cache, run by a thread, so that no request waits for a cache that is slow or away.

A cache client may wait forever for its server, and a database for a cache belongs outside the caller's
transaction. One errand that fails or takes too long lets the cache rest; then there are none for a while.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from functools import lru_cache
from typing import Any

from django.core.cache import DEFAULT_CACHE_ALIAS, BaseCache, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.db import connections
from django.utils.module_loading import import_string

from actionstep_connect.forks import after_fork
from actionstep_connect.logs import LogEvent, log

TIMEOUT = 0.1  # seconds that a request waits for an errand
FIRST_TIMEOUT = 0.5  # The first one loads the cache's client.
GRACE = 5.0  # seconds after which even the first errand is late
REST = 30.0  # seconds without errands after one that failed or was late
IDLE = 10.0  # seconds after which the thread ends
MAX_WAITING = 100


def is_cache_shared() -> bool:
    """Return whether other processes see what this one keeps in the default cache."""
    return _is_shared(caches.settings[DEFAULT_CACHE_ALIAS]["BACKEND"])


@lru_cache(maxsize=8)
def _is_shared(backend: str) -> bool:
    return not issubclass(import_string(backend), LocMemCache | DummyCache)


class Errands:
    """The thread, while there is anything to do, and what waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[tuple[Future[Any], Callable[[BaseCache], Any]]] = (
            queue.SimpleQueue()
        )
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None
        self._rests_until = 0.0
        self._is_reported = False
        self._has_begun = False

    def send(self, errand: Callable[[BaseCache], Any]) -> "Future[Any] | None":
        """Have `errand` run with the default cache; None while that rests."""
        now, busy_since = time.monotonic(), self._busy_since
        busy_for = 0.0 if busy_since is None else now - busy_since
        if busy_for > GRACE:
            self._let_rest("too_slow")
        if (
            busy_for > self._timeout
            or now < self._rests_until
            or self._waiting.qsize() >= MAX_WAITING
        ):
            return None
        future: Future[Any] = Future()
        with self._lock:
            self._waiting.put((future, errand))
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="actionstep-cache", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # No thread can be started, as at the end of the process.
                    return None
                self._thread = thread
        return future

    def wait(self, future: "Future[Any] | None") -> Any:
        """Return what came of an errand in time, or None."""
        if future is None:
            return None
        with suppress(FutureTimeoutError):
            return future.result(self._timeout)
        return self._late(future)

    async def await_(self, future: "Future[Any] | None") -> Any:
        """Do what `wait` does, in async code."""
        if future is None or future.done():
            return self.wait(future)
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def tell(_: object) -> None:
            with suppress(RuntimeError):  # The loop has been closed.
                loop.call_soon_threadsafe(done.set)

        future.add_done_callback(tell)
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), self._timeout)
        return future.result() if future.done() else self._late(future)

    @property
    def _timeout(self) -> float:
        return TIMEOUT if self._has_begun else FIRST_TIMEOUT

    def _late(self, future: "Future[Any]") -> Any:
        if self._has_begun:
            self._let_rest("too_slow")
        return future.result() if future.done() else None

    def _let_rest(self, error: str) -> None:
        self._rests_until = time.monotonic() + REST
        if not self._is_reported:
            self._is_reported = True
            log(logging.WARNING, LogEvent.RATE_LIMITS_NOT_SHARED, error=error)

    def _run(self) -> None:
        while True:
            try:
                future, errand = self._waiting.get(timeout=IDLE)
            except queue.Empty:
                with self._lock:
                    if self._waiting.empty():
                        self._thread = None
                        return
                continue
            self._busy_since = began_at = time.monotonic()
            result = self._result_of(errand)
            now = time.monotonic()
            if now - began_at <= TIMEOUT and now >= self._rests_until:
                self._is_reported = False
            # Before the answer, after which another errand may be sent at once.
            self._busy_since, self._has_begun = None, True
            future.set_result(result)

    def _result_of(self, errand: Callable[[BaseCache], Any]) -> Any:
        try:
            return errand(caches[DEFAULT_CACHE_ALIAS])
        except Exception as error:  # noqa: BLE001 - a cache's client may raise anything.
            self._let_rest(type(error).__name__)
            return None
        finally:
            # Where the cache is a database, none of this thread's connections outlives its errand.
            connections.close_all()


def errands() -> Errands:
    """Return those of this process."""
    return _errands


def _begin_anew() -> None:
    global _errands  # noqa: PLW0603 - the thread and its locks are the parent's.
    _errands = Errands()


_errands = Errands()
after_fork(_begin_anew)
