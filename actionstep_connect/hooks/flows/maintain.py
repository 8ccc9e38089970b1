"""Maintenance of this app, after each round of the other one's: keep hooks alive, deliver, prune."""

from collections.abc import Callable

from actionstep_connect.flows.database import DATABASE_UNAVAILABLE
from actionstep_connect.hooks.flows.deliver import deliver_due
from actionstep_connect.hooks.flows.keep import keep_hooks
from actionstep_connect.hooks.flows.prune import prune
from actionstep_connect.hooks.waking import waker

#: Seconds; where there is a worker, it goes on with what is left.
DELIVERING = 20.0


def maintain(should_stop: Callable[[], bool]) -> None:
    """Do one round. While the database is away it ends, and the next one goes on."""
    try:
        keep_hooks(should_stop=should_stop)
        if deliver_due(should_stop=should_stop, seconds=DELIVERING):
            waker.wake()
        prune()
    except DATABASE_UNAVAILABLE:  # Maintenance itself tells of that with its next round.
        return
