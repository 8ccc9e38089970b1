"""What a site merges into Celery's `beat_schedule`: all that it has to schedule.

Nothing is imported from this package, so that a settings module may import it.
"""

from datetime import timedelta
from typing import Any

#: How often maintenance runs.
INTERVAL = timedelta(minutes=1)
#: When a message that no worker took is dropped. The sender turns it into a time of its own clock, which
#: may differ from the worker's by hours, such as by a time zone: more than any such difference.
MESSAGE_EXPIRY = timedelta(days=1)

#: Merge it into your own: `app.conf.beat_schedule = {**app.conf.beat_schedule, **BEAT_SCHEDULE}`.
BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "actionstep-connect": {
        "task": "actionstep_connect.tasks.maintain_connections",
        "schedule": INTERVAL,
        # What waited so long finds nothing to do, and costs next to nothing; it only must not pile up.
        "options": {"expires": MESSAGE_EXPIRY.total_seconds()},
    },
}
