"""Farewell: before a connection ends, the hooks that it carries are removed at Actionstep.

Afterwards it would be impossible, because its tokens are erased. Best effort: a user who disconnects does not
wait long, and what could not be removed is said in the connection's events.
"""

import logging
from datetime import UTC, datetime

from actionstep_connect.client import ActionstepClient
from actionstep_connect.flows.database import in_callers_transaction
from actionstep_connect.flows.events import ConnectionChange, publish
from actionstep_connect.hooks.flows.organisations import organisations
from actionstep_connect.hooks.flows.reading import TROUBLE
from actionstep_connect.hooks.flows.registering import BATCH, RESOURCE, addresses, log_hook, rows_of
from actionstep_connect.hooks.models import Address, Registration
from actionstep_connect.models import Connection, EventKind

#: Seconds for each step of the one request.
TIMEOUT = 5.0


def remove_hooks(connection: Connection) -> None:
    """Remove the hooks that `connection` carries; its organisation's next check finds another bearer."""
    carried = addresses().filter(connection=connection, retired_at=None).exclude(hook_id=None)
    rows = list(carried.select_related("subscription"))
    if not rows:
        return
    why_not = _remove([str(row.hook_id) for row in rows], connection)
    now = datetime.now(UTC)
    for row in rows:
        # Until now it was heard of; what follows is for the next bearer to catch up with.
        values = {} if why_not else {"active_at": now}
        rows_of(row.subscription).update(registration=Registration.SILENT, **values)
        log_hook(
            logging.WARNING if why_not else logging.INFO,
            "left_behind" if why_not else "removed",
            row.subscription,
        )
    Address.retire(carried)
    keys = {row.subscription.organisation_id for row in rows}
    organisations().filter(pk__in=keys).update(check_at=now)
    if why_not:
        events = ", ".join(sorted(row.subscription.event for row in rows))
        publish(
            ConnectionChange(connection, [(EventKind.HOOKS_LEFT_BEHIND, f"{events} ({why_not})")])
        )


def _remove(hooks: list[str], connection: Connection) -> str:
    """Remove hooks; return why that could not be done, or nothing."""
    if in_callers_transaction():
        return "inside a transaction"  # No request is made in one.
    try:
        with ActionstepClient(connection, max_wait=0, timeout=TIMEOUT) as actionstep:
            for first in range(0, len(hooks), BATCH):
                actionstep.delete(f"{RESOURCE}/{','.join(hooks[first : first + BATCH])}")
    except TROUBLE as error:
        return type(error).__name__
    return ""
