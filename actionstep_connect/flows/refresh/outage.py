"""A breaker for refreshing on demand: a known outage is not discovered again by every user.

It is known from the last run of maintenance, or from a request of this process that failed slowly.
Then a user's request fails at once, but for a probe now and then, which waits only briefly: what it
sent is answered and stored behind it. One success ends the outage.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from actionstep_connect.conf import Config, get_config
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import TemporarilyUnavailable
from actionstep_connect.flows.database import primary_alias
from actionstep_connect.flows.refresh.renew import Failed, NotSent, Outcome
from actionstep_connect.models import Heartbeat, StoppedBy
from actionstep_connect.models.heartbeat import MAINTENANCE

SLOW = 2.0  # seconds: a failure that comes sooner costs the next user little
PROBE_INTERVAL = timedelta(seconds=10)
PROBE_TIMEOUT = 2.0  # seconds that a probe's user waits for its answer
MEMORY = timedelta(minutes=3)  # After that an outage has to be discovered again.


@dataclass(slots=True)
class _Knowledge:
    """What this process knows of the token endpoint of one configuration."""

    config: Config
    failed_at: datetime | None = None
    succeeded_at: datetime | None = None
    probed_at: datetime | None = None


def note(outcome: Outcome, *, seconds: float) -> None:
    """Learn from a request that was sent and took `seconds`."""
    knowledge, now = _knowledge(), datetime.now(UTC)
    match outcome:
        case Failed(_, in_transit=True):
            if seconds >= SLOW:
                knowledge.failed_at = now
        case Failed() | NotSent():
            pass
        case _:
            knowledge.succeeded_at, knowledge.failed_at = now, None


def is_known_here() -> bool:
    """Return whether this process itself met the outage."""
    return _is_recent(_knowledge().failed_at, within=MEMORY)


def is_known() -> bool:
    """Return whether this process or the last run met an outage; one query."""
    return is_known_here() or _last_run_ended() is not None


def may_probe() -> bool:
    """Return whether it is time to try again, and count that as the try."""
    knowledge, now = _knowledge(), datetime.now(UTC)
    tries = (knowledge.probed_at, knowledge.failed_at, _last_run_ended())
    if any(_is_recent(tried_at, within=PROBE_INTERVAL) for tried_at in tries):
        return False
    knowledge.probed_at = now
    return True


def error() -> TemporarilyUnavailable:
    """Return what a user's request gets in an outage."""
    return TemporarilyUnavailable(
        "Actionstep's token endpoint does not answer at present, so nothing was sent.",
        code=ErrorCode.OUTAGE,
        retry_after=PROBE_INTERVAL.total_seconds(),
    )


def _last_run_ended() -> datetime | None:
    # When the last run ended, if an outage stopped it and nothing has succeeded here since.
    last = Heartbeat.objects.using(primary_alias()).filter(pk=MAINTENANCE).first()
    if last is None or last.stopped_by is not StoppedBy.OUTAGE:
        return None
    succeeded_at = _knowledge().succeeded_at
    if succeeded_at is not None and succeeded_at > last.finished_at:
        return None
    return last.finished_at if _is_recent(last.finished_at, within=MEMORY) else None


def _is_recent(at: datetime | None, *, within: timedelta) -> bool:
    return at is not None and abs(datetime.now(UTC) - at) < within


def _knowledge() -> _Knowledge:
    config = get_config()
    if not _present or _present[0].config is not config:
        _present[:] = [_Knowledge(config)]
    return _present[0]


_present: list[_Knowledge] = []
