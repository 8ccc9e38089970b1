"""Threads that do the same at the same time."""

import threading
from collections.abc import Callable

from django.db import connections


def together(work: Callable[[], object], count: int) -> None:
    """Let that many threads do `work` at once, each on database connections of its own."""
    gate = threading.Barrier(count)

    def job() -> None:
        gate.wait()
        try:
            work()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=job) for _ in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
