"""The queue of reminders: `Connection.remind_at`, cleared by whoever sends.

    UPDATE … SET remind_at = now  WHERE id = ? AND generation = ?   -- queue, for what was seen
    UPDATE … SET remind_at = NULL WHERE id = ? AND generation = ? AND remind_at = ?
                                                                    -- claim, before it is sent

A claimed reminder is sent at most once, whoever dies meanwhile. It returns to the queue only where
the mail server said that it had not taken it.
"""

import logging
import time
from datetime import UTC, datetime, timedelta

from actionstep_connect.exceptions import NotReminded
from actionstep_connect.flows.database import on_primary, until_done
from actionstep_connect.flows.events import Change, tell
from actionstep_connect.flows.remind.delivery import DeliveryError, Send, mail_server
from actionstep_connect.flows.remind.letter import check_remindable, compose
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Connection, EventKind
from actionstep_connect.querysets import ConnectionQuerySet

BATCH = 200
ROUND_SECONDS = 20.0  # short, for it follows a run in the same task; what is left is the next's
RETRY_AFTER = timedelta(minutes=5)


def remind(connection: Connection) -> None:
    """Let the next run of maintenance, within a minute, e-mail the user the link to reconnect.

    Whether NOTIFY_USERS is on is the caller's affair. What the user needs no more by then is not
    sent. Raises NotReminded, and then nothing is sent.
    """
    now = datetime.now(UTC)
    check_remindable(connection, now=now)
    rows = on_primary().filter(pk=connection.pk, generation=connection.generation)
    # Other workers flag at the same time: on MySQL one of them may be a deadlock's victim.
    if not until_done(lambda: rows.update(remind_at=now)):
        raise NotReminded("This connection has changed meanwhile.", code="not_needed")
    connection.remind_at = now


def log_not_reminded(connection: Connection, error: NotReminded) -> None:
    """Log why a user gets no e-mail: as an error where the site's own settings are at fault."""
    level = logging.ERROR if error.code == "no_site_url" else logging.INFO
    log(level, LogEvent.NOT_REMINDED, connection=connection.pk, outcome=error.code)


def send_reminders() -> int:
    """Send what reminders are due, until time is up; return how many were sent.

    A mail server that fails or hangs ends the round: what is left is tried later.
    """
    now, until = datetime.now(UTC), time.monotonic() + ROUND_SECONDS
    due = on_primary().here().filter(remind_at__lte=now)
    waiting = list(due.select_related("user").order_by("remind_at")[:BATCH])
    if not waiting:
        return 0
    sent = 0
    try:
        with mail_server() as send:
            for connection in waiting:
                if time.monotonic() > until:
                    break
                sent += _send(connection, send, now=now)
    except DeliveryError as error:
        due.update(remind_at=now + RETRY_AFTER)
        # Without its traceback, which holds the address; so it is below.
        log(logging.ERROR, LogEvent.MAIL_SERVER_FAILED, error=str(error))
    return sent


def _send(connection: Connection, send: Send, *, now: datetime) -> bool:
    try:
        letter = compose(connection, now=now)
    except NotReminded as error:
        _claim(connection)
        log_not_reminded(connection, error)
        return False
    except Exception as error:  # noqa: BLE001 - told with its traceback; the others wait.
        # A site's own template failed: whoever mends it finds the reminders still waiting.
        _unclaimed(connection).update(remind_at=now + RETRY_AFTER)
        log(
            logging.ERROR,
            LogEvent.REMINDER_FAILED,
            connection=connection.pk,
            outcome="waits",
            error=type(error).__name__,
            with_traceback=True,
        )
        return False
    if not _claim(connection):
        return False
    try:
        send(letter)
    except DeliveryError as error:
        if error.surely:
            on_primary().filter(pk=connection.pk).update(remind_at=now + RETRY_AFTER)
        log(
            logging.ERROR,
            LogEvent.REMINDER_FAILED,
            connection=connection.pk,
            outcome="waits" if error.surely else "lost",
            error=str(error),
        )
        if not error.goes_on:
            raise
        return False
    tell([Change(connection, [(EventKind.REMINDED, "")])])
    return True


def _claim(connection: Connection) -> bool:
    return _unclaimed(connection).update(remind_at=None) == 1


def _unclaimed(connection: Connection) -> ConnectionQuerySet:
    # Not once it was refreshed, reconnected or ended since it was read: the next round looks again.
    return on_primary().filter(
        pk=connection.pk, generation=connection.generation, remind_at=connection.remind_at
    )
