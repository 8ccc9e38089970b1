"""Delivering: each change to each of its handlers, at least once, in order for each row.

A change whose handler raises is tried again after a while, and the later changes of its row wait. A
handler that raises too often is given up: the change is set aside, and the later ones go on. What is
not the handler's fault, such as an outage of Actionstep's, is never given up.
"""

import inspect
import json
import logging
import time
from asyncio import CancelledError
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import async_to_sync

from actionstep_connect.flows.database import DATABASE_UNAVAILABLE
from actionstep_connect.hooks.flows.claims import claim, settle
from actionstep_connect.hooks.flows.reading import NoBearerError, Reader
from actionstep_connect.hooks.models import Notification, State, Subscription
from actionstep_connect.hooks.policy import is_given_up, wait_after
from actionstep_connect.hooks.registry import Change, Handler, handlers_of
from actionstep_connect.logs import LogEvent, log

#: Seconds in which one round claims anything new.
ROUND = 50.0
#: What a handler may raise, and is called again for. One that calls `sys.exit` ends no worker.
STRAY = (Exception, SystemExit, CancelledError)


def deliver_due(
    *, should_stop: Callable[[], bool] = lambda: False, seconds: float = ROUND
) -> Counter[State]:
    """Deliver what is due, until nothing is or time is up; return how many came to which state."""
    until, done = time.monotonic() + seconds, Counter[State]()

    def is_over() -> bool:
        return should_stop() or time.monotonic() > until

    while not is_over() and (claimed := claim()):
        left = deque(claimed)
        try:
            with Reader() as reader:
                while left and not is_over():
                    done[_deliver(left[0], reader)] += 1
                    left.popleft()
        finally:
            for notification in left:
                settle(notification)
    return done


def _deliver(notification: Notification, reader: Reader) -> State:
    if is_given_up(notification.failures):
        return _set_aside(notification, "A worker has ended each time that it was delivered.")
    hearing = _handlers_for(notification.subscription)
    if not hearing and notification.subscription.is_wanted:
        # A worker whose code is older, or has fewer apps, than the one that wants it.
        return _try_again(notification, "This worker has no handler of it.")
    handlers = [handler for handler in hearing if handler.name not in notification.taken_by]
    try:
        failed = _call_all(handlers, notification, reader)
    except DATABASE_UNAVAILABLE:
        raise
    except Exception as error:  # noqa: BLE001 - what one row meets stops no other.
        return _postpone(notification, error)
    except BaseException as error:
        # A time limit of gevent's, or what a handler has no business to raise.
        _try_again(notification, f"A handler raised {type(error).__name__}")
        raise
    if not failed:
        settle(
            notification,
            state=State.DELIVERED,
            settled_at=datetime.now(UTC),
            attempts=notification.attempts + 1,
            taken_by=notification.taken_by,
            last_error="",
        )
        _log(logging.INFO, LogEvent.CHANGE_DELIVERED, notification)
        return State.DELIVERED
    return _try_again(notification, failed)


def _handlers_for(subscription: Subscription) -> list[Handler]:
    if subscription.asked_for is False:
        return []
    return list(handlers_of(subscription.event, is_subscribed=subscription.asked_for is True))


def _call_all(handlers: list[Handler], notification: Notification, reader: Reader) -> str:
    """Call each handler; return what the last one raised, or nothing.

    Raises what keeps the row from being read; then no handler that needs it was called.
    """
    if not handlers:
        return ""
    orgkey, failed = notification.subscription.organisation.orgkey, ""
    connection, row = reader.bearer(orgkey), None
    if any(handler.reads_row for handler in handlers):
        row = reader.read(orgkey, notification.resource, notification.row_id)
    for handler in handlers:
        try:
            _call(handler, connection, _change(notification, handler, row))
        except STRAY as error:  # A site's own code; told with its traceback.
            failed = f"{handler.name} raised {type(error).__name__}"
            _log(logging.ERROR, LogEvent.CHANGE_POSTPONED, notification, failed, has_raised=True)
        else:
            notification.taken_by.append(handler.name)
    return failed


def _call(handler: Handler, *arguments: Any) -> None:
    answer = handler.function(*arguments)
    # Not by asking whether it is a coroutine function: a decorator may hide that.
    if inspect.isawaitable(answer):
        async_to_sync(_finish)(answer)


async def _finish(answer: Awaitable[Any]) -> None:
    await answer


def _change(notification: Notification, handler: Handler, row: dict[str, Any] | None) -> Change:
    payload = json.loads(notification.payload) if notification.payload else None
    return Change(
        id=notification.pk,
        event=notification.subscription.event,
        resource=notification.resource,
        row_id=notification.row_id,
        orgkey=notification.subscription.organisation.orgkey,
        row=row if handler.reads_row else None,
        payload=payload,
        caught_up=notification.caught_up,
        received_at=notification.received_at,
        attempt=notification.attempts + 1,
    )


def _postpone(notification: Notification, error: Exception) -> State:
    # A bearer's name or a client's is in none of these messages; Actionstep's own words may be.
    is_known = isinstance(error, NoBearerError)
    why = str(error) if is_known else f"The row could not be read: {type(error).__name__}."
    _put_off(notification, why)
    _log(logging.WARNING, LogEvent.CHANGE_POSTPONED, notification, why)
    return State.WAITING


def _try_again(notification: Notification, failed: str) -> State:
    failures = notification.failures + 1
    if not is_given_up(failures):
        _put_off(notification, failed, failures=failures)
        return State.WAITING
    return _set_aside(notification, failed, attempts=notification.attempts + 1, failures=failures)


def _set_aside(notification: Notification, why: str, **values: Any) -> State:
    settle(
        notification,
        state=State.SET_ASIDE,
        settled_at=datetime.now(UTC),
        taken_by=notification.taken_by,
        last_error=why[:200],
        **values,
    )
    _log(logging.ERROR, LogEvent.CHANGE_SET_ASIDE, notification, why)
    return State.SET_ASIDE


def _put_off(notification: Notification, why: str, **values: Any) -> None:
    attempts = notification.attempts + 1
    settle(
        notification,
        attempts=attempts,
        due_at=datetime.now(UTC) + wait_after(attempts),
        taken_by=notification.taken_by,
        last_error=why[:200],
        **values,
    )


def _log(
    level: int,
    event: LogEvent,
    notification: Notification,
    note: str = "",
    *,
    has_raised: bool = False,
) -> None:
    log(
        level,
        event,
        note,
        with_traceback=has_raised,
        notification=notification.pk,
        change=notification.subscription.event,
        attempt=notification.attempts + 1,
    )
