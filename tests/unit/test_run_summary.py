"""What a run did: a heartbeat gives back what a run put in, whatever version of this package wrote it."""

import json
from collections import Counter
from uuid import uuid4

from actionstep_connect.models.refresh_hour import RefreshOutcome
from actionstep_connect.models.run_summary import RunSummary, StoppedBy


def test_a_summary_survives_json() -> None:
    """All but the error, which the heartbeat keeps in a column of its own."""
    ids = [uuid4(), uuid4()]
    summary = RunSummary(
        due=9,
        requests=8,
        refreshed=5,
        refused=1,
        superseded=1,
        failed=Counter(timeout=2),
        stopped_by=StoppedBy.OUTAGE,
        refusals_in_a_row=1,
        rejected_in_a_row=ids,
        short_lived=1,
        flagged=2,
        pruned=3,
        orphaned=4,
        error="Actionstep did not answer.",
    )
    stored = json.loads(json.dumps(summary.as_json()))
    assert "error" not in stored
    again = RunSummary.from_json(stored)
    again.error = summary.error
    assert again == summary
    assert again.outcomes == {
        RefreshOutcome.REFRESHED: 5,
        RefreshOutcome.REFUSED: 1,
        RefreshOutcome.SUPERSEDED: 1,
        RefreshOutcome.FAILED: 2,
    }


def test_what_another_version_wrote_is_read() -> None:
    """Unknown members are ignored, an unknown reason is none, and what is missing is 0."""
    summary = RunSummary.from_json({"stopped_by": "magic", "tea": 1, "due": 2})
    assert summary == RunSummary(due=2, rejected_in_a_row=[])
