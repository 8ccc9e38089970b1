"""What Actionstep's events are called, and which rows they are about.

The list is not closed: any other name can be registered, and nothing is then known of its rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an event says of a row."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    OTHER = "other"
    """More than that it changed, such as that a matter moved to another step."""


@dataclass(frozen=True, slots=True)
class Event:
    """What is known of an event."""

    resource: str
    kind: Kind


def _usual(name: str, resource: str) -> dict[str, Event]:
    return {
        f"{name}Created": Event(resource, Kind.CREATED),
        f"{name}Updated": Event(resource, Kind.UPDATED),
    }


EVENTS: Mapping[str, Event] = {
    **_usual("Action", "actions"),
    **_usual("ActionDocument", "actiondocuments"),
    "ActionDocumentDeleted": Event("actiondocuments", Kind.DELETED),
    "ActionParticipantAdded": Event("actionparticipants", Kind.CREATED),
    "ActionParticipantDeleted": Event("actionparticipants", Kind.DELETED),
    "DataCollectionRecordUpdated": Event("datacollectionrecords", Kind.UPDATED),
    "DataCollectionRecordDeleted": Event("datacollectionrecords", Kind.DELETED),
    "DataCollectionRecordValueUpdated": Event("datacollectionrecordvalues", Kind.UPDATED),
    **_usual("Disbursement", "disbursements"),
    **_usual("FileNote", "filenotes"),
    **_usual("Participant", "participants"),
    "StepChanged": Event("actions", Kind.OTHER),
    **_usual("Task", "tasks"),
    **_usual("TimeEntry", "timeentries"),
}
