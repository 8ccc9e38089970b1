"""When each periodic job last ran, what it did, and its last error."""

from datetime import datetime
from enum import StrEnum

from django.db import models, router
from django.utils.translation import gettext_lazy as _

from actionstep_connect.schedule import INTERVAL

#: The job that a site schedules.
MAINTENANCE = "maintain_connections"
#: So many intervals without a run mean that nobody runs the job.
MISSED_RUNS = 3


class StoppedBy(StrEnum):
    """What stopped a run before all that was due had been tried."""

    CLIENT_REJECTED = "client_rejected"
    """Actionstep refused CLIENT_ID or CLIENT_SECRET."""
    DATABASE = "database"
    """It went away."""
    KEYS = "keys"
    """There were no ENCRYPTION_KEYS to be had."""
    OUTAGE = "outage"
    """Many token requests in a row failed on their way."""
    REFUSALS = "refusals"
    """Actionstep refused many connections in a row: more likely our fault than theirs."""
    SHUTDOWN = "shutdown"
    """The worker was asked to stop."""
    THREADS = "threads"
    """No more threads could be started."""
    TIME = "time"
    """The next run is about to begin."""


#: By faults of the site's own: somebody must act before the next run can do better.
OWN_FAULTS = (StoppedBy.CLIENT_REJECTED, StoppedBy.KEYS, StoppedBy.REFUSALS)


class Heartbeat(models.Model):
    """The last run of one periodic job. `summary` holds counts and codes, nothing secret."""

    job = models.CharField(_("job"), max_length=50, primary_key=True)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"))
    seconds = models.FloatField(_("seconds"))
    summary = models.JSONField(_("what it did"), default=dict)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    last_error_at = models.DateTimeField(_("last error at"), null=True)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return f"{self.job}, {self.started_at:%Y-%m-%d %H:%M:%S}Z"

    @classmethod
    def of_maintenance(cls) -> "Heartbeat | None":
        """Return the last run of the job that a site schedules; on the primary, for a replica lags."""
        primary = router.db_for_write(cls)
        return cls.objects.using(primary).filter(pk=MAINTENANCE).first()

    @property
    def stopped_by(self) -> StoppedBy | None:
        """What stopped the last run before its work was done, if anything did."""
        value = self.summary.get("stopped_by")
        return next((reason for reason in StoppedBy if reason == value), None)

    @property
    def stranded(self) -> int:
        """How many connections were made for another CLIENT_ID and are not refreshed."""
        return int(self.summary.get("stranded", 0))

    @property
    def refusals_in_a_row(self) -> int:
        """How many refusals in a row the last run ended with."""
        return int(self.summary.get("refusals_in_a_row", 0))

    def is_missing(self, *, now: datetime) -> bool:
        """Say whether the job should have run since."""
        return now - self.finished_at > INTERVAL * MISSED_RUNS
