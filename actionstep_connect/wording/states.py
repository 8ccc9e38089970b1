"""How a connection is, as its user reads it."""

from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from actionstep_connect.conf import get_config
from actionstep_connect.models import Connection
from actionstep_connect.models.condition import Condition, condition_of
from actionstep_connect.wording.scopes import Text


class State(NamedTuple):
    """How a connection is in a few words, and what its user can do about it."""

    condition: Condition
    label: Text
    hint: Text

    @property
    def tone(self) -> str:
        """`ok`, `warning`, `error` or `off`: a CSS class, never the only sign."""
        return self.condition.tone

    @property
    def is_usable(self) -> bool:
        """Whether the site may use it now."""
        return self.condition.is_usable

    @property
    def needs_user(self) -> bool:
        """Whether only its user can restore or keep it."""
        return self.condition.needs_user


_RECONNECT = _("Reconnect to use it again.")
_NOTHING = _("There is nothing you need to do: it renews automatically.")

#: Each condition as its user reads it: what it is, and what to do.
_STATES: dict[Condition, tuple[Text, Text]] = {
    Condition.ENDED_BY_USER: (_("You disconnected it."), _("Connect again whenever you like.")),
    Condition.ENDED_BY_ADMIN: (
        _("An administrator disconnected it."),
        _("Connect again if you still need it."),
    ),
    Condition.OTHER_ENVIRONMENT: (
        _("This site is not using it at present."),
        _("There is nothing you need to do."),
    ),
    Condition.USER_INACTIVE: (
        _("Your account on this site is not active."),
        _("Contact this site's administrator."),
    ),
    Condition.ORGANISATION_CHANGED: (
        _("Actionstep connected a different organisation."),
        _("Reconnect, and choose this organisation in Actionstep."),
    ),
    Condition.INTERRUPTED: (_("The connection was interrupted."), _RECONNECT),
    Condition.UNREADABLE: (_("This site can no longer read the stored access."), _RECONNECT),
    Condition.REFUSED: (_("Actionstep has ended it."), _RECONNECT),
    Condition.OTHER_CLIENT: (
        _("Created with this site's previous Actionstep credentials."),
        _RECONNECT,
    ),
    Condition.PAST_LIMIT: (
        _("Connected, but about to expire."),
        _("Reconnect now: it may expire at any moment."),
    ),
    Condition.NEAR_LIMIT: (
        _("Connected, but expiring soon."),
        _("Reconnect before it expires to avoid an interruption."),
    ),
    Condition.FAILING: (
        _("Connected. Actionstep has not been responding recently."),
        _("There is nothing you need to do: this site will keep trying."),
    ),
    Condition.OVERDUE: (_("Connected."), _NOTHING),
    Condition.CONNECTED: (_("Connected."), _NOTHING),
}


def state_of(connection: Connection, *, now: datetime) -> State:
    """Return how `connection` is, judged now: a worker that stopped hides nothing."""
    condition = condition_of(connection, now=now, config=get_config())
    return State(condition, *_STATES[condition])
