"""The audit trail: one row per change that a person cares about, never one per refresh."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from actionstep_connect.conf import AUTH_USER_MODEL
from actionstep_connect.models.connection import Connection


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
    DISCONNECTED = "disconnected", _("disconnected")
    """The user or an admin ended the connection."""


class ConnectionEvent(models.Model):
    """One change of one connection."""

    connection = models.ForeignKey(
        Connection, verbose_name=_("connection"), on_delete=models.CASCADE, related_name="events"
    )
    kind = models.CharField(_("kind"), max_length=20, choices=EventKind.choices)
    at = models.DateTimeField(_("at"), default=timezone.now, db_index=True)
    actor = models.ForeignKey(
        AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    detail = models.CharField(_("detail"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("-at", "-pk")

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at:%Y-%m-%d %H:%M}Z"
