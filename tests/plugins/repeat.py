"""After a failure: how to run that test again, alone and behind the tests that ran before it.

With xdist no one can tell beforehand which worker runs which test, so what each ran is kept.
"""

import shlex
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

ARTIFACTS = Path(__file__).resolve().parents[2] / ".test-artifacts"


class Repeat:
    """Notes the order of the tests in each process, for the one that reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._order: defaultdict[str, list[str]] = defaultdict(list)
        self._failed: dict[str, str] = {}
        self._running: dict[str, None] = {}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note what runs."""
        self._running[nodeid] = None

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Note what has ended."""
        self._running.pop(nodeid, None)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note where a test ran, and whether it failed there."""
        node: Any = getattr(report, "node", None)  # xdist's.
        process = node.gateway.id if node else "main"
        if report.when in {"setup", "???"}:  # xdist does not know when a worker was lost.
            self._order[process].append(report.nodeid)
        if report.failed:
            self._failed.setdefault(report.nodeid, process)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print two command lines for each failure, and what a run was busy with that was cut off."""
        if self._failed:
            terminalreporter.section("to run it again")
        for nodeid, process in self._failed.items():
            order = self._keep_order(nodeid, process)
            alone = self._command(shlex.quote(nodeid))
            as_it_was = self._command(
                "--randomly-dont-reorganize", f"@{order.relative_to(ARTIFACTS.parent)}"
            )
            terminalreporter.line(f"alone:       {alone}")
            terminalreporter.line(f"as it was:   {as_it_was}")
        for nodeid in self._running:
            terminalreporter.line(f"was running: {nodeid}")

    def _command(self, *arguments: str) -> str:
        database = f"--database={self._config.getoption('database')}"
        seed = self._config.getoption("randomly_seed", None)
        order = "-p no:randomly" if seed is None else f"--randomly-seed={seed}"
        return " ".join(("uv run pytest", database, order, *arguments))

    def _keep_order(self, nodeid: str, process: str) -> Path:
        before = self._order[process]
        upto = before[: before.index(nodeid) + 1] if nodeid in before else [*before, nodeid]
        folder = ARTIFACTS / "order"
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self._config.getoption('database')}-{process}-{len(upto)}.txt"
        file.write_text("\n".join(upto) + "\n")
        return file


def pytest_configure(config: pytest.Config) -> None:
    """Report from the one process that prints."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Repeat(config), "repeat")
