"""The audit trail: one row per change that a person cares about, never one per refresh."""

from datetime import UTC, datetime
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from actionstep_connect.conf import AUTH_USER_MODEL
from actionstep_connect.models.connection import Connection
from actionstep_connect.models.fields import Moment, MomentField, MomentOrNone, Text, User, Words


class EventKind(models.TextChoices):
    """What changed."""

    CONNECTED = "connected", _("connected")
    """The user connected this organisation for the first time."""
    RECONNECTED = "reconnected", _("reconnected")
    """The user renewed the connection."""
    SCOPES_CHANGED = "scopes_changed", _("scopes changed")
    """Actionstep grants other scopes than before."""
    FLAGGED = "flagged", _("flagged")
    """The refresh token nears its limit although refreshing was tried."""
    REFRESH_FAILING = "refresh_failing", _("refresh failing")
    """Several refreshes in a row failed."""
    RECOVERED = "recovered", _("recovered")
    """A refresh succeeded after failures or a flag."""
    RECONNECT_REQUIRED = "reconnect_required", _("reconnect required")
    """Only the user can bring the connection back."""
    REMINDED = "reminded", _("reminded by e-mail")
    """The user was sent the link to reconnect."""
    ENDPOINT_REFUSED = "endpoint_refused", _("API endpoint refused")
    """Actionstep named an API host outside API_HOSTS; the former one was kept."""
    REFRESH_ASKED = "refresh_asked", _("refresh asked for")
    """An administrator asked for a refresh at once; the detail says what came of it."""
    REMINDER_ASKED = "reminder_asked", _("reminder asked for")
    """An administrator asked for an e-mail to the user; the detail says if there will be none."""
    HOOK_DISABLED = "hook_disabled", _("hook disabled")
    """Actionstep disabled hooks that this connection carries; they are registered again."""
    CHANGES_MISSED = "changes_missed", _("changes missed")
    """Hooks were silent for a while, and what changed in that time cannot be known."""
    HOOKS_LEFT_BEHIND = "hooks_left_behind", _("hooks left behind")
    """The connection ended, and its hooks could not be removed at Actionstep."""
    DISCONNECTED = "disconnected", _("disconnected")
    """The user or an admin ended the connection."""


def utc_now() -> datetime:
    """Return the present moment, with its time zone even where USE_TZ is off."""
    return datetime.now(UTC)


class ConnectionEvent(models.Model):
    """One change of one connection."""

    #: What changed. A connection's events are `connection.events`.
    connection: "models.ForeignKey[Connection, Connection]" = models.ForeignKey(
        Connection, verbose_name=_("connection"), on_delete=models.CASCADE, related_name="events"
    )
    #: An `EventKind`.
    kind: Text = models.CharField(_("kind"), max_length=20, choices=EventKind.choices)
    #: When.
    at: Moment = MomentField(_("at"), default=utc_now, db_index=True)
    #: Who did it; null for the worker, and for users who were deleted.
    actor: User = models.ForeignKey(
        AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    #: What a person should know beside the kind; never a secret.
    detail: Text = models.CharField(_("detail"), max_length=300, blank=True)
    #: When its signal is due, by the database's clock; null once it was sent.
    announce_at: MomentOrNone = MomentField(null=True, editable=False, db_index=True)

    class Meta:
        verbose_name: ClassVar[Words] = _("event")
        verbose_name_plural: ClassVar[Words] = _("events")
        ordering: ClassVar[tuple[str, ...]] = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at.astimezone(UTC):%Y-%m-%d %H:%M}Z"
