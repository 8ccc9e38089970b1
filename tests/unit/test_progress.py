"""Progress: a bar where someone watches, plain lines where a file or a program reads."""

import io
import re

import pytest
from django.core.management.base import OutputWrapper

from actionstep_connect.management import progress as module
from actionstep_connect.management.progress import progress


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def a_terminal_of_100_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment say what a terminal can do, and nothing about colour."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def work(out: io.StringIO, *, batches: int) -> str:
    with progress(OutputWrapper(out), total=1000 * batches, what="rows") as seen:
        for _ in range(batches):
            seen(1000)
    return out.getvalue()


def test_a_terminal_gets_a_bar_with_rate_and_time_left() -> None:
    """The bar is drawn in place, from before the first batch until the last one."""
    drawn = work(Terminal(), batches=3)
    assert "\x1b[" in drawn
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", drawn)
    assert re.search(r"rows +━+.* 3000/3000 +[\d,]+/s +0:00:00", plain)


def test_nothing_to_do_is_drawn_too() -> None:
    """An empty table breaks no bar."""
    assert "0/0" in work(Terminal(), batches=0)


@pytest.mark.parametrize("out", [io.StringIO, Terminal])
def test_without_rich_or_a_terminal_there_are_plain_lines(
    out: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line at the end, and none for each batch; no control characters."""
    if out is Terminal:
        monkeypatch.setattr(module, "HAS_RICH", False)
    said = work(out(), batches=3)
    assert re.fullmatch(r"rows: 3,000 of 3,000, [\d,]+/s, 0 s left\n", said)


def test_a_line_comes_whenever_the_interval_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line says how far it is, how fast it goes, and how long it will take."""
    monkeypatch.setattr(module, "INTERVAL", 0.0)
    lines = work(io.StringIO(), batches=3).splitlines()
    for line, done in zip(lines, ("1,000", "2,000", "3,000"), strict=True):
        assert re.fullmatch(rf"rows: {done} of 3,000, [\d,]+/s, \d+ s left", line)
