"""The Celery task that delivers changes. Its messages carry nothing: the database is the queue."""

import threading
from typing import Any

from celery import shared_task

from actionstep_connect.flows.database import apart
from actionstep_connect.hooks.flows.deliver import ROUND, deliver_due
from actionstep_connect.hooks.waking import waker

#: Seconds. A message that waited longer finds what maintenance has left.
MESSAGE_EXPIRY = 86_400
#: Seconds; handlers of the site's own run within it.
TIME_LIMIT = 3600


@shared_task(
    name="actionstep_connect.hooks.tasks.deliver_changes",
    acks_late=False,
    ignore_result=True,
    expires=MESSAGE_EXPIRY,
    time_limit=TIME_LIMIT,
    soft_time_limit=TIME_LIMIT,
    max_retries=0,
)
def deliver_changes() -> dict[str, Any]:
    """Deliver what is due. Sent when a call has come in, never scheduled."""
    stop = threading.Event()
    # What a handler meets inside a transaction of a site's own task class would undo what others did.
    done = apart(
        lambda: deliver_due(should_stop=stop.is_set, seconds=ROUND),
        what="Changes cannot be delivered",
        stop=stop.set,
    )
    if done:
        # Perhaps time was up; and what came in meanwhile may have found its row claimed.
        waker.wake()
    return {state.value: count for state, count in done.items()}
