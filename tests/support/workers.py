"""Worker processes of the tests: kept alive, told what to do over pipes, starting at one moment.

They come out of a fork server that has Django ready, so that eight cost little more than one. Each
may hatch children of its own, which do nothing but maintenance until someone kills them.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from typing import Any

import django
from django.conf import settings
from django.core.signals import setting_changed
from django.db import connections

START_SECONDS = 0.01  # from an order to its start: enough to reach every pipe
TIMEOUT = 60  # seconds to wait for an answer

_processes = multiprocessing.get_context("forkserver")


class Worker:
    """One process, which does one job at a time."""

    def __init__(self, process: BaseProcess, pipe: Pipe) -> None:
        self.process, self._pipe = process, pipe

    def tell(self, job: str, *arguments: Any, at: float = 0.0) -> None:
        """Have `job` begin when the monotonic clock, one for all processes, shows `at`."""
        self._pipe.send((job, arguments, at))

    def has_answered(self) -> bool:
        """Return whether the job is done."""
        return self._pipe.poll()

    def answer(self) -> Any:
        """Return what came of the job; a string that begins with `error` if it raised."""
        assert self._pipe.poll(TIMEOUT), "a worker does not answer"
        return self._pipe.recv()

    def do(self, job: str, *arguments: Any) -> Any:
        """Have `job` done and return what came of it."""
        self.tell(job, *arguments)
        return self.answer()

    def kill(self) -> None:
        """Kill it with SIGKILL, and see it dead."""
        self.process.kill()
        self.process.join(TIMEOUT)

    def end(self) -> None:
        """Let it go home; kill it if it does not."""
        if self.process.is_alive():
            self._pipe.send(None)
            self.process.join(5)
        if self.process.is_alive():
            self.kill()
        self._pipe.close()


@contextmanager
def running_workers(count: int, **database: Any) -> Generator[list[Worker]]:
    """Run `count` workers on the test's database and settings; `database` changes the former."""
    workers = [_start(database) for _ in range(count)]
    try:
        for worker in workers:
            assert worker.do("ready") == "ready"
        yield workers
    finally:
        for worker in workers:
            worker.end()


def at_once(orders: Iterable[tuple[Worker, str, tuple[Any, ...]]]) -> list[Any]:
    """Have all orders begin at one moment, and return what came of each; none may have raised."""
    told, at = [], time.monotonic() + START_SECONDS
    for worker, job, arguments in orders:
        worker.tell(job, *arguments, at=at)
        told.append(worker)
    answers = [worker.answer() for worker in told]
    assert not [answer for answer in answers if str(answer).startswith("error")], answers
    return answers


def kill_hatched(pid: int) -> None:
    """Kill a hatched process with SIGKILL, and see it dead."""
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + TIMEOUT
    while _is_alive(pid):
        assert time.monotonic() < deadline, "a killed process lives on"
        time.sleep(0.002)


def database_of_this_test() -> dict[str, Any]:
    """Return what leads another process to the database of the running test."""
    present = connections["default"].settings_dict
    return {"NAME": str(present["NAME"]), "OPTIONS": dict(present["OPTIONS"])}


def _start(database: dict[str, Any]) -> Worker:
    # The fork server forks from a process that has done `django.setup()`.
    _processes.set_forkserver_preload(["tests.support.nursery"])
    ours, theirs = _processes.Pipe()
    setup = ({**database_of_this_test(), **database}, settings.ACTIONSTEP_CONNECT)
    process = _processes.Process(target=_work, args=(theirs, *setup), daemon=True)
    process.start()
    theirs.close()
    return Worker(process, ours)


def _work(pipe: Pipe, database: dict[str, Any], values: dict[str, Any]) -> None:
    django.setup()
    connections.databases["default"].update(database)
    settings.ACTIONSTEP_CONNECT = values
    setting_changed.send(sender=None, setting="ACTIONSTEP_CONNECT", value=values, enter=True)
    # Only now, for models need Django.
    from tests.support.jobs import JOBS  # noqa: PLC0415

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Hatched processes are no one's to wait for.
    while (order := pipe.recv()) is not None:
        name, arguments, at = order
        time.sleep(max(at - time.monotonic(), 0))
        pipe.send(_do(JOBS[name], arguments))


def _do(job: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    try:
        return job(*arguments)
    except Exception as error:  # noqa: BLE001 - the test asks what happened.
        return f"error {type(error).__name__}: {error}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
