"""Runs of pytest: each ends and leaves nothing behind, and a failure can be repeated."""

import os
import re
import shlex
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.plugins.reaper import VARIABLE, processes_of
from tests.support.documents import ROOT
from tests.support.gate import wait_until

pytestmark = pytest.mark.alone

#: Has all that a run may start: a sandbox, a database, a browser; and it does not end.
BUSY = """
import os, threading
from pathlib import Path
from django.conf import settings
from actionstep_connect.testing.process import running_sandbox
from tests.support.chromium import running_chromium

def test_that_does_not_end(transactional_db, tmp_path):
    with running_sandbox(tmp_path), running_chromium(tmp_path):
        Path(os.environ["READY"]).write_text(settings.DATABASES["default"]["OPTIONS"]["host"])
        threading.Event().wait()
"""
HANGING = """
import threading, pytest

@pytest.mark.timeout(1)
def test_that_hangs_in_its_cleanup():
    try:
        threading.Event().wait()
    finally:
        threading.Event().wait()

def test_behind_it():
    pass
"""
FAILING = """
import random
import pytest

@pytest.mark.parametrize("number", range(5))
def test_that_fails_behind_another(number):
    assert number != 3, f"drew {random.random()}"
"""


@contextmanager
def running_pytest(folder: Path, *arguments: str, **more: str) -> Iterator["Run"]:
    """Run pytest as this project is run, but on a module of its own."""
    own = uuid.uuid4().hex
    ours = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_", "PYTEST_CURRENT_TEST", "CI")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment = (
        kept | {VARIABLE: f"{kept.get(VARIABLE, '')} {own}", "PYTHONPATH": str(ROOT)} | more
    )
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-v"]
    command += [f"--rootdir={folder}", "-p", "no:cacheprovider"]
    with subprocess.Popen(
        [*command, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield Run(process, own)
        finally:
            process.kill()


class Run:
    """One run of pytest, and what it has started."""

    def __init__(self, process: "subprocess.Popen[str]", own: str) -> None:
        self.process, self._own = process, own

    def processes(self) -> str:
        """Return the names of its processes."""
        names = []
        for each in processes_of(self._own):
            try:
                names.append(each.name())
            except psutil.NoSuchProcess:
                continue
        return " ".join(names)

    def output(self) -> str:
        """Return what it has printed, once it has ended."""
        printed, _ = self.process.communicate(timeout=60)
        return printed


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ([], signal.SIGTERM),
        (["-n", "1"], signal.SIGTERM),
        (["-n", "1"], signal.SIGKILL),
    ],
    ids=["SIGTERM", "SIGTERM-xdist", "SIGKILL-xdist"],
)
def test_a_killed_run_leaves_nothing_behind(
    tmp_path: Path, options: list[str], number: signal.Signals
) -> None:
    """Sandbox, PostgreSQL, Chromium and workers end with it, and its folder goes."""
    (tmp_path / "test_scratch.py").write_text(BUSY)
    ready = tmp_path / "ready"
    options = [*options, "--database=postgresql", "."]
    with running_pytest(tmp_path, *options, READY=str(ready)) as run:
        wait_until(lambda: run.process.poll() is not None or (ready.exists() and ready.read_text()))
        assert run.process.poll() is None, run.output()
        database = Path(ready.read_text())
        assert database.is_dir()
        assert {"postgres", "chromium"} <= {name.split("-")[0] for name in run.processes().split()}
        run.process.send_signal(number)
        output = run.output()
        assert run.process.returncode in {-number, 128 + number}, output
        wait_until(lambda: not run.processes())
        assert not database.exists()
    if number == signal.SIGTERM:
        assert re.search(r"was running: test_scratch.py::test_that_does_not_end", output), output


def test_a_failure_can_be_repeated_alone_and_as_it_was(tmp_path: Path) -> None:
    """The printed command lines run it with the same random numbers, behind the same tests."""
    (tmp_path / "test_scratch.py").write_text(FAILING)
    with running_pytest(tmp_path, "-n", "1", ".") as run:
        output = run.output()
    assert run.process.returncode == 1, output
    until_it_failed = verdicts(output)[: verdicts(output).index("FAILED") + 1]
    lines = re.findall(r"^(?:alone|as it was): +uv run pytest (.+)$", output, re.MULTILINE)
    for line, expected in zip(lines, (["FAILED"], until_it_failed), strict=True):
        with running_pytest(tmp_path, *shlex.split(line.replace("@", f"@{ROOT}/"))) as run:
            again = run.output()
        assert verdicts(again) == expected, again
        assert drawn(again) == drawn(output)


def test_what_hangs_in_its_cleanup_ends_its_process_and_says_where(tmp_path: Path) -> None:
    """The other tests are run by another worker."""
    (tmp_path / "test_scratch.py").write_text(HANGING)
    with running_pytest(tmp_path, "-n", "1", ".") as run:
        output = run.output()
    assert run.process.returncode == 1, output
    assert re.search(r"test_scratch\.py\", line \d+ in test_that_hangs_in_its_cleanup", output), (
        output
    )
    assert "1 failed, 1 passed" in output


def test_deployments_are_run_only_when_they_are_asked_for(tmp_path: Path) -> None:
    """Their servers are installed first, so a run of everything else leaves them out."""
    folder = tmp_path / "tests" / "deployments"
    folder.mkdir(parents=True)
    (folder / "test_scratch.py").write_text(FAILING)
    for asked, found in ((".", 0), ("tests", 0), ("tests/deployments", 5)):
        with running_pytest(tmp_path, "--collect-only", asked) as run:
            assert run.output().count("<Function test_that_fails") == found


def verdicts(output: str) -> list[str]:
    """Return what became of the tests, in their order."""
    # xdist puts it before the name.
    pattern = (
        r"(PASSED|FAILED) (?:\[ *\d+%\] )?\S*test_scratch|test_scratch\.py::\S+ (PASSED|FAILED)"
    )
    summary = output.find("short test summary")
    return ["".join(found) for found in re.findall(pattern, output[:summary])]


def drawn(output: str) -> set[str]:
    """Return the random numbers that were drawn."""
    return set(re.findall(r"drew (0\.\d+)", output))
