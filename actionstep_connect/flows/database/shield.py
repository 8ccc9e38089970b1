"""Shielding a request from exceptions that strike at any line, such as a time limit's.

Celery's soft time limit and a web server's time-out raise in the main thread, gevent's time-outs in a
green thread. In the midst of a request they would lose the answer, and an error report would show the
frames of HTTP libraries, which hold codes and tokens in the clear. The request therefore runs in a
thread of its own; what it answers is stored by the caller, on the connection that made the claim,
before the exception goes on.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

from actionstep_connect.exceptions import ActionstepConnectError
from actionstep_connect.flows.database.primary import in_test_case

A = TypeVar("A")
T = TypeVar("T")

MAX_TRIES = 5  # An exception that strikes each try to store is no time limit.


class CallersConnection:
    """The caller's own connection, which claims and stores in the caller's thread."""

    def run(self, work: Callable[[], T]) -> T:
        """Do database work."""
        return work()

    def tell(self, work: Callable[[], None]) -> None:
        """Do database work that may fail without undoing anything."""
        work()

    def check_room(self) -> None:
        """Do nothing: the caller's own thread waits for each request."""

    def exchange(self, request: Callable[[], A], store: Callable[[A], T], *, unsent: A) -> T:
        """Store what `request` answers, or `unsent` if it was interrupted before it began."""
        if in_test_case():
            return store(request())
        return shielded(request, store, unsent=unsent)


def shielded(request: Callable[[], A], store: Callable[[A], T], *, unsent: A | None = None) -> T:
    """Run `request` where no exception can be thrown into it, and `store` its answer here.

    Whatever strikes meanwhile is raised after that. `store` is called again if it was struck
    itself, so it must be harmless to repeat. What strikes before the request begins keeps it from
    being sent; then `unsent` is stored, if there is one.
    """
    if not _can_be_interrupted():
        return store(request())
    answer: Future[A] = Future()
    interruption: BaseException | None = None
    for _ in range(MAX_TRIES):
        try:
            if interruption is None:
                _start(answer, request)
            if interruption is None or not answer.cancel():
                stored = store(answer.result())
            elif unsent is None:
                break
            else:
                stored = store(unsent)
        except ActionstepConnectError as error:  # The request's or the store's own.
            interruption = interruption or error
            break
        except BaseException as error:  # noqa: BLE001 - raised below, once the answer is stored.
            interruption = interruption or error
        else:
            break
    if interruption is not None:
        raise interruption
    return stored


def _can_be_interrupted() -> bool:
    thread = threading.current_thread()
    # Threads that were not started by `threading` are those of gevent, eventlet, or a server in C.
    return thread is threading.main_thread() or isinstance(thread, threading._DummyThread)


def _start(answer: "Future[A]", request: Callable[[], A]) -> None:
    thread = threading.Thread(
        target=copy_context().run, args=(_settle, answer, request), name="actionstep-exchange"
    )
    try:
        thread.start()
    except RuntimeError:  # No thread can be started.
        _settle(answer, request)


def _settle(answer: "Future[A]", request: Callable[[], A]) -> None:
    if not answer.set_running_or_notify_cancel():
        return
    try:
        answer.set_result(request())
    except BaseException as error:  # noqa: BLE001 - raised where the answer is waited for.
        answer.set_exception(error)
