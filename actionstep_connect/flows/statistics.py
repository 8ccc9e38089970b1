"""Statistics: how many refreshes came out how, by the hour, for charts and monitoring.

The engine itself never reads them.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, InterfaceError, router, transaction
from django.db.models import F

from actionstep_connect.flows.conflicts import repeated
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import RefreshHour
from actionstep_connect.models.refresh_hour import BEFORE, RefreshOutcome, hour_of

#: How long hours are kept one by one; the admin shows the last day.
HOUR_RETENTION = timedelta(days=7)


def count_refreshes(counts: Mapping[RefreshOutcome, int]) -> None:
    """Add `counts` to the present hour, in one UPDATE; runs that end together add up.

    Never raises an error of the database: what was refreshed is stored already, and is good.

    UPDATE … SET refreshed = refreshed + ? WHERE hour = ?
    """
    try:
        repeated(lambda: _add(hour_of(datetime.now(UTC)), counts))
    except (DatabaseError, InterfaceError) as error:
        log(logging.WARNING, LogEvent.NOT_COUNTED, error=type(error).__name__)


def fold_old_hours() -> None:
    """Add hours that are no longer kept one by one to BEFORE, so that no sum ever falls."""
    oldest = hour_of(datetime.now(UTC)) - HOUR_RETENTION
    for row in RefreshHour.objects.filter(hour__gt=BEFORE, hour__lt=oldest):
        counts = {name: int(getattr(row, name)) for name in RefreshOutcome}
        with transaction.atomic(using=router.db_for_write(RefreshHour)):
            # The delete comes first: only the process that deletes the row moves what it held.
            if RefreshHour.objects.filter(
                pk=row.pk, **{name.value: count for name, count in counts.items()}
            ).delete()[0]:
                _add(BEFORE, counts)


def _add(hour: datetime, counts: Mapping[RefreshOutcome, int]) -> None:
    if not any(counts.values()):
        return
    rows = RefreshHour.objects.filter(pk=hour)
    added = {name.value: F(name) + count for name, count in counts.items() if count}
    if not rows.update(**added):
        # The first of the hour. Another worker's may come first, so the row begins at 0.
        RefreshHour.objects.bulk_create([RefreshHour(hour=hour)], ignore_conflicts=True)
        rows.update(**added)
