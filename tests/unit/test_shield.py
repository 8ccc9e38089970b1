"""A shielded request: what strikes the main thread meanwhile neither loses its answer nor stops its store."""

import os
import signal
import threading
from collections.abc import Generator
from contextvars import ContextVar

import pytest

from actionstep_connect.exceptions import ActionstepConnectError
from actionstep_connect.flows.database import shielded

struck = threading.Event()
here: ContextVar[str] = ContextVar("here", default="elsewhere")


class OwnFaultError(ActionstepConnectError):
    """What a request or a store raises itself."""


@pytest.fixture
def _time_out() -> Generator[None]:
    """Let SIGUSR1 do what Gunicorn's SIGABRT does to a worker."""

    def abort(*_: object) -> None:
        struck.set()
        raise SystemExit(1)

    struck.clear()
    former = signal.signal(signal.SIGUSR1, abort)
    yield
    signal.signal(signal.SIGUSR1, former)


@pytest.mark.usefixtures("_time_out")
def test_s51_what_strikes_in_the_request_waits_until_its_answer_is_stored() -> None:
    """The answer is stored once, and the time-out is raised after that."""
    stored: list[str] = []

    def request() -> str:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert struck.wait(10)
        return "answer"

    with pytest.raises(SystemExit):
        shielded(request, stored.append)
    assert stored == ["answer"]


@pytest.mark.usefixtures("_time_out")
def test_s51_what_strikes_before_the_request_begins_keeps_it_from_being_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is sent for a caller that is gone, and nothing waits for an answer that never comes."""
    requested: list[str] = []

    def strike(_: threading.Thread) -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert not struck.wait(10)

    monkeypatch.setattr(threading.Thread, "start", strike)
    with pytest.raises(SystemExit):
        shielded(lambda: requested.append("sent"), lambda _: requested.append("stored"))
    assert requested == []


def test_without_room_for_a_thread_the_request_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process at its limit of threads connects its users nevertheless."""

    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", full)
    assert shielded(threading.current_thread, lambda thread: thread) is threading.main_thread()


@pytest.mark.usefixtures("_time_out")
def test_s51_what_strikes_in_the_store_lets_it_be_repeated() -> None:
    """A store that is cut off is done again, and the time-out is raised after that."""
    stored: list[str] = []

    def store(answer: str) -> None:
        if not struck.is_set():
            os.kill(os.getpid(), signal.SIGUSR1)
            assert not struck.wait(10)
        stored.append(answer)

    with pytest.raises(SystemExit):
        shielded(lambda: "answer", store)
    assert stored == ["answer"]


def test_what_goes_wrong_by_itself_is_raised_once() -> None:
    """An error of the request's reaches no store, and one of the store's is not repeated."""
    stored: list[str] = []

    def refused() -> str:
        raise OwnFaultError("its own")

    with pytest.raises(OwnFaultError):
        shielded(refused, stored.append)
    assert stored == []

    def store(answer: str) -> None:
        stored.append(answer)
        raise OwnFaultError("its own")

    with pytest.raises(OwnFaultError):
        shielded(lambda: "answer", store)
    assert stored == ["answer"]


def test_the_request_runs_in_the_callers_context_and_the_store_in_its_thread() -> None:
    """Tenants and tracing that live in context variables hold; so does the caller's database connection."""
    token = here.set("tenant")
    try:
        found = shielded(
            lambda: (here.get(), threading.current_thread()),
            lambda answer: (*answer, threading.current_thread()),
        )
    finally:
        here.reset(token)
    where, requesting, storing = found
    assert where == "tenant"
    assert storing is threading.main_thread()
    assert requesting is not storing


def test_in_another_thread_nothing_can_strike() -> None:
    """There the request runs where it is: no thread more than needed."""
    found: list[threading.Thread] = []
    thread = threading.Thread(
        target=lambda: shielded(threading.current_thread, found.append), daemon=True
    )
    thread.start()
    thread.join()
    assert found == [thread]
