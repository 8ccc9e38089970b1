"""What a change of rows is called by hooks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from actionstep_connect.sandbox.store import Change, Row


@dataclass(frozen=True)
class Event:
    name: str
    resource: str
    row: Row
    """As it is now; as it last was if it is gone."""


@dataclass(frozen=True)
class Names:
    """The events of one resource; where there is none, hooks do not hear of it."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


def _usual(what: str, *, is_deleted_too: bool = False) -> Names:
    deleted = (f"{what}Deleted",) if is_deleted_too else ()
    return Names((f"{what}Created",), (f"{what}Updated",), deleted)


EVENTS: Mapping[str, Names] = {
    "actiondocuments": _usual("ActionDocument", is_deleted_too=True),
    # An older page has the second name.
    "actionparticipants": Names(
        created=("ActionParticipantAdded", "ActionParticipantCreated"),
        deleted=("ActionParticipantDeleted",),
    ),
    "actions": _usual("Action"),
    "datacollectionrecords": Names(
        updated=("DataCollectionRecordUpdated",), deleted=("DataCollectionRecordDeleted",)
    ),
    # A value comes into being when it is first set.
    "datacollectionrecordvalues": Names(
        created=("DataCollectionRecordValueUpdated",), updated=("DataCollectionRecordValueUpdated",)
    ),
    "disbursements": _usual("Disbursement"),
    "filenotes": _usual("FileNote"),
    "participants": _usual("Participant"),
    "tasks": _usual("Task"),
    "timeentries": _usual("TimeEntry"),
}
STEP_CHANGED = "StepChanged"


def events_of(changes: Sequence[Change]) -> Iterator[Event]:
    """Return what happened: a row that was written several times has changed once."""
    merged: dict[tuple[str, str], Change] = {}
    for change in changes:
        place = change.resource, change.key
        before = merged[place].before if place in merged else change.before
        merged[place] = Change(*place, before, change.after)
    for change in merged.values():
        yield from _events(change)


def _events(change: Change) -> Iterator[Event]:
    row = change.after or change.before
    if row is None or change.before == change.after:
        return
    names = EVENTS.get(change.resource, Names())
    if change.before is None:
        happened = names.created
    elif change.after is None:
        happened = names.deleted
    else:
        happened = names.updated
    for name in happened:
        yield Event(name, change.resource, row)
    if _moved_on(change):
        yield Event(STEP_CHANGED, change.resource, row)


def _moved_on(change: Change) -> bool:
    if change.resource != "actions" or not change.before or not change.after:
        return False
    return bool(change.before["links"]["step"] != change.after["links"]["step"])
