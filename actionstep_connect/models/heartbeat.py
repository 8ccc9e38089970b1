"""When each periodic job last ran, what it did, and its last error."""

from datetime import datetime

from django.db import models, router
from django.utils.translation import gettext_lazy as _

from actionstep_connect.schedule import INTERVAL

#: The job that a site schedules.
MAINTENANCE = "maintain_connections"
#: So many intervals without a run mean that nobody runs the job.
MISSED_RUNS = 3


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

    def is_missing(self, *, now: datetime) -> bool:
        """Say whether the job should have run since."""
        return now - self.finished_at > INTERVAL * MISSED_RUNS
