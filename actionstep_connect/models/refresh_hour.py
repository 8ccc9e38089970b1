"""How refreshes came out, hour by hour; all told they are counters that outlive every process."""

from datetime import UTC, datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

#: Stands for all hours that are no longer kept one by one.
BEFORE = datetime(1970, 1, 1, tzinfo=UTC)

#: The columns that count.
OUTCOMES = ("refreshed", "refused", "superseded", "failed")


class RefreshHour(models.Model):
    """What came of the refreshes of one hour, whoever made them.

    The sum over all rows, `BEFORE` included, never falls.
    """

    hour = models.DateTimeField(_("hour"), primary_key=True)
    #: New tokens were stored.
    refreshed = models.PositiveBigIntegerField(_("refreshed"), default=0)
    #: Only the user can bring the connection back.
    refused = models.PositiveBigIntegerField(_("refused"), default=0)
    #: The answer came for a refresh token that had been replaced meanwhile.
    superseded = models.PositiveBigIntegerField(_("superseded"), default=0)
    #: No tokens this time; it is tried again.
    failed = models.PositiveBigIntegerField(_("failed"), default=0)

    class Meta:
        verbose_name = _("hour of refreshes")
        verbose_name_plural = _("hours of refreshes")

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H:00} UTC"


def hour_of(moment: datetime) -> datetime:
    """Return the hour that `moment` is in."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
