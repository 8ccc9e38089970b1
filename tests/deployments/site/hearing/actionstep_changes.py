"""Handlers that note what they hear: one what the call said, one what the row is now."""

from collections.abc import Mapping
from typing import Any

from actionstep_connect.hooks.api import Change, on_change
from actionstep_connect.models import Connection
from tests.deployments.site.hearing.models import Heard

EVENTS = ("ActionUpdated", "TaskUpdated", "ParticipantCreated", "FileNoteCreated")
#: Where a row has what it is called here.
NAMES = ("name", "lastName", "text")
#: One change in so many is refused the first time.
REFUSED = 20


@on_change(*EVENTS, read_again=False)
def note_what_was_said(_: Connection, change: Change) -> None:
    """Note what the call held."""
    said = change.payload or {}
    _note(change, said.get("attributes", said), is_read_again=False)


@on_change(*EVENTS)
def note_what_is(_: Connection, change: Change) -> None:
    """Note what the row is now, but refuse some changes once."""
    if change.id % REFUSED == 0 and change.attempt == 1:
        raise RuntimeError("not now")
    _note(change, change.row or {}, is_read_again=True)


def _note(change: Change, row: Mapping[str, Any], *, is_read_again: bool) -> None:
    Heard.objects.create(
        change=change.id,
        event=change.event,
        row_id=change.row_id,
        name=next((str(row[name]) for name in NAMES if row.get(name)), ""),
        is_read_again=is_read_again,
        caught_up=change.caught_up,
    )
