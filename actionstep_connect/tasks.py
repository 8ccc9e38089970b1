"""Celery tasks. They carry no ids and no tokens: the database is the queue, messages only wake the worker."""

import logging
import mmap
from typing import Any

from celery import shared_task
from celery.signals import (
    task_revoked,
    worker_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutting_down,
)
from django.db import DatabaseError, InterfaceError, connections

import actionstep_connect.oauth.endpoint  # noqa: F401 - Before a pool forks, so that its children share it.
from actionstep_connect.client.organisation_names import keep_names
from actionstep_connect.conf import get_config
from actionstep_connect.flows.database import DATABASE_UNAVAILABLE, finish_under_way
from actionstep_connect.flows.keys import warn_of_missing_keys
from actionstep_connect.flows.maintain import (
    drain,
    has_just_run,
    maintain,
    may_share_backlog,
    note_discarded_message,
)
from actionstep_connect.flows.refresh import count_due
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import StoppedBy
from actionstep_connect.models.run_summary import RunSummary
from actionstep_connect.queues import queues_of_tasks
from actionstep_connect.schedule import MESSAGE_EXPIRY

#: One run shares what is beyond this many times its requests in flight with other workers.
ROUNDS_IN_A_RUN = 100
MAX_DRAINS = 8

#: Seconds. A limit kills between an answer and its store; a run ends on its own in little more than a minute,
#: or when the database is back. Said here, for None would mean the site's own `task_time_limit`.
TIME_LIMIT = 3600

# Shared with the pool's child processes, which are forked after `worker_init`. Anonymous memory, which
# needs no writable folder. No multiprocessing Event: a child killed while it holds that one's lock would
# stop all others forever.
_shutting_down = mmap.mmap(-1, 1)


@worker_init.connect
def _begin(**_: Any) -> None:
    _shutting_down[0] = False


@worker_ready.connect
def _check_keys(**_: Any) -> None:
    # Not at `worker_init`: there the worker has no log yet. Children forked later share no socket.
    warn_of_missing_keys()
    connections.close_all()


@worker_ready.connect
def _check_queues(sender: Any, **_: Any) -> None:
    taken = set(sender.app.amqp.queues.consume_from)
    if others := sorted(queues_of_tasks(sender.app) - taken):
        note = "This worker does not take from there, so another one must."
        log(logging.INFO, LogEvent.OTHER_QUEUE, note, queue=" ".join(others))


@worker_shutting_down.connect
def _end(**_: Any) -> None:
    # A run then finishes what is in flight, within HTTP_TIMEOUT, and gives the rest of its claims back.
    _shutting_down[0] = True


@worker_process_shutdown.connect
def _finish(**_: Any) -> None:
    # A child of the pool ends without waiting for its threads, after a deploy or `max_tasks_per_child`.
    finish_under_way()


@task_revoked.connect
def _tell_of_discarded(sender: Any, expired: bool, **_: Any) -> None:
    # In the worker's main process, whose children share no socket that was closed.
    if not expired or sender.name not in (maintain_connections.name, drain_due_connections.name):
        return
    log(
        logging.ERROR,
        LogEvent.MESSAGE_EXPIRED,
        "The worker discarded a message because it had expired: compare the clocks of the machines "
        "that run worker and beat, and whether the worker keeps up.",
    )
    try:
        note_discarded_message()
    except (DatabaseError, InterfaceError) as error:
        log(logging.WARNING, LogEvent.NOT_RECORDED, error=type(error).__name__)
    finally:
        connections.close_all()


_OPTIONS: dict[str, Any] = {
    # Acknowledged when taken: a message lost or doubled loses and doubles nothing.
    "acks_late": False,
    "ignore_result": True,
    # Later than any plausible difference between two clocks; what waited so long finds nothing to do.
    "expires": MESSAGE_EXPIRY.total_seconds(),
    "time_limit": TIME_LIMIT,
    "soft_time_limit": TIME_LIMIT,
    "max_retries": 0,
}


@shared_task(name="actionstep_connect.tasks.maintain_connections", **_OPTIONS)
def maintain_connections() -> dict[str, Any]:
    """Refresh what is due, flag what is near its limit, prune, e-mail. To be run every minute.

    Right after another run, with nothing due, it does nothing: messages pile up while no worker runs.
    """
    if _is_of_a_pile():
        return RunSummary().as_json()
    _share_backlog()
    report = maintain(should_stop=_is_shutting_down)
    _go_on(report)
    if report.stopped_by is None:
        keep_names(should_stop=_is_shutting_down)
    return report.as_json()


@shared_task(name="actionstep_connect.tasks.drain_due_connections", **_OPTIONS)
def drain_due_connections() -> dict[str, Any]:
    """Refresh what is due beside a run under way. Sent by `maintain_connections`, never scheduled."""
    report = drain(should_stop=_is_shutting_down)
    _go_on(report)
    return report.as_json()


def _is_shutting_down() -> bool:
    return bool(_shutting_down[0])


def _is_of_a_pile() -> bool:
    try:
        return has_just_run()
    except DATABASE_UNAVAILABLE:  # The run itself says so.
        return False


def _share_backlog() -> None:
    share = get_config().refresh_concurrency * ROUNDS_IN_A_RUN
    try:
        shares = count_due() // share if may_share_backlog() else 0
    except DATABASE_UNAVAILABLE:
        return
    for _ in range(min(shares, MAX_DRAINS)):
        if not _ask_for_help():
            return


def _go_on(report: RunSummary) -> None:
    if report.stopped_by is StoppedBy.TIME:
        _ask_for_help()


def _ask_for_help() -> bool:
    try:
        drain_due_connections.delay()
    except Exception as error:  # noqa: BLE001 - whatever a broker raises: the rows are the queue.
        log(logging.WARNING, LogEvent.BACKLOG_NOT_SHARED, error=type(error).__name__)
        return False
    return True
