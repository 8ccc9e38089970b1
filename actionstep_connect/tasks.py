"""Celery tasks. They carry no ids and no tokens: the database is the queue, messages only wake us."""

import ctypes
import logging
import multiprocessing
from typing import Any

from celery import shared_task
from celery.signals import worker_init, worker_ready, worker_shutting_down
from django.db import connections

import actionstep_connect.oauth.endpoint  # noqa: F401 - Before a pool forks, so that its children share it.
from actionstep_connect.conf import get_config
from actionstep_connect.flows.keys import warn_of_missing_keys
from actionstep_connect.flows.maintain import drain, is_way_clear, maintain
from actionstep_connect.flows.refresh import Report, count_due, summary
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import StoppedBy
from actionstep_connect.schedule import INTERVAL

#: One run shares what is beyond this many times its requests in flight with other workers.
ROUNDS_IN_A_RUN = 100
MOST_DRAINS = 8

#: Seconds. A limit kills between an answer and its store; a run ends by itself in little more than a minute,
#: or when the database is back. Said here, for None would mean the site's own `task_time_limit`.
TIME_LIMIT = 3600

# Shared with the pool's child processes, which are forked after `worker_init`. No multiprocessing
# Event: a child killed while it holds that one's lock would stop all others for ever.
_shutting_down = multiprocessing.RawValue(ctypes.c_bool, False)


@worker_init.connect
def _begin(**_: Any) -> None:
    _shutting_down.value = False


@worker_ready.connect
def _check_keys(**_: Any) -> None:
    # Not at `worker_init`: there the worker has no log yet. Children forked later share no socket.
    warn_of_missing_keys()
    connections.close_all()


@worker_shutting_down.connect
def _end(**_: Any) -> None:
    # A run then finishes what is in flight, within HTTP_TIMEOUT, and gives the rest of its claims back.
    _shutting_down.value = True


_OPTIONS: dict[str, Any] = {
    # Acknowledged when taken: a message lost or doubled loses and doubles nothing.
    "acks_late": False,
    "ignore_result": True,
    # Then the next message does the same work.
    "expires": INTERVAL.total_seconds(),
    "time_limit": TIME_LIMIT,
    "soft_time_limit": TIME_LIMIT,
    "max_retries": 0,
}


@shared_task(name="actionstep_connect.tasks.maintain_connections", **_OPTIONS)
def maintain_connections() -> dict[str, Any]:
    """Refresh what is due, flag what is near its limit, prune, e-mail. To be run every minute."""
    _share_backlog()
    report = maintain(should_stop=_is_shutting_down)
    _go_on(report)
    return summary(report)


@shared_task(name="actionstep_connect.tasks.drain_due_connections", **_OPTIONS)
def drain_due_connections() -> dict[str, Any]:
    """Refresh what is due beside a run under way. Sent by `maintain_connections`, never scheduled."""
    report = drain(should_stop=_is_shutting_down)
    _go_on(report)
    return summary(report)


def _is_shutting_down() -> bool:
    return bool(_shutting_down.value)


def _share_backlog() -> None:
    if not is_way_clear():
        return
    share = get_config().refresh_concurrency * ROUNDS_IN_A_RUN
    for _ in range(min(count_due() // share, MOST_DRAINS)):
        if not _ask_for_help():
            return


def _go_on(report: Report) -> None:
    if report.stopped_by is StoppedBy.TIME:
        _ask_for_help()


def _ask_for_help() -> bool:
    try:
        drain_due_connections.delay()
    except Exception as error:  # noqa: BLE001 - whatever a broker raises: the rows are the queue.
        log(logging.WARNING, LogEvent.NOT_SHARED, error=type(error).__name__)
        return False
    return True
