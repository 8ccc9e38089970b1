"""Progress with rate and time left: a bar on a terminal that has rich, plain lines elsewhere."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import IO, cast

from django.core.management.base import OutputWrapper

try:
    import rich.console
    import rich.progress as bars
except ImportError:  # The extra `progress` brings it.
    HAS_RICH = False
else:
    HAS_RICH = True

#: Seconds between two plain lines.
INTERVAL = 5.0


@contextmanager
def progress(out: OutputWrapper, *, total: int, what: str) -> Generator[Callable[[int], None]]:
    """Yield a function to call with the number of rows of each finished batch."""
    if HAS_RICH and out.isatty():
        with _bar(out) as bar:
            yield _Bar(bar, total=total, what=what).add
    else:
        yield _Lines(out, total=total, what=what).add


class _Pace:
    def __init__(self) -> None:
        self._begun = time.monotonic()
        self.done = 0

    def add(self, rows: int) -> None:
        self.done += rows

    @property
    def rate(self) -> float:
        """Rows a second, from the beginning until now."""
        return self.done / max(time.monotonic() - self._begun, 0.001)


def _bar(out: OutputWrapper) -> "bars.Progress":
    return bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[rate]}"),  # rich's own speed is None before the second batch.
        bars.TimeRemainingColumn(),
        # Past the wrapper, which would end each piece as a line.
        console=rich.console.Console(file=cast("IO[str]", out._out)),
    )


class _Bar:
    def __init__(self, bar: "bars.Progress", *, total: int, what: str) -> None:
        self._bar, self._pace = bar, _Pace()
        self._task = bar.add_task(what, total=total, rate="")

    def add(self, rows: int) -> None:
        self._pace.add(rows)
        self._bar.update(self._task, advance=rows, rate=f"{self._pace.rate:,.0f}/s")


class _Lines:
    def __init__(self, out: OutputWrapper, *, total: int, what: str) -> None:
        self._out, self._total, self._what = out, total, what
        self._pace, self._said = _Pace(), time.monotonic()

    def add(self, rows: int) -> None:
        self._pace.add(rows)
        done, now = self._pace.done, time.monotonic()
        if now - self._said < INTERVAL and done < self._total:
            return
        self._said = now
        rate = self._pace.rate
        left = max(self._total - done, 0) / max(rate, 1)
        self._out.write(
            f"{self._what}: {done:,} of {self._total:,}, {rate:,.0f}/s, {left:.0f} s left"
        )
