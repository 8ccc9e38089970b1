"""A measured value beside what it is to reach, and how times and memory are read."""

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One measured value, and what it is to reach: at least, or at most."""

    name: str
    value: float
    unit: str
    reach: float
    sense: Literal["min", "max"]

    @property
    def ok(self) -> bool:
        """Whether it is reached."""
        return self.value >= self.reach if self.sense == "min" else self.value <= self.reach


def median_ms(work: Callable[[], object], *, repeat: int) -> float:
    """Return how many milliseconds `work` takes, the median of `repeat` times."""
    times = []
    for _ in range(repeat):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


def resident_mib() -> float:
    """Return the memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20
