"""The vital signs: does maintenance run, and does Actionstep accept it? Two cheap queries.

They are the database's, so every process of a site gives the same answer.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError
from django.db.models import Min

from actionstep_connect.flows.database import on_primary
from actionstep_connect.models import Heartbeat, StoppedBy
from actionstep_connect.policy import is_waiting_too_long


class HealthProblem(StrEnum):
    """Why connections may be lost unless somebody acts."""

    SETTINGS = "settings"
    """ACTIONSTEP_CONNECT is wrong: `manage.py check` says how."""
    DATABASE = "database"
    """It does not answer, or lacks our tables."""
    NEVER_RUN = "never_run"
    """Maintenance has never run."""
    NOT_RUNNING = "not_running"
    """Maintenance should have run since."""
    CLIENT_REJECTED = "client_rejected"
    """Actionstep refused CLIENT_ID or CLIENT_SECRET in the last run."""
    REFUSALS = "refusals"
    """Actionstep refused a whole fleet of connections in the last run."""
    KEYS = "keys"
    """The last run had no ENCRYPTION_KEYS."""
    OVERDUE = "overdue"
    """A refresh has been due for more than ten minutes; in an outage at Actionstep, four hours."""


_STOPPED_BY = {
    StoppedBy.CLIENT_REJECTED: HealthProblem.CLIENT_REJECTED,
    StoppedBy.KEYS: HealthProblem.KEYS,
    StoppedBy.REFUSALS: HealthProblem.REFUSALS,
}


class Vitals(NamedTuple):
    """How maintenance does; times are in seconds, and None where there has been no run."""

    problems: tuple[HealthProblem, ...]
    seconds_since_run: float | None = None
    run_seconds: float | None = None
    longest_overdue: float | None = None


def take_vitals() -> Vitals:
    """Return the vital signs. Never raises for the settings' or the database's sake."""
    try:
        heartbeat = Heartbeat.of_maintenance()
        oldest = _oldest_due()
    except ImproperlyConfigured:
        return Vitals(problems=(HealthProblem.SETTINGS,))
    except (DatabaseError, InterfaceError):
        return Vitals(problems=(HealthProblem.DATABASE,))
    now = datetime.now(UTC)
    overdue = seconds_between(oldest or now, now)
    return Vitals(
        problems=tuple(_problems_of(heartbeat, overdue=overdue, now=now)),
        seconds_since_run=seconds_between(heartbeat.finished_at, now) if heartbeat else None,
        run_seconds=heartbeat.seconds if heartbeat else None,
        longest_overdue=overdue,
    )


def seconds_between(earlier: datetime, later: datetime) -> float:
    """Return the seconds from one to the other, none if the clocks of two machines disagree."""
    return max((later - earlier).total_seconds(), 0.0)


def _oldest_due() -> datetime | None:
    due = on_primary().due(now=datetime.now(UTC))
    oldest: datetime | None = due.aggregate(oldest=Min("refresh_at"))["oldest"]
    return oldest


def _problems_of(
    heartbeat: Heartbeat | None, *, overdue: float, now: datetime
) -> Iterator[HealthProblem]:
    stopped_by = heartbeat.stopped_by if heartbeat else None
    if heartbeat is None:
        yield HealthProblem.NEVER_RUN
    elif heartbeat.is_missing(now=now):
        yield HealthProblem.NOT_RUNNING
    if stopped_by in _STOPPED_BY:
        yield _STOPPED_BY[stopped_by]
    # In an outage a run ends after a handful of failures, and what it left untried stays due.
    in_outage = stopped_by is StoppedBy.OUTAGE
    if is_waiting_too_long(waited=timedelta(seconds=overdue), in_outage=in_outage):
        yield HealthProblem.OVERDUE
