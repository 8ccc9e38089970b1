"""Tallying: what came of refreshes, by the hour. One UPDATE for a whole run, one on demand.

It is for people and their monitoring: the engine itself never reads it.
"""

import logging
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, InterfaceError, router, transaction
from django.db.models import F

from actionstep_connect.flows.refresh.renew import Outcome, name_of
from actionstep_connect.flows.refresh.run import Report
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import RefreshHour
from actionstep_connect.models.refresh_hour import BEFORE, OUTCOMES, hour_of

#: How long hours are kept one by one; the admin shows the last day.
HOUR_RETENTION = timedelta(days=7)


def tally(report: Report) -> None:
    """Add what a run did to the present hour; runs that end together add up.

    Never raises for the database's sake: what was refreshed is stored already, and is good.

    UPDATE … SET refreshed = refreshed + ? WHERE hour = ?
    """
    _tally(
        refreshed=report.refreshed,
        refused=report.refused,
        superseded=report.superseded,
        failed=report.failed.total(),
    )


def tally_one(outcome: Outcome, *, stored: bool) -> None:
    """Add what came of one refresh on demand; nothing if nothing was sent."""
    name, _ = name_of(outcome, stored=stored)
    if name in OUTCOMES:
        _tally(**{name: 1})


def fold_old_hours() -> None:
    """Add hours that are no longer kept one by one to BEFORE, so that no sum ever falls."""
    oldest = hour_of(datetime.now(UTC)) - HOUR_RETENTION
    for row in RefreshHour.objects.filter(hour__gt=BEFORE, hour__lt=oldest):
        counts = {name: getattr(row, name) for name in OUTCOMES}
        with transaction.atomic(using=router.db_for_write(RefreshHour)):
            # First the write: who deletes the row, alone, moves what it held.
            if RefreshHour.objects.filter(pk=row.pk, **counts).delete()[0]:
                _add(BEFORE, counts)


def _tally(**counts: int) -> None:
    try:
        _add(hour_of(datetime.now(UTC)), counts)
    except (DatabaseError, InterfaceError) as error:
        log(logging.WARNING, LogEvent.NOT_TALLIED, error=type(error).__name__)


def _add(hour: datetime, counts: dict[str, int]) -> None:
    if not any(counts.values()):
        return
    rows = RefreshHour.objects.filter(pk=hour)
    added = {name: F(name) + count for name, count in counts.items() if count}
    if not rows.update(**added):
        # The first of the hour. Another worker's may come first, so the row begins at nought.
        RefreshHour.objects.bulk_create([RefreshHour(hour=hour)], ignore_conflicts=True)
        rows.update(**added)
