"""With xdist, tests marked ``long`` begin first, shared among the workers; the others stay in random order.

A long test that began last would leave the other cores idle until it ends.
"""

from typing import TypeVar

import pytest

Item = TypeVar("Item")


@pytest.hookimpl(tryfirst=True)  # Before xdist tells the order that a worker has collected.
def pytest_collection_finish(session: pytest.Session) -> None:
    """Put them in front, in a worker of xdist only: a run that is repeated keeps its order."""
    workers = getattr(session.config, "workerinput", {}).get("workercount", 0)
    if workers:
        is_long = [item.get_closest_marker("long") is not None for item in session.items]
        session.items[:] = longest_first(session.items, is_long, workers)


def longest_first(items: list[Item], is_long: list[bool], workers: int) -> list[Item]:
    """Return the items in the order in which each worker's part begins with its share of the long ones.

    ``--dist=worksteal`` gives each worker one part of the list, and steals from the ends of parts.
    """
    first = [item for item, long in zip(items, is_long, strict=True) if long]
    rest = [item for item, long in zip(items, is_long, strict=True) if not long]
    ordered: list[Item] = []
    for worker in range(workers):
        share = first[worker::workers]
        size = (len(items) - len(ordered)) // (workers - worker)
        more = max(0, size - len(share))
        ordered += [*share, *rest[:more]]
        rest = rest[more:]
    return ordered + rest
