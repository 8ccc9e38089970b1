"""The queue of reminders: `Connection.remind_at`, cleared by the process that sends.

    UPDATE … SET remind_at = now  WHERE id = ? AND generation = ?   -- queue, for what was seen
    UPDATE … SET remind_at = NULL WHERE id = ? AND generation = ? AND remind_at = ?
                                                                    -- claim, before it is sent

A claimed reminder is sent at most once, even if a process dies meanwhile. It returns to the queue only where
the mail server said that it had not taken it.
"""

import logging
import time
from datetime import UTC, datetime, timedelta

from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import NotReminded
from actionstep_connect.flows.database import (
    primary_connections,
    retry_while_unavailable,
    update_if_free,
)
from actionstep_connect.flows.events import ConnectionChange, publish
from actionstep_connect.flows.remind.delivery import DeliveryError, Send, mail_server
from actionstep_connect.flows.remind.letter import check_remindable, compose
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Connection, EventKind
from actionstep_connect.models.querysets import ConnectionQuerySet

BATCH = 200
ROUND_SECONDS = 20.0  # short, because it follows a run in the same task; what is left is the next's
RETRY_AFTER = timedelta(minutes=5)


def remind(connection: Connection) -> None:
    """Let the next run of maintenance, within a minute, e-mail the user the link to reconnect.

    Whether NOTIFY_USERS is on is the caller's affair. What the user needs no more by then is not
    sent. Raises NotReminded, and then nothing is sent.
    """
    now = datetime.now(UTC)
    check_remindable(connection, now=now)
    rows = primary_connections().filter(pk=connection.pk, generation=connection.generation)
    # Other workers flag at the same time: on MySQL one of them may be a deadlock's victim.
    if not retry_while_unavailable(lambda: rows.update(remind_at=now)):
        raise NotReminded("This connection has changed meanwhile.", code=ErrorCode.NOT_NEEDED)
    connection.remind_at = now


def log_not_reminded(connection: Connection, error: NotReminded) -> None:
    """Log why a user gets no e-mail: as an error where the site's own settings are at fault."""
    level = logging.ERROR if error.code == ErrorCode.NO_SITE_URL else logging.INFO
    log(level, LogEvent.NOT_REMINDED, connection=connection.pk, outcome=error.code)


def send_reminders() -> int:
    """Send what reminders are due, until time is up; return how many were sent.

    A mail server that fails or hangs ends the round: what is left is tried later.
    """
    now, until = datetime.now(UTC), time.monotonic() + ROUND_SECONDS
    due = primary_connections().in_environment().filter(remind_at__lte=now)
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
        update_if_free(due, remind_at=now + RETRY_AFTER)
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
        # A site's own template failed: once it is fixed, the reminders are still waiting.
        update_if_free(_unclaimed(connection), remind_at=now + RETRY_AFTER)
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
        if error.is_temporary:
            primary_connections().filter(pk=connection.pk).update(remind_at=now + RETRY_AFTER)
        log(
            logging.ERROR,
            LogEvent.REMINDER_FAILED,
            connection=connection.pk,
            outcome="waits" if error.is_temporary else "lost",
            error=str(error),
        )
        if not error.is_server_usable:
            raise
        return False
    publish(ConnectionChange(connection, [(EventKind.REMINDED, "")]))
    return True


def _claim(connection: Connection) -> bool:
    return update_if_free(_unclaimed(connection), remind_at=None) == 1  # Else the next round's.


def _unclaimed(connection: Connection) -> ConnectionQuerySet:
    # Not once it was refreshed, reconnected or ended since it was read: the next round looks again.
    return primary_connections().filter(
        pk=connection.pk, generation=connection.generation, remind_at=connection.remind_at
    )
