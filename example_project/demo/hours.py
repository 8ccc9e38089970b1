"""Let an hour pass in a moment, for the demo's site and its sandbox."""

from datetime import timedelta

import httpx2
from django.apps import apps
from django.db.models import F

#: Each moment that a row of the site holds. To let time pass, all of them move into the past.
MOMENTS = (
    "access_token_expires_at",
    "refresh_token_expires_at",
    "refresh_at",
    "connected_at",
    "last_refreshed_at",
    "last_used_at",
)


def let_pass(by: timedelta, *, sandbox: str) -> None:
    """Move the sandbox's clock on, and the site's moments back by as much.

    The site's processes go by the clock of the machine, which stays as it is.
    """
    answer = httpx2.post(
        f"{sandbox}/sandbox/advance",
        json={"seconds": by.total_seconds()},
        timeout=5,
        trust_env=False,
    )
    answer.raise_for_status()
    connections = apps.get_model("actionstep_connect", "Connection")._default_manager
    connections.update(**{moment: F(moment) - by for moment in MOMENTS})
