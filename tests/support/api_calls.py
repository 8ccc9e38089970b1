"""What the fixtures of the client's tests give: a way to make a request, and a clock."""

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2

#: Makes one request with a client of its own; the fixture `call` gives it.
Call = Callable[..., httpx2.Response]


@dataclass
class Clock:
    """Stands for the clock of the retries: anyone who waits is late at once."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        """Seconds on this clock."""
        return self.now

    def time(self) -> float:
        """Seconds since 1970 on this clock."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Wait, without waiting."""
        self.waits.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        """Wait, without waiting."""
        self.sleep(seconds)
