"""Tallying: what the runs did, by the hour. One UPDATE for a whole run, none for a refresh."""

from datetime import UTC, datetime

from django.db.models import F

from actionstep_connect.flows.refresh import Report
from actionstep_connect.models import RefreshHour
from actionstep_connect.models.refresh_hour import hour_of


def tally(report: Report) -> None:
    """Add what a run did to the present hour; runs that end together add up.

    UPDATE … SET refreshed = refreshed + ? WHERE hour = ?
    """
    counts = {
        "refreshed": report.refreshed,
        "refused": report.refused,
        "failed": report.failed.total(),
    }
    if not any(counts.values()):
        return
    hour = hour_of(datetime.now(UTC))
    rows = RefreshHour.objects.filter(pk=hour)
    added = {name: F(name) + count for name, count in counts.items()}
    if not rows.update(**added):
        # The first of the hour. Another worker's may come first, so the row begins at nought.
        RefreshHour.objects.bulk_create([RefreshHour(hour=hour)], ignore_conflicts=True)
        rows.update(**added)
