"""What is measured of both. Knows nothing of either."""

import json
import time
from collections.abc import Callable

from django.db import connection as database
from django.test.utils import CaptureQueriesContext


def measure(count: int, fill: Callable[[], None], refresh: Callable[[], int]) -> None:
    """Refresh for the rate and the CPU, and again for the statements. Print JSON."""
    fill()
    begun, worked = time.perf_counter(), time.process_time()
    refreshed = refresh()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
    assert refreshed == count, refreshed
    fill()
    with CaptureQueriesContext(database) as queries:
        assert refresh() == count
    figures = {
        "refreshes a second, one process": count / seconds,
        "CPU for each refresh, ms": 1000 * cpu / count,
        "SQL statements for each refresh": len(queries) / count,
    }
    print(json.dumps(figures))
