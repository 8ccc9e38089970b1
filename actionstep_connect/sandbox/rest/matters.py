"""`actioncreate` and `actionchangestep`: no rows of their own; they make and move a matter."""

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from actionstep_connect.sandbox.facts.resource import Body, Kind, Link, Member, Resource
from actionstep_connect.sandbox.facts.table import RESOURCES
from actionstep_connect.sandbox.rest import consequences, defaults, documents, requests, writing
from actionstep_connect.sandbox.rest.bodies import Reader, Said, rows_of
from actionstep_connect.sandbox.rest.consequences import Writing
from actionstep_connect.sandbox.rest.errors import Mistake
from actionstep_connect.sandbox.rest.problems import InvalidBody
from actionstep_connect.sandbox.rest.viewer import Viewer
from actionstep_connect.sandbox.store import Draft, Row, store

PARTICIPANTS = re.compile(r"participantType([0-9]{1,9})")
"""A link named after a participant type: who takes part as such."""


def _described(name: str, members: Mapping[str, Kind], links: Mapping[str, str]) -> Resource:
    return Resource(
        name=name,
        members={key: Member(key, kind) for key, kind in members.items()},
        links={key: Link(key, resource) for key, resource in links.items()},
        verbs=frozenset({"POST"}),
        row_verbs=frozenset(),
        scopes=(name,),
        sure="one",
    )


CREATE = _described(
    "actioncreate",
    {
        "actionName": Kind.TEXT,
        "fileReference": Kind.TEXT,
        "fileNote": Kind.TEXT,
        "priority": Kind.INTEGER,
        "assignedToParticipant": Kind.INTEGER,
    },
    {"actionType": "actiontypes", "assignedTo": "participants", "division": "divisions"},
)
CHANGE_STEP = _described(
    "actionchangestep",
    {
        "actionName": Kind.TEXT,
        "fileReference": Kind.TEXT,
        "filenote": Kind.TEXT,
        "priority": Kind.INTEGER,
        "status": Kind.TEXT,
        "assignedToParticipant": Kind.INTEGER,
    },
    {"action": "actions", "step": "steps", "node": "nodes"},
)


def create(request: HttpRequest, ids: str | None, viewer: Viewer) -> HttpResponse:
    _check(CREATE, request, ids, viewer)
    if request.method == "OPTIONS":
        return _options()
    required = frozenset({"actionName"}), frozenset({"actionType"})
    with store.changing(viewer.firm.orgkey) as draft:
        viewer = viewer.within(draft)
        said, parties = _read(CREATE, request, viewer, *required)
        action = _create(said, parties, draft, viewer)
    return documents.answer({"actioncreate": {"id": action["id"]}})


def change_step(request: HttpRequest, ids: str | None, viewer: Viewer) -> HttpResponse:
    _check(CHANGE_STEP, request, ids, viewer)
    if request.method == "OPTIONS":
        return _options()
    required = frozenset[str](), frozenset({"action", "step"})
    with store.changing(viewer.firm.orgkey) as draft:
        viewer = viewer.within(draft)
        said, parties = _read(CHANGE_STEP, request, viewer, *required)
        action = _move(said, draft, viewer)
        _add_parties(action, parties, draft, viewer)
    node = said.links.get("node") or _node_of(action["links"]["step"], viewer)
    links = {"action": str(action["id"]), "step": action["links"]["step"], "node": node}
    return documents.answer({"actionchangestep": {"id": action["id"], "links": links}})


def _options() -> HttpResponse:
    return HttpResponse(status=204, headers={"Allow": "POST, OPTIONS"})


def _check(resource: Resource, request: HttpRequest, ids: str | None, viewer: Viewer) -> None:
    viewer.check_scope(*resource.scopes)
    requests.check_verb(request, requests.verbs_of(resource, ids))
    requests.check_media_types(request)
    if request.method == "POST":
        viewer.check_may_write()


def _read(
    resource: Resource,
    request: HttpRequest,
    viewer: Viewer,
    required: frozenset[str],
    required_links: frozenset[str],
) -> tuple[Said, dict[str, list[str]]]:
    """Return what the one row says, and who takes part by the id of their participant type."""
    rows = rows_of(resource, request)
    if len(rows) > 1:
        raise InvalidBody(f"{resource.name} takes one row at a time.")
    links = rows[0].get("links") or {}
    types = [name for name in links if PARTICIPANTS.fullmatch(name)] if _is_object(links) else []
    parties = {name: Link(name, "participants", is_list=True) for name in types}
    body = Body(resource.members, {**resource.links, **parties}, required, required_links)
    reader = Reader(resource, body, viewer)
    said = reader.read(rows[0])
    reader.check_required(said)
    for name in types:
        kind = str(int(name.removeprefix("participantType")))
        if viewer.find("participanttypes", kind) is None:
            detail = f"links.{name} is no participant type."
            said.mistakes.append(Mistake(detail, pointer=f"/{resource.name}/links/{name}"))
    if said.mistakes:
        raise InvalidBody(*said.mistakes)
    by_type = {
        str(int(name.removeprefix("participantType"))): said.links[name] or [] for name in types
    }
    return said, by_type


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _create(said: Said, parties: Mapping[str, list[str]], draft: Draft, viewer: Viewer) -> Row:
    settings = writing.add(RESOURCES["actionbillsettings"], Said(), draft, viewer)
    kind = said.links["actionType"]
    primary = parties.get(_primary_type(kind, viewer) or "")
    about = Said(
        members={
            "name": said.members["actionName"],
            "reference": said.members.get("fileReference"),
            "priority": said.members.get("priority"),
            "status": "Active",
        },
        links={
            "actionType": kind,
            "assignedTo": _assignee(said, viewer) or str(viewer.membership.participant),
            "division": said.links.get("division"),
            "billSettings": str(settings["id"]),
            "primaryParticipants": primary or None,
            "step": f"{kind}--0",
        },
    )
    action = writing.add(RESOURCES["actions"], about, draft, viewer)
    _add_parties(action, parties, draft, viewer)
    _add_note(said.members.get("fileNote"), action, draft, viewer)
    return action


def _move(said: Said, draft: Draft, viewer: Viewer) -> Row:
    key, step = said.links["action"], said.links["step"]
    before = draft.table("actions")[key]
    if not step.startswith(f"{before['links']['actionType']}--"):
        detail = "links.step is no step of this matter's type."
        raise InvalidBody(Mistake(detail, pointer="/actionchangestep/links/step"))
    renamed = {
        "name": said.members.get("actionName"),
        "reference": said.members.get("fileReference"),
        "priority": said.members.get("priority"),
        "status": said.members.get("status"),
    }
    statuses = RESOURCES["actions"].members["status"].choices
    if renamed["status"] and renamed["status"] not in statuses:
        detail = f"status must be one of {', '.join(statuses)}."
        raise InvalidBody(Mistake(detail, pointer="/actionchangestep/status"))
    members = {name: value for name, value in renamed.items() if value is not None}
    assignee = _assignee(said, viewer) or before["links"]["assignedTo"]
    row = {**before, **members, "links": {**before["links"], "step": step, "assignedTo": assignee}}
    defaults.stamp(RESOURCES["actions"], row, viewer)
    row = dict(consequences.follow("actions", Writing(before, row, viewer)))
    draft.put("actions", key, row)
    _add_note(said.members.get("filenote"), row, draft, viewer)
    return row


def _assignee(said: Said, viewer: Viewer) -> str | None:
    linked = said.links.get("assignedTo")
    number = said.members.get("assignedToParticipant")
    if linked or number is None:
        return str(linked) if linked else None
    if viewer.find("participants", str(number)) is None:
        raise InvalidBody("assignedToParticipant leads nowhere.")
    return str(number)


def _primary_type(action_type: str, viewer: Viewer) -> str | None:
    row = viewer.find("actiontypes", action_type)
    return row["links"]["primaryParticipantType"] if row else None


def _add_parties(
    action: Row, parties: Mapping[str, list[str]], draft: Draft, viewer: Viewer
) -> None:
    resource = RESOURCES["actionparticipants"]
    for kind, participants in parties.items():
        for participant in dict.fromkeys(participants):
            links = {
                "action": str(action["id"]),
                "participantType": kind,
                "participant": participant,
            }
            if "--".join(links.values()) not in draft.table(resource.name):
                writing.add(resource, Said(links=links), draft, viewer)


def _add_note(text: str | None, action: Row, draft: Draft, viewer: Viewer) -> None:
    if text:
        note = Said(members={"text": text}, links={"action": str(action["id"])})
        writing.add(RESOURCES["filenotes"], note, draft, viewer)


def _node_of(step: str, viewer: Viewer) -> str | None:
    kind, _, number = step.partition("--")
    for row in viewer.rows("nodes"):
        if row["links"]["actionType"] == kind and str(row["stepNumber"]) == number:
            return str(row["id"])
    return None
