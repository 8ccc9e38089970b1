"""When a request to the API is made again: only if that is safe, after a wait, and not for ever."""

import random
import time
from collections.abc import Callable
from functools import partial

import httpx2
import stamina

from actionstep_connect.exceptions import ApiError, RateLimited

PATIENCE = 20.0  # seconds after which no wait begins, nor is a Retry-After beyond them waited for
ATTEMPTS = 5  # the first one included
FIRST_WAIT = 0.5  # seconds, doubled each time up to
LONGEST_WAIT = 4.0
JITTER = 1.0  # seconds at most, so that those who failed together do not come back together

#: RFC 9110 §9.2.2: repeating one of these does what making it once does. A DELETE whose first answer
#: was lost finds nothing left, and gives 404.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
PASSING_STATUSES = frozenset({502, 503, 504})

#: Nothing was sent: safe for every method.
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout)
#: Something may have been sent. No time-out is among them: whoever has waited that long is told so.
LOST = (httpx2.NetworkError, httpx2.RemoteProtocolError)

#: What a request ends in that may be made again.
PASSING = (RateLimited, ApiError, httpx2.TransportError)

Backoff = Callable[[Exception], bool | float]

#: Takes a Backoff, and yields attempts; the first stands for the one that has failed already. Stamina
#: is entered only after a first failure, for it costs more than all else that a client adds to a request.
attempts = partial(
    stamina.retry_context,
    attempts=ATTEMPTS,
    timeout=None,  # The Backoff watches the time.
    wait_initial=FIRST_WAIT,
    wait_max=LONGEST_WAIT,
    wait_jitter=JITTER,
)


def backoff(method: str, *, patience: float) -> Backoff:
    """Return a function that decides, for each failure of a `method` request, whether to try again.

    True: after a wait that grows. A number: after so many seconds, as `Retry-After` asked, and never
    sooner. False: no; it is not safe, or `patience` (seconds, from now on) is over or would not last.
    """
    ends_at = time.monotonic() + patience

    def go_on(error: Exception) -> bool | float:
        left = ends_at - time.monotonic()
        if left <= 0 or not may_repeat(method, error):
            return False
        asked = error.retry_after if isinstance(error, (RateLimited, ApiError)) else None
        if asked is None:
            return True
        wait = asked + random.uniform(0, JITTER)  # noqa: S311 - no secret.
        return wait if wait <= left else False

    return go_on


def may_repeat(method: str, error: Exception) -> bool:
    """Say whether a `method` request that ended in `error` may be made again without harm."""
    if isinstance(error, NOT_SENT):
        return True
    if method not in IDEMPOTENT:
        return False
    if isinstance(error, ApiError):
        return error.status in PASSING_STATUSES
    return isinstance(error, (RateLimited, *LOST))
