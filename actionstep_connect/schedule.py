"""What a site merges into Celery's `beat_schedule`: all that it has to schedule.

Nothing is imported from this package, so that a settings module may import it.
"""

from datetime import timedelta
from typing import Any

#: How often maintenance runs.
INTERVAL = timedelta(minutes=1)

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "actionstep-connect": {
        "task": "actionstep_connect.tasks.maintain_connections",
        "schedule": INTERVAL,
        # A message that no worker took before the next one came is of no use any more.
        "options": {"expires": INTERVAL.total_seconds()},
    },
}
