"""A test that hangs where no exception reaches it, such as in its clean-up, ends its process.

pytest-timeout raises in the test, once. What a fixture does after that has no limit: it gets this one.
The stacks of all threads go to standard error, and xdist puts another worker in the place of a lost one.
"""

import faulthandler
import os
import sys
from collections.abc import Generator
from typing import Any

import pytest

STDERR = pytest.StashKey[int]()


def limit(timeout: float) -> float:
    """Return after how many seconds a test's process ends whose own time limit is `timeout` seconds."""
    return 1.25 * timeout + 5


def pytest_configure(config: pytest.Config) -> None:
    """Keep what is standard error while nothing is captured."""
    config.stash[STDERR] = os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 2)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close it."""
    os.close(config.stash[STDERR])


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> Generator[None, Any, Any]:
    """Set the limit when pytest-timeout sets its own."""
    faulthandler.dump_traceback_later(
        limit(settings.timeout), exit=True, file=item.config.stash[STDERR]
    )
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_timeout_cancel_timer() -> Generator[None, Any, Any]:
    """Lift it when the test and its fixtures have ended."""
    faulthandler.cancel_dump_traceback_later()
    return (yield)
