"""Delivering again what was set aside, because its handler has been corrected."""

from collections.abc import Sequence
from datetime import UTC, datetime

from actionstep_connect.hooks.flows.claims import notifications
from actionstep_connect.hooks.models import State
from actionstep_connect.hooks.waking import waker


def deliver_again(keys: Sequence[int]) -> int:
    """Have those of these notifications that were set aside delivered again; return how many.

    Later changes of the same rows may have been delivered meanwhile; a row is read as it is now.
    """
    rows = notifications().filter(pk__in=keys, state=State.SET_ASIDE)
    count = rows.update(
        state=State.WAITING, due_at=datetime.now(UTC), failures=0, settled_at=None, last_error=""
    )
    waker.wake()
    return count
