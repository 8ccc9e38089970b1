"""Is the site well? The one judgement that page, metrics, doctor, admin, log and drain tasks share.

It is read from the database in two cheap queries, so every process of a site gives the same answer.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, router
from django.db.models import Min, Subquery

from actionstep_connect.flows.database import primary_connections
from actionstep_connect.models import Heartbeat, StoppedBy
from actionstep_connect.models.heartbeat import MAINTENANCE
from actionstep_connect.models.severity import Severity
from actionstep_connect.policy import CLOCK_TOLERANCE, is_waiting_too_long


class HealthProblem(StrEnum):
    """Why connections may be lost unless a person acts, or why refreshing is held up."""

    SETTINGS = "settings"
    """ACTIONSTEP_CONNECT is wrong: `manage.py check` says how."""
    DATABASE = "database"
    """It does not answer, or lacks the tables of this package."""
    NEVER_RUN = "never_run"
    """Maintenance has never run."""
    NOT_RUNNING = "not_running"
    """Maintenance is overdue."""
    CLIENT_REJECTED = "client_rejected"
    """Actionstep refused CLIENT_ID or CLIENT_SECRET in the last run."""
    KEYS = "keys"
    """The last run had no ENCRYPTION_KEYS."""
    REFUSALS = "refusals"
    """Actionstep refused a whole fleet of connections in the last run."""
    OVERDUE = "overdue"
    """A refresh has been due for more than ten minutes; in an outage at Actionstep, four hours.

    Not reported where maintenance has never run: NEVER_RUN covers it.
    """
    OUTAGE = "outage"
    """Token requests failed on their way, one after the other, so the last run stopped."""
    DATABASE_AWAY = "database_away"
    """The database went away during the last run."""
    THREADS = "threads"
    """The last run could start no more threads."""
    MESSAGES_EXPIRED = "messages_expired"
    """A worker discards maintenance's messages, because clocks disagree by hours."""
    CLOCKS = "clocks"
    """The clock of the machine that last ran maintenance is off."""
    ORPHANED = "orphaned"
    """Connections were made for another CLIENT_ID, and are not refreshed."""

    @property
    def severity(self) -> Severity:
        """How serious it is: an error until a person acts, a warning while retrying may help."""
        return Severity.WARNING if self in _WARNINGS else Severity.ERROR

    @property
    def is_own_fault(self) -> bool:
        """Whether the site stopped the last run, so that no run gets further until a person acts."""
        return self in _OWN_FAULTS

    @property
    def stops_every_run(self) -> bool:
        """Whether further runs at the same time would only meet it as well."""
        return self.is_own_fault or self is HealthProblem.OUTAGE


_WARNINGS = frozenset(
    {
        HealthProblem.OUTAGE,
        HealthProblem.DATABASE_AWAY,
        HealthProblem.THREADS,
        HealthProblem.CLOCKS,
        HealthProblem.ORPHANED,
    }
)
_OWN_FAULTS = frozenset({HealthProblem.CLIENT_REJECTED, HealthProblem.KEYS, HealthProblem.REFUSALS})
_STOPPED_BY = {
    StoppedBy.CLIENT_REJECTED: HealthProblem.CLIENT_REJECTED,
    StoppedBy.KEYS: HealthProblem.KEYS,
    StoppedBy.REFUSALS: HealthProblem.REFUSALS,
    StoppedBy.OUTAGE: HealthProblem.OUTAGE,
    StoppedBy.DATABASE: HealthProblem.DATABASE_AWAY,
    StoppedBy.THREADS: HealthProblem.THREADS,
    # TIME and SHUTDOWN are how runs end that have more to do: if nothing is overdue, all is well.
}


class Health(NamedTuple):
    """How maintenance does; times are in seconds, and None where there has been no run."""

    #: The most serious first.
    problems: tuple[HealthProblem, ...]
    seconds_since_run: float | None = None
    run_seconds: float | None = None
    longest_overdue: float | None = None

    @property
    def errors(self) -> tuple[HealthProblem, ...]:
        """The problems for which a person must act."""
        return tuple(each for each in self.problems if each.severity is Severity.ERROR)


def check_health() -> Health:
    """Return how the site is. Does not raise when the settings are wrong or the database is away."""
    try:
        heartbeat = Heartbeat.of_maintenance()
        oldest = oldest_due()
    except ImproperlyConfigured:
        return Health(problems=(HealthProblem.SETTINGS,))
    except (DatabaseError, InterfaceError):
        return Health(problems=(HealthProblem.DATABASE,))
    now = datetime.now(UTC)
    return Health(
        problems=judge(heartbeat, oldest_due_at=oldest, now=now),
        seconds_since_run=seconds_between(heartbeat.finished_at, now) if heartbeat else None,
        run_seconds=heartbeat.seconds if heartbeat else None,
        longest_overdue=seconds_between(oldest or now, now),
    )


def judge(
    heartbeat: Heartbeat | None, *, oldest_due_at: datetime | None, now: datetime
) -> tuple[HealthProblem, ...]:
    """Return what is wrong, the most serious first, from the last run and the oldest due refresh."""
    waited = timedelta(0) if oldest_due_at is None else now - oldest_due_at
    found = _problems_of(heartbeat, waited=waited, now=now)
    return tuple(sorted(found, key=lambda problem: -problem.severity))


def problem_of(stopped_by: StoppedBy | None) -> HealthProblem | None:
    """Return the problem that stopped a run; None for a run that did all, or ran out of time."""
    return None if stopped_by is None else _STOPPED_BY.get(stopped_by)


def last_run_and_oldest_due() -> tuple[Heartbeat | None, datetime | None]:
    """Return the last run, and since when the oldest due refresh has waited; mostly in one query.

    Before the first run no time is returned, because `judge` asks for none.
    """
    oldest = (
        primary_connections().due(now=datetime.now(UTC)).order_by("refresh_at").values("refresh_at")
    )
    if router.db_for_write(Heartbeat) != oldest.db:
        return Heartbeat.of_maintenance(), oldest_due()
    rows = Heartbeat.objects.using(oldest.db).filter(pk=MAINTENANCE)
    heartbeat = rows.annotate(oldest_due_at=Subquery(oldest[:1])).first()
    return heartbeat, heartbeat.oldest_due_at if heartbeat else None


def oldest_due() -> datetime | None:
    """Return since when the oldest refresh that is due has waited."""
    due = primary_connections().due(now=datetime.now(UTC))
    oldest: datetime | None = due.aggregate(oldest=Min("refresh_at"))["oldest"]
    return oldest


def seconds_between(earlier: datetime, later: datetime) -> float:
    """Return the seconds from one to the other, none if the clocks of two machines disagree."""
    return max((later - earlier).total_seconds(), 0.0)


def _problems_of(
    heartbeat: Heartbeat | None, *, waited: timedelta, now: datetime
) -> Iterator[HealthProblem]:
    if heartbeat is None:  # What is overdue then has the same cause, and the same cure.
        yield HealthProblem.NEVER_RUN
        return
    if heartbeat.is_missing(now=now):
        yield HealthProblem.NOT_RUNNING
    stopped_by = heartbeat.stopped_by
    if problem := problem_of(stopped_by):
        yield problem
    # In an outage a run ends after a handful of failures, and what it left untried stays due.
    if is_waiting_too_long(waited=waited, in_outage=stopped_by is StoppedBy.OUTAGE):
        yield HealthProblem.OVERDUE
    if heartbeat.is_discarded:
        yield HealthProblem.MESSAGES_EXPIRED
    if clock_error(heartbeat, now=now) > CLOCK_TOLERANCE:
        yield HealthProblem.CLOCKS
    if heartbeat.orphaned:
        yield HealthProblem.ORPHANED


def clock_error(heartbeat: Heartbeat, *, now: datetime) -> timedelta:
    """Return how far off the clock of the machine is that last ran maintenance."""
    return max(abs(heartbeat.clock_difference), heartbeat.finished_at - now)
