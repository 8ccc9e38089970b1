"""What a row has that its author did not say: who wrote it, when, and how it starts."""

from collections.abc import Callable, Mapping
from typing import Any

from actionstep_connect.sandbox.clock import clock
from actionstep_connect.sandbox.facts.resource import Kind, Resource
from actionstep_connect.sandbox.rest.values import timestamp
from actionstep_connect.sandbox.rest.viewer import Viewer

Default = Callable[[Viewer], Any]


def now(viewer: Viewer) -> str:
    return timestamp(clock.now(), viewer.firm.zone)


def today(viewer: Viewer) -> str:
    return now(viewer)[:10]


def _participant(viewer: Viewer) -> str:
    return str(viewer.membership.participant)


CREATED: Mapping[str, Default] = {
    "createdTimestamp": now,
    "enteredTimestamp": now,
    "noteTimestamp": now,
    "enteredBy": lambda viewer: viewer.membership.person.name,
    "enteredByParticipant": lambda viewer: viewer.membership.participant,
}
"""By member, whatever the resource."""

CREATED_LINKS: Mapping[str, Default] = {
    "createdBy": _participant,
    "enteredByParticipant": _participant,
    "owner": _participant,
    "division": lambda _: "1",
}

MODIFIED: Mapping[str, Default] = {
    "modifiedTimestamp": now,
    "lastModifiedTimestamp": now,
    "last_modified_time_stamp": now,
    "last_modified_by_user_id": lambda viewer: viewer.membership.number,
}
"""They move at each change, whatever the body says."""

STARTS: Mapping[tuple[str, str], Any] = {
    ("actiondocuments", "status"): "uploaded",
    ("contactdocuments", "status"): "uploaded",
    ("contactnotes", "source"): "User",
    ("filenotes", "source"): "User",
    ("datacollectionrecords", "canDelete"): "T",
    ("datacollectionrecords", "canWrite"): "T",
    ("resthooks", "status"): "Active",
    ("tasks", "priority"): "Normal",
    ("timeentries", "billingBehavior"): "Bill",
    ("timeentries", "isBillable"): "T",
    ("timeentries", "timerStatus"): "Stopped",
}

BARE_DATES = {("actions", "createdTimestamp"), ("participants", "createdTimestamp")}
"""Recorded without a time of day."""

SAME_AS = {("timeentries", "billableHours"): "actualHours"}


def fill(
    resource: Resource, members: dict[str, Any], links: dict[str, Any], viewer: Viewer
) -> None:
    """Complete what a new row says; numbers start at nothing, flags at "F", texts empty."""
    for name, value in members.items():
        if value is None:
            members[name] = start(resource, name, members, viewer)
    for name, value in links.items():
        if not value:
            links[name] = start_of_link(resource, name, viewer)


def start_of_link(resource: Resource, name: str, viewer: Viewer) -> Any:
    link = resource.links[name]
    is_author = name in CREATED_LINKS or (resource.name, name) == ("filenotes", "participant")
    if not is_author or link.is_list:
        return link.nothing
    return CREATED_LINKS.get(name, _participant)(viewer)


def stamp(resource: Resource, members: dict[str, Any], viewer: Viewer) -> None:
    """Note when and by whom a row was changed."""
    members.update(
        {name: how(viewer) for name, how in MODIFIED.items() if name in resource.members}
    )


def start(resource: Resource, name: str, members: Mapping[str, Any], viewer: Viewer) -> Any:
    """Return what a member is before anything is said of it."""
    place = (resource.name, name)
    if place in BARE_DATES:
        return today(viewer)
    if place in STARTS:
        return STARTS[place]
    if place in SAME_AS:
        return members.get(SAME_AS[place])
    if name in CREATED:
        return CREATED[name](viewer)
    return {Kind.BOOLEAN: "F", Kind.INTEGER: 0}.get(resource.members[name].kind)
