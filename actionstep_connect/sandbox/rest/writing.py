"""POST, PUT and DELETE, within the end-user's own permissions."""

import json
from decimal import Decimal
from typing import Any

from django.db.models import Max
from django.http import HttpRequest

from actionstep_connect.sandbox.models import Access, Membership, TimeRecord
from actionstep_connect.sandbox.rest.problems import ApiProblem
from actionstep_connect.sandbox.rest.resources import RESOURCES, Link, Resource
from actionstep_connect.sandbox.rest.values import CENT, parsed, whole_number
from actionstep_connect.sandbox.switchboard import switchboard

READ_ONLY_MEMBERS = frozenset({"id", "createdTimestamp", "enteredTimestamp"})


def create(resource: Resource, request: HttpRequest, membership: Membership) -> Any:
    values, problems = _read(resource, request, membership)
    for name in resource.required:
        member = resource.links.get(name) or resource.attributes[name]
        label = f"links.{name}" if name in resource.links else name
        if member.column not in values:
            problems.setdefault(label, "is required")
    _refuse(problems)
    values.setdefault("participant", membership.participant)
    row = resource.model(organisation_id=membership.organisation_id, **values)
    return _save(resource, row, membership, is_new=True)


def update(resource: Resource, row: Any, request: HttpRequest, membership: Membership) -> Any:
    values, problems = _read(resource, request, membership)
    _refuse(problems)
    for column, value in values.items():
        setattr(row, column, value)
    return _save(resource, row, membership, is_new=False)


def delete(rows: list[Any], membership: Membership) -> None:
    _check_may_write(membership)
    switchboard.data_is_seed = False
    for row in rows:
        row.delete()


def _save(resource: Resource, row: Any, membership: Membership, *, is_new: bool) -> Any:
    _check_may_write(membership)
    if (
        isinstance(row, TimeRecord)
        and membership.time_records == Access.OWN
        and row.participant != membership.participant
    ):
        raise ApiProblem(403, "You may only record your own time.", code="AS-1302")
    switchboard.data_is_seed = False
    if is_new:
        rows = resource.model._default_manager.filter(organisation=membership.organisation_id)
        row.number = (rows.aggregate(most=Max("number"))["most"] or 0) + 1
    row.save()
    return row


def _check_may_write(membership: Membership) -> None:
    if membership.is_read_only:
        raise ApiProblem(403, "You do not have permission to change this.", code="AS-1302")


def _refuse(problems: dict[str, str]) -> None:
    if problems:
        raise ApiProblem(400, *(f"{name} {problem}." for name, problem in problems.items()))


def _read(
    resource: Resource, request: HttpRequest, membership: Membership
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values by their columns, and what is wrong by the names of members."""
    body = _body(resource, request)
    links = body.pop("links", {})
    if not isinstance(links, dict):
        raise ApiProblem(400, "links must be an object.")
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, value in body.items():
        if name in READ_ONLY_MEMBERS:
            continue
        try:
            values |= _attribute(resource, name, value)
        except ValueError as error:
            problems[name] = str(error)
    for name, value in links.items():
        try:
            values |= _link(resource, name, value, membership)
        except ValueError as error:
            problems[f"links.{name}"] = str(error)
    return values, problems


def _attribute(resource: Resource, name: str, value: object) -> dict[str, Any]:
    attribute = resource.attributes.get(name)
    if attribute is None or not attribute.is_writable:
        raise ValueError("cannot be set")
    if value in (None, "") and name in resource.required:
        raise ValueError("is required")
    if value is None:
        return {attribute.column: getattr(resource.model(), attribute.column)}
    read = parsed(value, attribute.kind)
    return {attribute.column: read.quantize(CENT) if isinstance(read, Decimal) else read}


def _link(resource: Resource, name: str, value: object, membership: Membership) -> dict[str, Any]:
    link = resource.links.get(name)
    if link is None:
        raise ValueError("leads nowhere")
    if value is None and name in resource.required:
        raise ValueError("is required")
    if value is None:
        # The one link that may be left out: whose time it is, or whose note.
        return {link.column: membership.participant}
    return {link.column: _linked_row(link, value, membership)}


def _linked_row(link: Link, value: object, membership: Membership) -> Any:
    try:
        number = whole_number(str(value))
    except ValueError:
        raise ValueError("leads nowhere") from None
    row = RESOURCES[link.resource].rows(membership).filter(number=number).first()
    if row is None:
        raise ValueError("leads nowhere")
    return row


def _body(resource: Resource, request: HttpRequest) -> dict[str, Any]:
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError):
        raise ApiProblem(400, "The body is not JSON, or too deep.") from None
    members = document.get(resource.name) if isinstance(document, dict) else None
    if isinstance(members, list) and len(members) == 1:
        members = members[0]
    if not isinstance(members, dict):
        raise ApiProblem(400, f'The body must be {{"{resource.name}": {{…}}}}.')
    return dict(members)
