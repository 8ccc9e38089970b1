"""What a run of maintenance did: written to the heartbeat and read from it here, and nowhere else."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from actionstep_connect.models.refresh_hour import RefreshOutcome


class StoppedBy(StrEnum):
    """What stopped a run before all that was due had been tried."""

    CLIENT_REJECTED = "client_rejected"
    """Actionstep refused CLIENT_ID or CLIENT_SECRET."""
    DATABASE = "database"
    """It went away."""
    KEYS = "keys"
    """ENCRYPTION_KEYS were unavailable."""
    OUTAGE = "outage"
    """Many token requests in a row failed on their way."""
    REFUSALS = "refusals"
    """Actionstep refused many connections in a row: a fault of the site's is more likely than theirs."""
    SHUTDOWN = "shutdown"
    """The worker was asked to stop."""
    THREADS = "threads"
    """No more threads could be started."""
    TIME = "time"
    """The next run is about to begin."""


@dataclass(slots=True, kw_only=True)
class RunSummary:
    """What a run did; `stopped_by` is None when it reached the end of what was due."""

    due: int = 0
    requests: int = 0
    refreshed: int = 0
    refused: int = 0
    superseded: int = 0
    #: By the code of the error.
    failed: Counter[str] = field(default_factory=Counter)
    stopped_by: StoppedBy | None = None
    refusals_in_a_row: int = 0
    #: Connections that Actionstep refused the site's credentials for, without a success since.
    rejected_in_a_row: Sequence[UUID] = ()
    #: Access tokens that expire sooner than the schedule may replace them.
    short_lived: int = 0
    flagged: int = 0
    pruned: int = 0
    #: Connections made for another CLIENT_ID, which are not refreshed.
    orphaned: int = 0
    #: For people. The heartbeat has it in a column of its own.
    error: str = ""

    @property
    def outcomes(self) -> dict[RefreshOutcome, int]:
        """How many refreshes came out how."""
        return {
            RefreshOutcome.REFRESHED: self.refreshed,
            RefreshOutcome.REFUSED: self.refused,
            RefreshOutcome.SUPERSEDED: self.superseded,
            RefreshOutcome.FAILED: self.failed.total(),
        }

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values, for the heartbeat and for the result of a task."""
        values = asdict(self)
        del values["error"]
        return values | {
            "failed": dict(self.failed),
            "stopped_by": self.stopped_by or "",
            "rejected_in_a_row": [str(each) for each in self.rejected_in_a_row],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return what `as_json` gave; what an earlier version of this package did not write is 0."""
        known = {each.name: values[each.name] for each in fields(cls) if each.name in values}
        stopped_by = next((each for each in StoppedBy if each == known.get("stopped_by")), None)
        return cls(
            **known
            | {
                "failed": Counter(known.get("failed", {})),
                "stopped_by": stopped_by,
                "rejected_in_a_row": [UUID(each) for each in known.get("rejected_in_a_row", [])],
            }
        )
