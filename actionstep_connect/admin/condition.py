"""The condition of a connection in an administrator's words, its colour, and what to do next."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from actionstep_connect.admin.times import left, when
from actionstep_connect.conf import get_config
from actionstep_connect.models import Connection
from actionstep_connect.models.condition import Condition, condition_of


class Tone(StrEnum):
    """How urgent it is; also the name of a style in admin.css."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    OFF = "off"


class Words(NamedTuple):
    """How a connection is: its condition in words, its urgency, and the next step for a person."""

    label: str
    tone: Tone
    hint: str = ""


_RECONNECT = gettext_lazy("Ask the user to connect again.")

#: What fits every connection in a condition. `{…}` stands for what only one row tells.
_LABELS_AND_HINTS = {
    Condition.ENDED_BY_USER: (
        gettext_lazy("Disconnected"),
        gettext_lazy("It has ended. The user can connect again."),
    ),
    Condition.ENDED_BY_ADMIN: (
        gettext_lazy("Disconnected"),
        gettext_lazy("It has ended. The user can connect again."),
    ),
    Condition.OTHER_ENVIRONMENT: (
        gettext_lazy("Other environment"),
        gettext_lazy("Nothing: this site now uses {environment}."),
    ),
    Condition.USER_INACTIVE: (
        gettext_lazy("User inactive"),
        gettext_lazy("Activate the user, or disconnect."),
    ),
    Condition.ORGANISATION_CHANGED: (
        gettext_lazy("Reconnect required"),
        gettext_lazy("Ask the user to connect again and to choose {organisation}."),
    ),
    Condition.INTERRUPTED: (gettext_lazy("Reconnect required"), _RECONNECT),
    Condition.UNREADABLE: (gettext_lazy("Reconnect required"), _RECONNECT),
    Condition.REFUSED: (gettext_lazy("Reconnect required"), _RECONNECT),
    Condition.OTHER_CLIENT: (
        gettext_lazy("Other client id"),
        gettext_lazy("Ask the user to connect again: CLIENT_ID has changed since."),
    ),
    Condition.PAST_LIMIT: (
        gettext_lazy("Past its limit"),
        gettext_lazy("Ask the user to connect again. It {left}."),
    ),
    Condition.NEAR_LIMIT: (
        gettext_lazy("Near its limit"),
        gettext_lazy("Ask the user to connect again. It has {left}."),
    ),
    Condition.FAILING: (
        gettext_lazy("Refresh failing"),
        gettext_lazy("See the last error. It is retried {retry}."),
    ),
    Condition.OVERDUE: (
        gettext_lazy("Refresh overdue"),
        gettext_lazy("Check that the Celery worker and beat are running."),
    ),
    Condition.CONNECTED: (gettext_lazy("Connected"), ""),
}


def admin_words(connection: Connection, *, now: datetime) -> Words:
    """Put the condition of `connection` into words. Reads `user`."""
    config = get_config()
    condition = condition_of(connection, now=now, config=config)
    label, hint = _LABELS_AND_HINTS[condition]
    hint = str(hint).format(
        environment=config.environment,
        organisation=connection.organisation,
        left=left(connection.refresh_token_expires_at, now=now),
        retry=when(connection.refresh_at, now=now) or _("on demand"),
    )
    return Words(str(label), Tone(condition.tone), hint)
