"""Pruning: notifications past HOOKS_RETENTION, and addresses that no call can come to any more."""

import logging
import time
from datetime import UTC, datetime

from actionstep_connect.conf import get_config
from actionstep_connect.hooks.flows.claims import notifications
from actionstep_connect.hooks.flows.registering import addresses
from actionstep_connect.hooks.models import State
from actionstep_connect.hooks.policy import FORMER_ADDRESS_LIFETIME
from actionstep_connect.logs import LogEvent, log

BATCH = 1000
MAX_WAIT = 5.0  # seconds in one round; a backlog shrinks from round to round


def prune() -> int:
    """Delete what is past use, delivered or not; return how many notifications."""
    now, deleted, ends = datetime.now(UTC), 0, time.monotonic() + MAX_WAIT
    addresses().filter(retired_at__lt=now - FORMER_ADDRESS_LIFETIME).delete()
    limit = now - get_config().hooks_retention
    while time.monotonic() < ends:
        # By the key, in whose order they came: no index on the time is needed for that.
        oldest = notifications().order_by("pk").values_list("pk", "received_at", "state")[:BATCH]
        old = [(key, state) for key, received_at, state in oldest if received_at < limit]
        if old:
            notifications().filter(pk__in=[key for key, _ in old]).delete()
            _tell_of_undelivered([state for _, state in old])
        deleted += len(old)
        if len(old) < BATCH:
            break
    return deleted


def _tell_of_undelivered(states: list[str]) -> None:
    if count := states.count(State.WAITING):
        note = "They were older than HOOKS_RETENTION and no handler has taken them."
        log(logging.ERROR, LogEvent.CHANGE_SET_ASIDE, note, rows=count)
