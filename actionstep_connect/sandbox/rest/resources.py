"""The resources: their members, their links, and which rows an end-user may see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.db.models import Model, QuerySet

from actionstep_connect.sandbox.models import (
    Access,
    Action,
    FileNote,
    Membership,
    Participant,
    TimeRecord,
)
from actionstep_connect.sandbox.rest.problems import ApiProblem

Kind = Literal["number", "text", "decimal", "boolean", "date", "time"]


@dataclass(frozen=True)
class Attribute:
    column: str
    kind: Kind = "text"
    is_writable: bool = False


@dataclass(frozen=True)
class Link:
    column: str
    resource: str


@dataclass(frozen=True)
class Resource:
    name: str
    model: type[Model]
    attributes: Mapping[str, Attribute]
    visible: Callable[[Membership], QuerySet[Any]]
    links: Mapping[str, Link] = field(default_factory=dict)
    required: tuple[str, ...] = ()

    @property
    def is_writable(self) -> bool:
        return any(attribute.is_writable for attribute in self.attributes.values())

    @property
    def methods(self) -> tuple[str, ...]:
        read = ("GET", "HEAD", "OPTIONS")
        return (*read, "POST", "PUT", "DELETE") if self.is_writable else read

    def rows(self, membership: Membership) -> QuerySet[Any]:
        """Return the rows that this end-user's own permissions show."""
        rows = self.visible(membership).filter(organisation=membership.organisation_id)
        return rows.select_related(*(link.column for link in self.links.values()))


def _time_records(membership: Membership) -> QuerySet[TimeRecord]:
    if membership.time_records == Access.NONE:
        raise ApiProblem(403, "You do not have permission to view time records.", code="AS-1302")
    if membership.time_records == Access.OWN:
        return TimeRecord.objects.filter(participant=membership.participant_id)
    return TimeRecord.objects.all()


NUMBER = Attribute("number", "number")
#: They depend on who asks, and are no columns that could be compared or sorted.
COMPUTED = frozenset({"is_active", "is_current"})

RESOURCES = {
    resource.name: resource
    for resource in (
        Resource(
            name="users",
            model=Membership,
            attributes={
                "id": NUMBER,
                "emailAddress": Attribute("person__email"),
                "isActive": Attribute("is_active", "boolean"),
                "isCurrent": Attribute("is_current", "boolean"),
            },
            links={"participant": Link("participant", "participants")},
            visible=lambda _: Membership.objects.select_related("person"),
        ),
        Resource(
            name="participants",
            model=Participant,
            attributes={
                "id": NUMBER,
                "displayName": Attribute("display_name"),
                "isCompany": Attribute("is_company", "boolean"),
                "firstName": Attribute("first_name"),
                "lastName": Attribute("last_name"),
                "email": Attribute("email"),
                "phone1Number": Attribute("phone"),
            },
            visible=lambda _: Participant.objects.all(),
        ),
        Resource(
            name="actions",
            model=Action,
            attributes={
                "id": NUMBER,
                "name": Attribute("name"),
                "reference": Attribute("reference"),
                "status": Attribute("status"),
                "createdTimestamp": Attribute("opened_on", "date"),
            },
            links={
                "assignedTo": Link("assigned_to", "participants"),
                "primaryParticipants": Link("client", "participants"),
            },
            visible=lambda _: Action.objects.all(),
        ),
        Resource(
            name="timerecords",
            model=TimeRecord,
            attributes={
                "id": NUMBER,
                "entryDate": Attribute("entry_date", "date", is_writable=True),
                "quantity": Attribute("hours", "decimal", is_writable=True),
                "rate": Attribute("rate", "decimal", is_writable=True),
                "description": Attribute("description", is_writable=True),
                "isBillable": Attribute("is_billable", "boolean", is_writable=True),
                "createdTimestamp": Attribute("created_at", "time"),
            },
            links={
                "action": Link("action", "actions"),
                "participant": Link("participant", "participants"),
            },
            visible=_time_records,
            required=("entryDate", "quantity", "description", "action"),
        ),
        Resource(
            name="filenotes",
            model=FileNote,
            attributes={
                "id": NUMBER,
                "text": Attribute("text", is_writable=True),
                "enteredTimestamp": Attribute("entered_at", "time"),
            },
            links={
                "action": Link("action", "actions"),
                "participant": Link("participant", "participants"),
            },
            visible=lambda _: FileNote.objects.all(),
            required=("text", "action"),
        ),
    )
}
