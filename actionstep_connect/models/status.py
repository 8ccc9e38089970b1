"""Whether a connection can be used, and why not."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    """Whether a connection can be used."""

    CONNECTED = "connected", _("connected")
    """Its tokens are good, as far as this site knows."""
    RECONNECT_REQUIRED = "reconnect_required", _("reconnect required")
    """Actionstep ended it: only its user can renew it."""
    DISCONNECTED = "disconnected", _("disconnected")
    """It was ended on this site: its tokens are erased."""


class StatusReason(models.TextChoices):
    """Why a connection cannot be used."""

    REFUSED = "refused", _("Actionstep refused the refresh token")
    """It was revoked there, or reached its limit."""
    INTERRUPTED = "interrupted", _("a refresh was interrupted and its answer lost")
    """An earlier refresh had no answer, and the token it may have spent was then refused."""
    ORGANISATION_CHANGED = (
        "organisation_changed",
        _("Actionstep connected a different organisation"),
    )
    """Its tokens belong to another organisation than the row, and are never used."""
    UNREADABLE = "unreadable", _("its tokens cannot be decrypted")
    """Their key is there and does not open them: the row was altered, or moved to another user."""
    ENDED_BY_USER = "ended_by_user", _("ended by the user")
    """Its user disconnected."""
    ENDED_BY_ADMIN = "ended_by_admin", _("ended by an administrator")
    """An administrator disconnected it."""
