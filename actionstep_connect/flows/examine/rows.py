"""Examining what is stored: tables, keys, maintenance, and how the connections are."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.core.exceptions import ImproperlyConfigured
from django.db import connections as databases
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Count, Min
from django.utils.timesince import timesince

from actionstep_connect.conf import get_config
from actionstep_connect.crypto import get_key_ring
from actionstep_connect.flows.database import database, on_primary
from actionstep_connect.flows.examine.finding import Finding, error, ok, warning
from actionstep_connect.flows.keys import NO_ENVELOPE, missing_keys
from actionstep_connect.links import site_url
from actionstep_connect.models import Heartbeat, Status, StoppedBy
from actionstep_connect.policy import is_waiting_too_long

_START = "Start a Celery worker and beat, or run actionstep_maintain by cron; and read their log."
_LOOK = "Their last error stands in the admin, at each connection."

#: Why a run stopped, where somebody must act before the next one can do better.
_BROKEN = {
    StoppedBy.CLIENT_REJECTED: (
        "Actionstep refused the client credentials",
        "Correct CLIENT_ID and CLIENT_SECRET.",
    ),
    StoppedBy.KEYS: ("the keys could not be had", "Make the callable in ENCRYPTION_KEYS answer."),
    StoppedBy.REFUSALS: (
        "Actionstep refused many tokens in a row",
        "Look at the client's registration with Actionstep before anybody reconnects.",
    ),
}
#: … and where the next one tries by itself.
_HINDERED = {
    StoppedBy.OUTAGE: (
        "the token endpoint failed many times in a row",
        "See the token endpoint above.",
    ),
    StoppedBy.DATABASE: ("the database went away", "See the database's log."),
    StoppedBy.THREADS: (
        "no thread could be started",
        "Raise the limit of threads, or lower the load.",
    ),
}


def tables() -> Iterator[Finding]:
    """See that the database answers and has our tables."""
    connection = databases[database()]
    applied = {
        name
        for app, name in MigrationRecorder(connection).applied_migrations()
        if app == Heartbeat._meta.app_label
    }
    where = f"{connection.display_name}, {database()!r}"
    if applied:
        yield ok("database", f"It answers ({where}).")
    else:
        yield error("database", f"Our tables are missing ({where}).", "Run `manage.py migrate`.")


def keys() -> Iterator[Finding]:
    """See that the key ring has each key that rows need."""
    missing = missing_keys()
    for name, rows in missing.items():
        if name == NO_ENVELOPE:
            text = f"Rows that hold something which this package did not seal: {rows:,}."
            cure = "Run `actionstep_rotate_keys --dry-run`, which names them, and disconnect them."
        else:
            text = f"Rows that need key {name}, which ENCRYPTION_KEYS lacks: {rows:,}."
            cure = "Put it back. If it is lost, disconnect them; their users then connect again."
        yield error("keys", text, cure)
    if not missing:
        first, *older = get_key_ring().key_ids
        others = f"; {', '.join(older)} can only open" if older else ""
        yield ok("keys", f"No row needs a key that is missing. {first} seals{others}.")


def maintenance() -> Iterator[Finding]:
    """See that maintenance runs, and gets through."""
    part, now = "maintenance", datetime.now(UTC)
    heartbeat = Heartbeat.of_maintenance()
    if heartbeat is None:
        yield error(part, "It has never run, so nothing is renewed.", _START)
        return
    ago = _since(heartbeat.finished_at, now)
    if heartbeat.is_missing(now=now):
        yield error(part, f"It last ran {ago} ago, and should every minute.", _START)
    elif heartbeat.stopped_by in _BROKEN:
        reason, cure = _BROKEN[heartbeat.stopped_by]
        yield error(part, f"It last ran {ago} ago and stopped: {reason}.", cure)
    elif heartbeat.stopped_by in _HINDERED:
        reason, cure = _HINDERED[heartbeat.stopped_by]
        yield warning(part, f"It last ran {ago} ago and stopped: {reason}.", cure)
    else:
        yield ok(part, f"It last ran {ago} ago, for {heartbeat.seconds:.1f} s.")


def connections() -> Iterator[Finding]:
    """Count connections by status, and those that somebody should look at."""
    rows = on_primary().here().order_by()
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
    """Say how long the oldest due refresh has waited, and what fails most."""
    rows, now = on_primary().order_by(), datetime.now(UTC)
    oldest = rows.due(now=now).aggregate(oldest=Min("refresh_at"))["oldest"]
    if oldest is None:
        yield ok("overdue", "No refresh is waiting.")
    else:
        yield _waited(now - oldest, _since(oldest, now))
    failing = rows.here().filter(status=Status.CONNECTED, consecutive_failures__gt=0)
    worst = failing.values_list("last_error").annotate(count=Count("pk")).order_by("-count")
    if first := worst.first():
        yield warning(
            "failures",
            f"The last refresh of {_count(failing.count())} failed, most often so: {first[0]}",
            f"Each is tried again by itself. {_LOOK}",
        )


def _waited(waited: timedelta, time: str) -> Finding:
    text = f"The oldest refresh that waits was due {time} ago."
    heartbeat = Heartbeat.of_maintenance()
    in_outage = heartbeat is not None and heartbeat.stopped_by is StoppedBy.OUTAGE
    if is_waiting_too_long(waited=waited, in_outage=in_outage):
        cure = "See what is said of maintenance, client credentials and the token endpoint."
        return error("overdue", text, cure)
    if is_waiting_too_long(waited=waited, in_outage=False):
        return warning(
            "overdue",
            f"{text} An outage at Actionstep holds it up.",
            "Nothing, if it passes: it is then refreshed by itself. See the token endpoint above.",
        )
    return ok("overdue", text)


def limits() -> Iterator[Finding]:
    """Count the refresh tokens that are near enough to their limit to be flagged."""
    rows, now, within = on_primary().here(), datetime.now(UTC), get_config().warn_before
    time = timesince(now, now + within)
    if soon := rows.nearing_limit(now=now, within=within).count():
        yield warning(
            "limits",
            f"The refresh tokens of {_count(soon)} expire within {time}, or have.",
            f"A healthy site has none. {_LOOK} What cannot be renewed, its user must reconnect.",
        )
    else:
        yield ok("limits", f"No refresh token expires within {time}.")


def _since(moment: datetime, now: datetime) -> str:
    return timesince(moment, now) if now - moment >= timedelta(minutes=1) else "less than a minute"


def _count(count: int) -> str:
    return f"{count:,} connection{'' if count == 1 else 's'}"


def reminders() -> Iterator[Finding]:
    """Whether users can be e-mailed, and whether e-mails wait."""
    # Only a mail server or a template that failed puts a reminder off.
    put_off = on_primary().here().filter(remind_at__gt=datetime.now(UTC)).count()
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
