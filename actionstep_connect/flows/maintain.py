"""Maintenance, the one job a site schedules: refresh, flag, prune, and remind by e-mail.

It commits on its own, also inside a caller's transaction: what it refreshed must not be undone.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import router

from actionstep_connect.conf import get_config
from actionstep_connect.extensions import call_each
from actionstep_connect.flows.conflicts import is_conflict, repeated
from actionstep_connect.flows.database import (
    DATABASE_UNAVAILABLE,
    apart,
    primary_connections,
    renew_database_connection,
)
from actionstep_connect.flows.flag import flag_expiring
from actionstep_connect.flows.health import problem_of
from actionstep_connect.flows.prune import prune
from actionstep_connect.flows.refresh import count_due, refresh_due
from actionstep_connect.flows.remind import send_reminders
from actionstep_connect.flows.statistics import count_refreshes
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Heartbeat, StoppedBy
from actionstep_connect.models.heartbeat import MAINTENANCE
from actionstep_connect.models.querysets import UtcNow
from actionstep_connect.models.run_summary import RunSummary

#: A message that comes so soon after a round was one of a pile.
JUST_NOW = timedelta(seconds=20)


def maintain(*, should_stop: Callable[[], bool] = lambda: False) -> RunSummary:
    """Do one round of maintenance, leave a heartbeat, and send what reminders are due.

    While the database is away a round ends with one record in the log, and the next one goes on.

    Raises TemporarilyUnavailable, before anything is sent, inside a transaction on SQLite, or where
    the second database connection that a transaction needs is unavailable.
    """
    return _by_itself(_maintain, should_stop)


def drain(*, should_stop: Callable[[], bool] = lambda: False) -> RunSummary:
    """Refresh what is due beside a run under way, as carefully as that; leave no heartbeat.

    Raises as `maintain` does.
    """
    return _by_itself(_drain, should_stop)


def _by_itself(
    work: Callable[[Callable[[], bool]], RunSummary], should_stop: Callable[[], bool]
) -> RunSummary:
    stop = threading.Event()
    return apart(
        lambda: _unless_away(work, lambda: stop.is_set() or should_stop()),
        what="Maintenance cannot run",
        stop=stop.set,
    )


def _unless_away(
    work: Callable[[Callable[[], bool]], RunSummary], should_stop: Callable[[], bool]
) -> RunSummary:
    try:
        return work(should_stop)
    except DATABASE_UNAVAILABLE as error:
        renew_database_connection()  # It may lead to a server that is no longer the primary.
        name = type(error).__name__
        message = (
            f"The database is unavailable ({name}). The next run goes on where this one ended."
        )
        if is_conflict(error):
            message = f"Other transactions were in the way ({name}). The next run goes on."
        report = RunSummary(stopped_by=StoppedBy.DATABASE, error=message)
        _log(report, is_error=True)
        return report


def _maintain(should_stop: Callable[[], bool]) -> RunSummary:
    started_at, clock = datetime.now(UTC), time.monotonic()
    last = repeated(Heartbeat.of_maintenance)
    report = _refresh(last, should_stop=should_stop)
    report.flagged, report.pruned = repeated(flag_expiring), repeated(prune)
    report.orphaned = repeated(_count_orphaned)
    values: dict[str, Any] = {
        "started_at": started_at,
        "finished_at": datetime.now(UTC),
        "stored_at": UtcNow(),
        "seconds": round(time.monotonic() - clock, 3),
        "summary": report.as_json(),
    }
    if error := report.error or _orphaned_message(report.orphaned):
        values |= {"last_error": error[:300], "last_error_at": values["finished_at"]}
    repeated(lambda: _beat(values))
    # A fault of the site's own is an error in the log once, not every minute.
    is_news = last is None or last.stopped_by is not report.stopped_by
    problem = problem_of(report.stopped_by)
    _log(report, is_error=is_news and problem is not None and problem.is_own_fault)
    if report.orphaned and not (last and last.orphaned):
        message = _orphaned_message(report.orphaned)
        log(logging.ERROR, LogEvent.ORPHANED, message, rows=report.orphaned)
    send_reminders()  # Whatever a mail server does, refreshing is done and the heartbeat written.
    call_each("maintain", should_stop)
    return report


def _drain(should_stop: Callable[[], bool]) -> RunSummary:
    return _refresh(repeated(Heartbeat.of_maintenance), should_stop=should_stop)


def has_just_run() -> bool:
    """Return whether a round ended within the last seconds, by the database's clock, and nothing is due."""
    primary = router.db_for_write(Heartbeat)
    recent = Heartbeat.objects.using(primary).filter(
        pk=MAINTENANCE, stored_at__gt=UtcNow() - JUST_NOW
    )
    return recent.exists() and not count_due()


def note_discarded_message() -> None:
    """Remember that a worker discarded a message of maintenance, for the admin and the doctor."""
    primary = router.db_for_write(Heartbeat)
    Heartbeat.objects.using(primary).filter(pk=MAINTENANCE).update(discarded_at=UtcNow())


def may_share_backlog() -> bool:
    """Return whether several runs at once help: the last one met nothing that stops them all."""
    last = Heartbeat.of_maintenance()
    problem = problem_of(last.stopped_by) if last else None
    return problem is None or not problem.stops_every_run


def _refresh(last: Heartbeat | None, *, should_stop: Callable[[], bool]) -> RunSummary:
    before = last.run if last else RunSummary()
    report = refresh_due(
        should_stop=should_stop,
        refusals_before=before.refusals_in_a_row,
        rejected_before=before.rejected_in_a_row,
    )
    count_refreshes(report.outcomes)
    return report


def _count_orphaned() -> int:
    # Those of the client ids below and above this site's: two ranges of the index of what is due.
    waiting = primary_connections().in_environment().exclude(refresh_at=None)
    client_id = get_config().client_id
    below, above = waiting.filter(client_id__lt=client_id), waiting.filter(client_id__gt=client_id)
    return below.count() + above.count()


def _orphaned_message(orphaned: int) -> str:
    if not orphaned:
        return ""
    return (
        f"{orphaned} connections were made for another CLIENT_ID and are not refreshed: "
        "set it back, or let their users reconnect."
    )


def _beat(values: dict[str, Any]) -> None:
    # Not update_or_create(): SQLite refuses at once a transaction that reads before it writes, when
    # another one wrote meanwhile.
    if not Heartbeat.objects.filter(pk=MAINTENANCE).update(**values):
        Heartbeat.objects.bulk_create([Heartbeat(job=MAINTENANCE, **values)], ignore_conflicts=True)


def _log(report: RunSummary, *, is_error: bool) -> None:
    log(
        logging.ERROR if is_error else logging.INFO,
        LogEvent.RUN,
        report.error,
        outcome=report.stopped_by or "done",
        due=report.due,
        refreshed=report.refreshed,
        refused=report.refused,
        failed=report.failed.total(),
    )
