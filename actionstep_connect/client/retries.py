"""When a request to the API is made again: only if that is safe, after a wait, and for a limited time."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import httpx2
import stamina

from actionstep_connect.client.rate_limits import Held
from actionstep_connect.exceptions import ApiError, RateLimited

MAX_WAIT = 20.0  # seconds after which no wait begins, nor is a Retry-After beyond them waited for
ATTEMPTS = 5  # the first one included
FIRST_WAIT = 0.5  # seconds, doubled each time up to
MAX_PAUSE = 4.0
JITTER = 1.0  # seconds at most, so that those who failed together do not come back together

#: RFC 9110 §9.2.2: repeating one of these does what making it once does. A DELETE whose first answer
#: was lost finds nothing left, and gives 404.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
PASSING_STATUSES = frozenset({502, 503, 504})

#: Nothing was sent: safe for every method.
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout)
#: Something may have been sent. No time-out is among them: a caller who has waited that long is told so.
LOST = (httpx2.NetworkError, httpx2.RemoteProtocolError)

#: What a request ends in that may be made again.
TRANSIENT = (RateLimited, ApiError, httpx2.TransportError)

Backoff = Callable[[Exception], bool | float]

#: Under this name a request carries its Repeats, in `extensions`.
REPEATS = "repeats"


@dataclass(slots=True)
class Repeats:
    """Permission to make a request again whatever its method, and how often it was."""

    count: int = 0


#: Takes a Backoff, and yields attempts; the first stands for the one that has failed already. Stamina
#: is entered only after a first failure, because it costs more than all else that a client adds to a request.
attempts = partial(
    stamina.retry_context,
    attempts=ATTEMPTS,
    timeout=None,  # The Backoff watches the time.
    wait_initial=FIRST_WAIT,
    wait_max=MAX_PAUSE,
    wait_jitter=JITTER,
)


class Failures:
    """How a request has failed so far. The first failure is raised into the first attempt."""

    def __init__(self, first: Exception) -> None:
        self.last = first
        self._is_raised = False

    def __enter__(self) -> None:
        if not self._is_raised:
            self._is_raised = True
            raise self.last

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, TRANSIENT):
            self.last = error


def backoff(request: httpx2.Request, *, max_wait: float) -> Backoff:
    """Return a function that decides, for each failure of `request`, whether to try again.

    True: after a wait that grows. A number: after so many seconds, as `Retry-After` asked, and never
    sooner. False: no; it is not safe, or `max_wait` (seconds, from now on) is over or would not last.
    """
    ends_at = time.monotonic() + max_wait
    repeats = request.extensions.get(REPEATS)
    is_idempotent = request.method in IDEMPOTENT or repeats is not None

    def go_on(error: Exception) -> bool | float:
        left = ends_at - time.monotonic()
        if left <= 0 or not may_repeat(error, is_idempotent=is_idempotent):
            return False
        if repeats is not None:
            repeats.count += 1
        asked = error.retry_after if isinstance(error, (RateLimited, ApiError)) else None
        if asked is None:
            return True
        wait = asked + random.uniform(0, JITTER)  # noqa: S311 - no secret.
        return wait if wait <= left else False

    return go_on


def may_repeat(error: Exception, *, is_idempotent: bool) -> bool:
    """Return whether a request that ended in `error` may be made again without harm."""
    if isinstance(error, (Held, *NOT_SENT)):
        return True
    if not is_idempotent:
        return False
    if isinstance(error, ApiError):
        return error.status in PASSING_STATUSES
    return isinstance(error, (RateLimited, *LOST))
