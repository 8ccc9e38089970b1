"""Checks of what is stored: tables, keys, maintenance, and how the connections are."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError
from django.db import connections as database_connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Count, F, Min
from django.utils.timesince import timesince

from actionstep_connect.conf import get_config
from actionstep_connect.crypto import get_key_ring
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.database import primary_alias, primary_connections
from actionstep_connect.flows.doctor.finding import Finding, error, ok, warning
from actionstep_connect.flows.health import HealthProblem, problem_of
from actionstep_connect.flows.keys import NO_ENVELOPE, missing_keys
from actionstep_connect.links import site_url
from actionstep_connect.models import Heartbeat, Status, StoppedBy
from actionstep_connect.models.fields import MomentField
from actionstep_connect.models.querysets import UtcNow
from actionstep_connect.models.severity import Severity
from actionstep_connect.policy import CLOCK_TOLERANCE, MIN_INTERVAL, is_waiting_too_long

_START = "Start a Celery worker and beat, or run actionstep_maintain by cron; and read their log."
_SYNCHRONISE = "Synchronise all machines (NTP), and check their time zones."
_LOOK = "The admin shows each connection's last error."

#: What a run that stopped met, and what to do.
_STOPPED = {
    HealthProblem.CLIENT_REJECTED: (
        "Actionstep refused the client credentials",
        "Correct CLIENT_ID and CLIENT_SECRET.",
    ),
    HealthProblem.KEYS: (
        "the encryption keys are unavailable",
        "Fix the callable in ENCRYPTION_KEYS.",
    ),
    HealthProblem.REFUSALS: (
        "Actionstep refused many tokens in a row",
        "Check the client's registration with Actionstep before users reconnect.",
    ),
    HealthProblem.OUTAGE: (
        "the token endpoint failed many times in a row",
        "See the token endpoint above.",
    ),
    HealthProblem.DATABASE_AWAY: ("the database went away", "See the database's log."),
    HealthProblem.THREADS: (
        "no thread could be started",
        "Raise the limit of threads, or lower the load.",
    ),
}


def tables() -> Iterator[Finding]:
    """Check that the database answers and has this package's tables."""
    connection = database_connections[primary_alias()]
    try:
        found = MigrationRecorder(connection).applied_migrations()
    except (DatabaseError, InterfaceError) as failure:
        yield error(
            "database",
            f"It does not answer ({type(failure).__name__}), so nothing that is stored was checked.",
            "Start it, or correct its address and password in DATABASES; then run this again.",
        )
        return
    applied = {name for app, name in found if app == Heartbeat._meta.app_label}
    where = f"{connection.display_name}, {primary_alias()!r}"
    if applied:
        yield ok("database", f"It answers ({where}).")
    else:
        yield error(
            "database",
            f"The tables of this package are missing ({where}).",
            "Run `manage.py migrate`.",
        )


def keys() -> Iterator[Finding]:
    """Check that the key ring has each key that rows need."""
    try:
        missing = missing_keys()
    except TemporarilyUnavailable as failure:
        hint = "Make it return a list of keys; `manage.py shell` shows the whole error when you call it."
        yield error("keys", str(failure), hint)
        return
    for name, rows in missing.items():
        if name == NO_ENVELOPE:
            text = f"Rows that hold something which this package did not seal: {rows:,}."
            hint = "Run `actionstep_rotate_keys --dry-run`, which names them, and disconnect them."
        else:
            text = f"Rows that need key {name}, which ENCRYPTION_KEYS lacks: {rows:,}."
            hint = "Put it back. If it is lost, disconnect them; their users then connect again."
        yield error("keys", text, hint)
    if not missing:
        first, *older = get_key_ring().key_ids
        others = f"; {', '.join(older)} kept for decryption" if older else ""
        yield ok("keys", f"No row needs a key that is missing. {first} encrypts{others}.")


def maintenance() -> Iterator[Finding]:
    """Check that maintenance runs, and gets through."""
    part, now = "maintenance", datetime.now(UTC)
    heartbeat = Heartbeat.of_maintenance()
    if heartbeat is None:
        yield error(part, "It has never run, so nothing is renewed.", _START)
        return
    yield from _clocks(heartbeat)
    ago = _since(heartbeat.finished_at, now)
    problem = problem_of(heartbeat.stopped_by)
    if heartbeat.is_missing(now=now):
        yield error(part, f"It last ran {ago} ago, and should every minute.", _START)
    elif problem is not None:
        reason, hint = _STOPPED[problem]
        find = _of(problem)
        yield find(part, f"It last ran {ago} ago and stopped: {reason}.", hint)
    else:
        yield ok(part, f"It last ran {ago} ago, for {heartbeat.seconds:.1f} s.")


def _of(problem: HealthProblem) -> Callable[[str, str, str], Finding]:
    return error if problem.severity is Severity.ERROR else warning


def _clocks(heartbeat: Heartbeat) -> Iterator[Finding]:
    if heartbeat.is_discarded:
        yield error(
            "clock",
            "Messages of maintenance reach a worker, which discards them because they have expired.",
            f"The clocks of beat's machine and of the worker's disagree by hours. {_SYNCHRONISE}",
        )
    rows = Heartbeat.objects.using(primary_alias()).annotate(
        time=UtcNow(output_field=MomentField())
    )
    database_time: datetime = rows.values_list("time", flat=True)[0]
    here = datetime.now(UTC) - database_time
    for whose, difference in (
        ("This machine's clock", here),
        ("The clock of the machine that last ran maintenance", heartbeat.clock_difference),
    ):
        if abs(difference) > CLOCK_TOLERANCE:
            seconds = difference.total_seconds()
            way = "ahead of" if seconds > 0 else "behind"
            find = error if difference is here else _of(HealthProblem.CLOCKS)
            yield find(
                "clock", f"{whose} is {abs(seconds):.0f} s {way} the database's.", _SYNCHRONISE
            )


def connections() -> Iterator[Finding]:
    """Count connections by status, and those that an administrator should check."""
    rows = primary_connections().in_environment().order_by()
    by_status = dict(rows.values_list("status").annotate(Count("pk")).order_by("status"))
    counts = ", ".join(f"{count} {Status(status).label}" for status, count in by_status.items())
    yield ok("connections", f"In {get_config().environment!r}: {counts or 'none yet'}.")
    strangers = rows.exclude(client_id=get_config().client_id).exclude(status=Status.DISCONNECTED)
    if count := strangers.count():
        yield warning(
            "connections",
            f"Made for another CLIENT_ID, and not refreshed: {_count(count)}.",
            "Set CLIENT_ID back, or ask their users to connect again.",
        )


def waiting() -> Iterator[Finding]:
    """Report how long the oldest due refresh has waited, and what fails most."""
    rows, now = primary_connections().order_by(), datetime.now(UTC)
    oldest = rows.due(now=now).aggregate(oldest=Min("refresh_at"))["oldest"]
    if oldest is None:
        yield ok("overdue", "No refresh is waiting.")
    else:
        yield _waited(now - oldest, _since(oldest, now))
    failing = rows.in_environment().filter(status=Status.CONNECTED, consecutive_failures__gt=0)
    worst = failing.values_list("last_error").annotate(count=Count("pk")).order_by("-count")
    if first := worst.first():
        yield warning(
            "failures",
            f"The last refresh of {_count(failing.count())} failed, most often so: {first[0]}",
            f"Each is retried automatically. {_LOOK}",
        )


def _waited(waited: timedelta, time: str) -> Finding:
    text = f"The oldest refresh that waits was due {time} ago."
    heartbeat = Heartbeat.of_maintenance()
    in_outage = heartbeat is not None and heartbeat.stopped_by is StoppedBy.OUTAGE
    if is_waiting_too_long(waited=waited, in_outage=in_outage):
        hint = "See what is said of maintenance, client credentials and the token endpoint."
        return error("overdue", text, hint)
    if is_waiting_too_long(waited=waited, in_outage=False):
        return warning(
            "overdue",
            f"{text} An outage at Actionstep holds it up.",
            "If the outage passes, nothing: refreshes then resume. See the token endpoint above.",
        )
    return ok("overdue", text)


def limits() -> Iterator[Finding]:
    """Count what is near enough to its limit to be flagged, and what cannot be kept fresh."""
    rows, now, within = (
        primary_connections().in_environment(),
        datetime.now(UTC),
        get_config().warn_before,
    )
    time = timesince(now, now + within)
    if soon := rows.expiring(now=now, within=within).count():
        yield warning(
            "limits",
            f"The refresh tokens of {_count(soon)} expire within {time}, or have.",
            f"A healthy site has none. {_LOOK} What cannot be renewed, its user must reconnect.",
        )
    else:
        yield ok("limits", f"No refresh token expires within {time}.")
    # access_token_expires_at < last_refreshed_at + two minutes
    shortest = F("last_refreshed_at") + 2 * MIN_INTERVAL
    connected = rows.filter(status=Status.CONNECTED)
    if short := connected.filter(access_token_expires_at__lt=shortest).count():
        yield warning(
            "limits",
            f"Actionstep gave {_count(short)} access tokens that live for less than two minutes.",
            "They are refreshed once a minute, and when they are used. Ask Actionstep why.",
        )


def _since(moment: datetime, now: datetime) -> str:
    return timesince(moment, now) if now - moment >= timedelta(minutes=1) else "less than a minute"


def _count(count: int) -> str:
    return f"{count:,} connection{'' if count == 1 else 's'}"


def reminders() -> Iterator[Finding]:
    """Whether users can be e-mailed, and whether e-mails wait."""
    # Only a mail server or a template that failed puts a reminder off.
    put_off = primary_connections().in_environment().filter(remind_at__gt=datetime.now(UTC)).count()
    if put_off:
        yield warning(
            "reminders",
            f"E-mails put off because the mail server, or a template, failed: {put_off}.",
            "See the log for actionstep_connect.mail_server_failed and reminder_failed.",
        )
    if not get_config().notify_users:
        yield ok("reminders", "NOTIFY_USERS is off: users learn on the site what needs them.")
        return
    try:
        yield ok("reminders", f"Users are e-mailed links that lead to {site_url()}.")
    except ImproperlyConfigured as problem:
        yield error("reminders", str(problem), "Until then no user is e-mailed.")
