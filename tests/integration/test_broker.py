"""The folder that is the broker of the demo."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection

from example_project.local import broker_options
from tests.support.threads import together


@contextmanager
def a_channel(folder: Path) -> Iterator[Any]:
    """Open the broker in `folder` as a worker does."""
    with Connection(
        "filesystem://localhost",
        transport="example_project.broker:Transport",
        transport_options=broker_options(folder),
    ) as connection:
        yield connection.default_channel


class Looking:
    """A payload that looks for its own message in the moment in which it is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: list[Any] = []

    def __json__(self) -> str:
        with a_channel(self.folder) as channel, suppress(Empty):
            self.found.append(channel._get("actionstep"))
        return "written"


def test_a_message_is_never_read_half_written(tmp_path: Path) -> None:
    """A worker that looks while a message is written finds none, and finds it whole afterwards."""
    payload = Looking(tmp_path)
    with a_channel(tmp_path) as channel:
        channel._put("actionstep", {"body": payload})
        assert payload.found == []
        assert channel._get("actionstep") == {"body": "written"}
        with pytest.raises(Empty):
            channel._get("actionstep")


def test_a_message_that_was_cut_short_stops_no_worker(tmp_path: Path) -> None:
    """What a full disk left of a message is put away, and the next message comes."""
    with a_channel(tmp_path) as channel:
        (tmp_path / "messages" / "0_x.actionstep.msg").write_text('{"body": ')
        channel._put("actionstep", {"body": "whole"})
        assert channel._get("actionstep") == {"body": "whole"}
        assert list((tmp_path / "messages").iterdir()) == []


def test_processes_that_start_at_once_find_their_queues(tmp_path: Path) -> None:
    """Worker and beat declare the same queue at the same moment, on a fresh folder, and both go on."""
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        broker_options(folder)
        declared: list[str] = []

        def declare(folder: Path = folder, declared: list[str] = declared) -> None:
            with a_channel(folder) as channel:
                # As each process does, whose threads remember what they have declared.
                channel._queue_bind("exchange", "key", "", "queue")
                declared.extend(row.queue for row in channel.get_table("exchange"))

        together(declare, 4)
        assert declared == ["queue"] * 4
