"""Celery tasks that work as one user. Messages carry ids; a token never leaves the worker."""

import random
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from django.db.models import Model

from actionstep_connect.client import ActionstepClient
from actionstep_connect.exceptions import (
    NotConnected,
    RateLimited,
    ReconnectRequired,
    ScopeNotGranted,
    TemporarilyUnavailable,
    TransferInterrupted,
)
from actionstep_connect.models import Connection
from actionstep_connect.scopes import missing_scopes

#: How often a task is tried again, unless its `max_retries` says otherwise.
MAX_RETRIES = 12
FIRST_WAIT = 30.0  # seconds where Actionstep names no time, doubled each time up to
MAX_PAUSE = 3600.0
#: Added by chance, so that tasks that were stopped together do not come back together.
JITTER = 0.1
#: In a task a short wait costs less than another message.
MAX_TASK_WAIT = 20.0

#: What passes: the whole task is tried again.
AGAIN = (RateLimited, TemporarilyUnavailable, TransferInterrupted)
#: What only the user can fix: the task ends, says so, and is not tried again.
ENDS = (NotConnected, ReconnectRequired, ScopeNotGranted)


class ActionstepTask(Task):  # type: ignore[misc]  # Celery carries no annotations.
    """A task that takes the id of a user or of a connection."""

    abstract = True
    throws = ENDS  # Logged as what can be expected, without a traceback.
    max_retries = MAX_RETRIES

    def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Send the message. Raises TypeError where it would carry a row in place of its id."""
        given = [*(args or ()), *(kwargs or {}).values()]
        if rows := [value for value in given if isinstance(value, Model)]:
            raise TypeError(
                f"A message carries ids, not a {type(rows[0]).__name__}: pass its primary key."
            )
        return super().apply_async(args, kwargs, **options)


def actionstep_task(
    *, scopes: Iterable[str] = (), max_wait: float = MAX_TASK_WAIT, **options: Any
) -> Callable[[Callable[..., Any]], Any]:
    """Make a Celery task of a function whose first parameter is an ActionstepClient.

    The task is sent with `user_id` or `connection_id` (and `orgkey` where the user may have several
    connections) beside the function's own arguments. RateLimited, TemporarilyUnavailable and
    TransferInterrupted are tried again when Actionstep says, else after waits that grow. NotConnected,
    ReconnectRequired and ScopeNotGranted end the task with that error. `options` are those of
    `celery.shared_task`.
    """
    wanted = tuple(scopes)

    def decorate(work: Callable[..., Any]) -> Any:
        @wraps(work)
        def run(
            self: Any,
            *args: Any,
            user_id: Any = None,
            connection_id: str | UUID | None = None,
            orgkey: str | None = None,
            **kwargs: Any,
        ) -> Any:
            try:
                connection = _connection(user_id, connection_id, orgkey)
                _check(connection, wanted)
                with ActionstepClient(connection, max_wait=max_wait) as actionstep:
                    return work(actionstep, *args, **kwargs)
            except AGAIN as error:
                raise self.retry(exc=error, countdown=_wait(error, self.request.retries)) from None

        # Celery would read the parameters of `work`, and miss the ids.
        return shared_task(bind=True, typing=False, base=ActionstepTask, **options)(run)

    return decorate


def _connection(user_id: Any, connection_id: str | UUID | None, orgkey: str | None) -> Connection:
    if (user_id is None) == (connection_id is None):
        raise TypeError("Name whose connection it is: pass user_id or connection_id, one of both.")
    if connection_id is not None:
        return Connection.objects.get_usable(connection_id)
    return Connection.objects.get_for_user(user_id, orgkey)


def _check(connection: Connection, scopes: tuple[str, ...]) -> None:
    if lacking := missing_scopes(scopes, connection.granted_scopes):
        raise ScopeNotGranted(
            f"The user has not granted {', '.join(lacking)} in {connection.orgkey}.", scopes=lacking
        )


def _wait(error: RateLimited | TemporarilyUnavailable | TransferInterrupted, retries: int) -> float:
    """Return seconds, never fewer than Actionstep asked for."""
    grown = min(FIRST_WAIT * 2**retries, MAX_PAUSE)
    wait = error.retry_after if error.retry_after is not None else grown
    return wait + random.uniform(0, wait * JITTER)  # noqa: S311 - no secret.
