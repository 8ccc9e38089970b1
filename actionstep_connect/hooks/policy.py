"""When to try again, and when to give up: pure functions of counts and times."""

import random
from datetime import timedelta

#: What a site's own handler raises is tried again after a wait that doubles, about five hours in all.
MAX_FAILURES = 10
FIRST_WAIT = timedelta(seconds=30)
MAX_WAIT = timedelta(hours=1)
JITTER = 0.2

#: How often the hooks of an organisation are looked at: a disabled one is silent for so long.
INTERVAL = timedelta(minutes=1)
#: How far the clocks of this machine and of Actionstep may differ; a gap begins so much earlier.
CLOCK_MARGIN = timedelta(minutes=2)
#: How long calls to the former address of a subscription still count: they were on their way.
FORMER_ADDRESS_LIFETIME = timedelta(hours=1)
#: For how long workers may run different code: what is wanted again by then was wanted all the time.
DEPLOY = timedelta(hours=1)
#: `last_heard_at` is written at most this often.
HEARD_RESOLUTION = timedelta(seconds=10)


def wait_after(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts in a row."""
    wait = min(FIRST_WAIT * 2.0 ** min(attempts - 1, 16), MAX_WAIT)
    return wait * random.uniform(1, 1 + JITTER)  # noqa: S311 - spreads load, keeps no secret.


def is_given_up(failures: int) -> bool:
    """Return whether a handler that raised so often is called no more for this change."""
    return failures >= MAX_FAILURES
