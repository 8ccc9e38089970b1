"""How quick it is, in processor time: what others do on the machine is not counted."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from actionstep_connect.testing import Sandbox
from tests.support.sandbox import process_of
from tests.support.visitor import Application

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 1.5
PAGE_SECONDS = 0.040
RESET_SECONDS = 0.020
ATTEMPTS = 6
"""A busy machine takes longer for the same work; one good attempt shows that it can be done."""

REPETITIONS = 20
PAGES = (
    "timerecords?pageSize=200&include=action,owner",
    "tasks?pageSize=200&include=action,assignee&sort=-lastModifiedTimestamp&status_nteq=Hidden",
    "filenotes?pageSize=200&include=action.assignedTo,participant&text_ilike=*e*",
)


def processor_time(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def quickest(process: psutil.Process, work: Callable[[], object], limit: float) -> float:
    """Return the least processor time that the work took, on average; stop once it is good."""
    best = float("inf")
    for _ in range(ATTEMPTS):
        before = processor_time(process)
        for _ in range(REPETITIONS):
            work()
        best = min(best, (processor_time(process) - before) / REPETITIONS)
        if best < limit:
            break
    return best


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_200_rows_with_two_includes_is_quick(
    sandbox: Sandbox, application: Application, path: str
) -> None:
    """It takes less than 40 ms of one core, whatever is filtered and sorted."""
    tokens = application.issued()
    assert len(application.api(tokens, path).json()["linked"]) == 2
    process = process_of(sandbox)
    assert quickest(process, lambda: application.api(tokens, path), PAGE_SECONDS) < PAGE_SECONDS


def test_a_reset_is_quick(sandbox: Sandbox, application: Application) -> None:
    """It takes less than 20 ms, rows written since the last one included."""
    body = {"filenotes": {"text": "Called.", "links": {"action": "3"}}}

    def write_and_reset() -> None:
        application.api(application.issued(), "filenotes", "POST", json=body)
        sandbox.reset()

    process = process_of(sandbox)
    assert quickest(process, write_and_reset, RESET_SECONDS) < RESET_SECONDS


def test_it_starts_quickly() -> None:
    """All resources, rows and pages are there within a second and a half."""
    command = [sys.executable, "-u", "-m", "actionstep_connect.sandbox", "--port", "0"]
    best = float("inf")
    for _ in range(ATTEMPTS):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout
            assert "ready" in process.stdout.readline()
            best = min(best, processor_time(psutil.Process(process.pid)))
            process.terminate()
        if best < START_SECONDS:
            break
    assert best < START_SECONDS
