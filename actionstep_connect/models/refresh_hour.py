"""How many refreshes each hour saw, for the last days."""

from datetime import UTC, datetime

from django.db import models
from django.utils.translation import gettext_lazy as _


class RefreshHour(models.Model):
    """What the runs of one hour did, all workers together; refreshes on demand are not counted."""

    hour = models.DateTimeField(_("hour"), primary_key=True)
    refreshed = models.PositiveIntegerField(_("refreshed"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)

    class Meta:
        verbose_name = _("hour of refreshes")
        verbose_name_plural = _("hours of refreshes")

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00} UTC"


def hour_of(moment: datetime) -> datetime:
    """Return the hour that `moment` is in."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
