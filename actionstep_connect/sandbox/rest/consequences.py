"""What else changes with a row: each resource's own habits, beyond what its facts say.

To add one: write a function of a `Writing`; return the row as it is to be kept, or raise
`InvalidBody`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from actionstep_connect.sandbox.models import HookOwner
from actionstep_connect.sandbox.rest import uploads
from actionstep_connect.sandbox.rest.defaults import now
from actionstep_connect.sandbox.rest.viewer import Viewer
from actionstep_connect.sandbox.store import Row


@dataclass(frozen=True)
class Writing:
    """A row as it was (none if it is new), as it was said, and by whom."""

    before: Row | None
    row: Row
    viewer: Viewer

    def with_links(self, **links: Any) -> Row:
        return {**self.row, "links": {**self.row["links"], **links}}


def follow(table: str, writing: Writing) -> Row:
    consequence = CONSEQUENCES.get(table)
    return consequence(writing) if consequence else writing.row


def _of_action(writing: Writing) -> Row:
    before, row = writing.before, writing.row
    if before and before["status"] == row["status"]:
        return row
    return {**row, "statusTimestamp": now(writing.viewer)}


def _of_action_participant(writing: Writing) -> Row:
    if writing.before:
        return writing.row
    place = _place(writing.row)
    others = [row for row in writing.viewer.rows("actionparticipants") if _place(row) == place]
    return {**writing.row, "participantNumber": len(others) + 1}


def _place(row: Row) -> tuple[str, str]:
    return row["links"]["action"], row["links"]["participantType"]


def _of_choice(writing: Writing) -> Row:
    field = writing.viewer.find("datacollectionfields", writing.row["links"]["dataField"])
    return writing.with_links(dataCollection=field and field["links"]["dataCollection"])


def _of_participant_choice(writing: Writing) -> Row:
    key = writing.row["links"]["participantDataField"]
    field = writing.viewer.find("participanttypedatafields", key)
    return writing.with_links(participantType=field and field["links"]["participantType"])


def _of_action_document(writing: Writing) -> Row:
    return _with_file(writing, "actiondocuments", "DL::Actions", owner="action")


def _of_contact_document(writing: Writing) -> Row:
    return _with_file(writing, "contactdocuments", "CD::Contacts", owner="participant")


def _with_file(writing: Writing, resource: str, place: str, owner: str) -> Row:
    """Take an uploaded file to the place of the new row."""
    row = writing.row
    # Only a row that does not come through the API can be without a file.
    if writing.before or row["file"] is None:
        return row
    identifier = f"{place}::{row['links'][owner]}::{row['id']}"
    taken = uploads.take(row["file"], identifier, resource, writing.viewer)
    return {**row, **taken, "name": row["name"] or taken["fileName"], "file": identifier}


def _of_hook(writing: Writing) -> Row:
    """Remember whose hook it is; one that is sent again is active again."""
    before, row = writing.before, writing.row
    if before:
        return {**row, "status": "Active"} if row["status"] == before["status"] else row
    HookOwner.objects.update_or_create(
        orgkey=writing.viewer.firm.orgkey,
        hook=str(row["id"]),
        defaults={"grant": writing.viewer.grant},
    )
    return row


def _of_task(writing: Writing) -> Row:
    row = writing.row
    if row["status"] == "Complete" and not row["completedTimestamp"]:
        return {**row, "completedTimestamp": now(writing.viewer)}
    return row


CONSEQUENCES: Mapping[str, Callable[[Writing], Row]] = {
    "actiondocuments": _of_action_document,
    "actionparticipants": _of_action_participant,
    "actions": _of_action,
    "contactdocuments": _of_contact_document,
    "datacollectionfielddropdownchoices": _of_choice,
    "participantdatafielddropdownchoices": _of_participant_choice,
    "resthooks": _of_hook,
    "tasks": _of_task,
}
