"""Progress with rate and time left: a bar on a terminal that has rich, plain lines elsewhere."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from django.core.management.base import OutputWrapper

try:
    import rich.progress as bars
except ImportError:  # The extra `progress` brings it.
    HAS_RICH = False
else:
    HAS_RICH = True

#: Seconds between two plain lines.
INTERVAL = 5.0


@contextmanager
def progress(out: OutputWrapper, *, total: int, what: str) -> Generator[Callable[[int], None]]:
    """Give what is told of each batch how many rows it had."""
    if HAS_RICH and out.isatty():
        with _bar() as bar:
            task = bar.add_task(what, total=total)
            yield lambda rows: bar.advance(task, rows)
    else:
        yield _Lines(out, total=total, what=what).add


def _bar() -> "bars.Progress":
    return bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.speed:,.0f}/s"),
        bars.TimeRemainingColumn(),
    )


class _Lines:
    def __init__(self, out: OutputWrapper, *, total: int, what: str) -> None:
        self._out, self._total, self._what = out, total, what
        self._begun = self._said = time.monotonic()
        self._done = 0

    def add(self, rows: int) -> None:
        self._done += rows
        now = time.monotonic()
        if now - self._said < INTERVAL and self._done < self._total:
            return
        self._said = now
        rate = self._done / max(now - self._begun, 0.001)
        left = max(self._total - self._done, 0) / max(rate, 1)
        self._out.write(
            f"{self._what}: {self._done:,} of {self._total:,}, {rate:,.0f}/s, {left:.0f} s left"
        )
