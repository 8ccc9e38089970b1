"""Celery tasks. They carry no ids and no tokens: the database is the queue, messages only wake us."""

import multiprocessing
from typing import Any

from celery import shared_task
from celery.signals import worker_init, worker_shutting_down

from actionstep_connect.conf import get_config
from actionstep_connect.flows.maintain import maintain
from actionstep_connect.flows.refresh import Report, count_due, refresh_due, summary
from actionstep_connect.flows.refresh.run import TIME

#: Seconds after which a waiting message is dropped, for the next one does the same work.
EXPIRES = 60
#: One run shares what is beyond this many times its requests in flight with other workers.
ROUNDS_IN_A_RUN = 100
MOST_DRAINS = 8

# Shared with the pool's child processes, which are forked after `worker_init`.
_shutting_down = multiprocessing.Event()


@worker_init.connect
def _begin(**_: Any) -> None:
    _shutting_down.clear()


@worker_shutting_down.connect
def _end(**_: Any) -> None:
    # A run then finishes what is in flight, within HTTP_TIMEOUT, and gives the rest of its claims back.
    _shutting_down.set()


_OPTIONS: dict[str, Any] = {
    # Acknowledged when taken: a message lost or doubled loses and doubles nothing.
    "acks_late": False,
    "ignore_result": True,
    "expires": EXPIRES,
    # A run ends by itself; a limit could kill it between an answer and its store.
    "time_limit": None,
    "soft_time_limit": None,
    "max_retries": 0,
}


@shared_task(name="actionstep_connect.tasks.maintain_connections", **_OPTIONS)
def maintain_connections() -> dict[str, Any]:
    """Refresh what is due, flag what is near its limit, prune. To be run every minute."""
    _share_backlog()
    report = maintain(should_stop=_shutting_down.is_set)
    _go_on(report)
    return summary(report)


@shared_task(name="actionstep_connect.tasks.drain_due_connections", **_OPTIONS)
def drain_due_connections() -> dict[str, Any]:
    """Refresh what is due beside a run under way. Sent by `maintain_connections`, never scheduled."""
    report = refresh_due(should_stop=_shutting_down.is_set)
    _go_on(report)
    return summary(report)


def _share_backlog() -> None:
    share = get_config().refresh_concurrency * ROUNDS_IN_A_RUN
    for _ in range(min(count_due() // share, MOST_DRAINS)):
        drain_due_connections.delay()


def _go_on(report: Report) -> None:
    if report.stopped_by == TIME:
        drain_due_connections.delay()
