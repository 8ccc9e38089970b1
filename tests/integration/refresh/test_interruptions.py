"""S27: an exception from outside, such as Ctrl-C, at any line of a run: what was answered is stored."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from django.db import DatabaseError
from django.db import connection as database

from actionstep_connect.flows.refresh import refresh_due
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.connections import expired, sandbox_connections
from tests.support.sandbox import requests

pytestmark = pytest.mark.django_db(transaction=True)


class Interruption(BaseException):
    """What the signal raises, as Ctrl-C raises KeyboardInterrupt."""


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let SIGUSR1 raise in the main thread, wherever that is, the first time it comes."""

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        raise Interruption

    before = signal.signal(signal.SIGUSR1, interrupt)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("milliseconds", range(1, 90, 4))
def test_s27_an_interruption_at_any_moment_loses_no_answer(
    sandbox: Sandbox, interruptible: None, milliseconds: int
) -> None:
    """It ends the run, once every answer under way is stored."""
    sandbox_connections(sandbox, 100, **expired())
    timer = threading.Timer(milliseconds / 1000, os.kill, (os.getpid(), signal.SIGUSR1))
    # Python drops one that strikes in a finalizer; and to roll back within a statement may fail.
    with suppress(Interruption, DatabaseError):
        timer.start()
        refresh_due()
        timer.join()
    database.close()  # It may have struck within a statement, before the run or after it.
    assert Connection.objects.filter(generation=2).count() == requests(sandbox)


def test_s27_an_interruption_while_a_thread_starts_loses_no_answer(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread runs nevertheless, though anyone who started it was never told."""
    sandbox_connections(sandbox, 8, **expired())
    start, started = threading.Thread.start, []

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        started.append(thread)
        if len(started) == 3:
            raise Interruption

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(Interruption):
        refresh_due()
    assert Connection.objects.filter(generation=2).count() == requests(sandbox)
    rest = Connection.objects.filter(generation=1)
    assert not rest.exclude(lease_owner="", outcome_unknown_since=None).exists()
