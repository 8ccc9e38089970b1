"""When each periodic job last ran, what it did, and its last error."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.db import models, router
from django.utils.translation import gettext_lazy as _

from actionstep_connect.models.fields import Moment, MomentField, MomentOrNone, Text, Words
from actionstep_connect.models.run_summary import RunSummary, StoppedBy
from actionstep_connect.schedule import INTERVAL

#: The job that a site schedules.
MAINTENANCE = "maintain_connections"
#: So many intervals without a run mean that the job is not running.
MISSED_RUNS = 3


class Heartbeat(models.Model):
    """The last run of one periodic job. `summary` is a RunSummary as JSON, without secrets."""

    #: The name of the job.
    job: Text = models.CharField(_("job"), max_length=50, primary_key=True)
    #: When its last run began.
    started_at: Moment = MomentField(_("started"))
    #: When its last run ended.
    finished_at: Moment = MomentField(_("finished"))
    #: How long its last run took.
    seconds: "models.FloatField[float, float]" = models.FloatField(_("seconds"))
    #: Counts and codes of the last run.
    summary: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        _("what it did"), default=dict
    )
    #: What went wrong last; kept after runs that went well.
    last_error: Text = models.CharField(_("last error"), max_length=300, blank=True)
    #: When it did.
    last_error_at: MomentOrNone = MomentField(_("last error at"), null=True)
    #: By the database's clock: when this row was last written by a run, and when a worker last
    #: discarded a message of the job because it had expired.
    stored_at: MomentOrNone = MomentField(null=True, editable=False)
    discarded_at: MomentOrNone = MomentField(null=True, editable=False)

    class Meta:
        verbose_name: ClassVar[Words] = _("heartbeat")
        verbose_name_plural: ClassVar[Words] = _("heartbeats")

    def __str__(self) -> str:
        return f"{self.job}, {self.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"

    @classmethod
    def of_maintenance(cls) -> "Heartbeat | None":
        """Return the last run of the job that a site schedules; on the primary, because a replica lags."""
        primary = router.db_for_write(cls)
        return cls.objects.using(primary).filter(pk=MAINTENANCE).first()

    @property
    def run(self) -> RunSummary:
        """What the last run did."""
        return RunSummary.from_json(self.summary)

    @property
    def stopped_by(self) -> StoppedBy | None:
        """What stopped the last run before its work was done, if anything did."""
        return self.run.stopped_by

    @property
    def orphaned(self) -> int:
        """How many connections were made for another CLIENT_ID and are not refreshed."""
        return self.run.orphaned

    @property
    def clock_difference(self) -> timedelta:
        """How far the clock of the machine that ran the job is ahead of the database's."""
        return self.finished_at - self.stored_at if self.stored_at else timedelta(0)

    @property
    def is_discarded(self) -> bool:
        """Whether a worker has discarded messages of the job since it last ran."""
        stored_at, discarded_at = self.stored_at, self.discarded_at
        return discarded_at is not None and (stored_at is None or discarded_at > stored_at)

    def is_missing(self, *, now: datetime) -> bool:
        """Return whether the job is overdue."""
        return now - self.finished_at > INTERVAL * MISSED_RUNS
