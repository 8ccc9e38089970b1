"""A token endpoint that holds its answer back until a test lets it go."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue
from typing import Any

from django.db import connections

from tests.support.hostile_server import Answer, HostileServer, grant

TIMEOUT = 60  # seconds: a busy machine takes long to start a worker


@dataclass(frozen=True)
class Gate:
    """One request, which has arrived and is answered when `open` is called."""

    server: HostileServer
    event: threading.Event

    def wait(self, *, requests: int = 1) -> None:
        """Wait until so many requests have arrived."""
        wait_until(lambda: len(self.server.requests) >= requests)

    def open(self) -> None:
        """Let the answer go."""
        self.event.set()


def close_gate(server: HostileServer, **answer: Any) -> Gate:
    """Have the next answer held back; without anything said it is a good one."""
    event = threading.Event()
    server.script([Answer(**{"body": grant(), **answer}, gate=event)])
    return Gate(server, event)


def wait_until(condition: Any) -> None:
    """Wait until `condition()` is true, or fail."""
    pause = threading.Event()
    for _ in range(TIMEOUT * 100):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("what was waited for did not happen")


@contextmanager
def meanwhile(work: Any) -> Generator["Queue[Any]"]:
    """Do `work` in a thread of its own while the block runs; its result or error is in the queue."""
    result: Queue[Any] = Queue()

    def run() -> None:
        try:
            result.put(work())
        except Exception as error:  # noqa: BLE001 - the test looks at it.
            result.put(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield result
    finally:
        thread.join(TIMEOUT)
        assert not thread.is_alive()
