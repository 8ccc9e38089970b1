"""How refreshes came out, hour by hour; all told they are counters that outlive every process."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from actionstep_connect.models.fields import BigNumber, Moment, MomentField, Words

#: Stands for all hours that are no longer kept one by one.
BEFORE = datetime(1970, 1, 1, tzinfo=UTC)


class RefreshOutcome(StrEnum):
    """What came of one refresh; each is a column of RefreshHour, and a label of the metrics."""

    REFRESHED = "refreshed"
    """New tokens were stored."""
    REFUSED = "refused"
    """Only the user can bring the connection back."""
    SUPERSEDED = "superseded"
    """The answer came for a refresh token that had been replaced meanwhile."""
    FAILED = "failed"
    """No tokens this time; it is retried."""


class RefreshHour(models.Model):
    """What came of the refreshes of one hour, in runs and on demand.

    The sum over all rows, `BEFORE` included, never falls.
    """

    #: When the hour began.
    hour: Moment = MomentField(_("hour"), primary_key=True)
    refreshed: BigNumber = models.PositiveBigIntegerField(_("refreshed"), default=0)
    refused: BigNumber = models.PositiveBigIntegerField(_("refused"), default=0)
    superseded: BigNumber = models.PositiveBigIntegerField(_("superseded"), default=0)
    failed: BigNumber = models.PositiveBigIntegerField(_("failed"), default=0)

    class Meta:
        verbose_name: ClassVar[Words] = _("hourly refresh count")
        verbose_name_plural: ClassVar[Words] = _("hourly refresh counts")

    def __str__(self) -> str:
        return f"{self.hour.astimezone(UTC):%Y-%m-%d %H:00} UTC"


def hour_of(moment: datetime) -> datetime:
    """Return the hour that `moment` is in."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
