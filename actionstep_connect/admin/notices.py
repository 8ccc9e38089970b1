"""What an administrator must know before reading the list: does maintenance run, and what stops it?"""

from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from actionstep_connect.admin.condition import Tone
from actionstep_connect.admin.times import when
from actionstep_connect.models import Heartbeat, StoppedBy


class Notice(NamedTuple):
    """One warning: what is wrong, and what to do."""

    tone: Tone
    text: str
    next_step: str


def current_notices(heartbeat: Heartbeat | None, *, now: datetime) -> list[Notice]:
    """Return what is wrong with the maintenance of all connections, the worst first."""
    if heartbeat is None:
        return [
            Notice(
                Tone.BAD,
                _("Maintenance has never run, so nothing keeps connections alive."),
                _(
                    "Schedule actionstep_connect.tasks.maintain_connections every minute, or "
                    "`manage.py actionstep_maintain` with cron."
                ),
            )
        ]
    notices = (_refused(heartbeat), missing(heartbeat, now=now), _stranded(heartbeat))
    return [notice for notice in notices if notice]


def missing(heartbeat: Heartbeat, *, now: datetime) -> Notice | None:
    """Say that maintenance should have run since, if it should."""
    if not heartbeat.is_missing(now=now):
        return None
    text = _("Maintenance should have run since: it last did %(time)s.")
    return Notice(
        Tone.BAD,
        text % {"time": when(heartbeat.finished_at, now=now)},
        _(
            "See that the worker and its beat are running. Nothing is lost before a limit is reached."
        ),
    )


def _refused(heartbeat: Heartbeat) -> Notice | None:
    if heartbeat.stopped_by is StoppedBy.CLIENT_REJECTED:
        return Notice(
            Tone.BAD,
            _("Actionstep refused this site's own credentials. No connection is at fault."),
            _("Correct CLIENT_ID and CLIENT_SECRET; refreshing then goes on by itself."),
        )
    if heartbeat.stopped_by is StoppedBy.KEYS:
        return Notice(
            Tone.BAD,
            _("The keys that open the tokens cannot be had, so nothing is refreshed."),
            _("`manage.py actionstep_doctor` says why; refreshing then goes on by itself."),
        )
    if heartbeat.stopped_by is StoppedBy.REFUSALS:
        return Notice(
            Tone.BAD,
            _("Actionstep refused many connections in a row, so refreshing has stopped."),
            _(
                "Look at the client's registration with Actionstep before asking users to reconnect."
            ),
        )
    return None


def _stranded(heartbeat: Heartbeat) -> Notice | None:
    if not heartbeat.stranded:
        return None
    text = ngettext(
        "%(count)d connection was made for another CLIENT_ID and is no longer refreshed.",
        "%(count)d connections were made for another CLIENT_ID and are no longer refreshed.",
        heartbeat.stranded,
    )
    return Notice(
        Tone.BAD,
        text % {"count": heartbeat.stranded},
        _("Set CLIENT_ID back, or ask these users to connect again."),
    )
