"""POST, PUT and DELETE, within the end-user's own permissions."""

import json
from typing import Any

from django.db.models import Max
from django.http import HttpRequest

from actionstep_connect.sandbox.models import Access, Membership, TimeRecord
from actionstep_connect.sandbox.rest.problems import ApiProblem
from actionstep_connect.sandbox.rest.resources import RESOURCES, Link, Resource
from actionstep_connect.sandbox.rest.values import parsed, whole_number
from actionstep_connect.sandbox.switchboard import switchboard

READ_ONLY_MEMBERS = frozenset({"id", "createdTimestamp", "enteredTimestamp"})


def create(resource: Resource, request: HttpRequest, membership: Membership) -> Any:
    values, problems = _read(resource, request, membership)
    given = {name for name, link in resource.links.items() if link.column in values} | {
        name for name, attribute in resource.attributes.items() if attribute.column in values
    }
    problems += [f"{name} is required." for name in resource.required if name not in given]
    if problems:
        raise ApiProblem(400, *problems)
    values.setdefault("participant", membership.participant)
    row = resource.model(organisation_id=membership.organisation_id, **values)
    return _save(resource, row, membership, is_new=True)


def update(resource: Resource, row: Any, request: HttpRequest, membership: Membership) -> Any:
    values, problems = _read(resource, request, membership)
    if problems:
        raise ApiProblem(400, *problems)
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


def _read(
    resource: Resource, request: HttpRequest, membership: Membership
) -> tuple[dict[str, Any], list[str]]:
    body = _body(resource, request)
    links = body.pop("links", {})
    if not isinstance(links, dict):
        raise ApiProblem(400, "links must be an object.")
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in body.items():
        attribute = resource.attributes.get(name)
        if name in READ_ONLY_MEMBERS:
            continue
        if attribute is None or not attribute.is_writable:
            problems.append(f"{name} cannot be set.")
            continue
        try:
            values[attribute.column] = parsed(value, attribute.kind)
        except ValueError as error:
            problems.append(f"{name} {error}.")
    for name, value in links.items():
        link = resource.links.get(name)
        row = _linked(link, value, membership) if link else None
        if link is None or row is None:
            problems.append(f"links.{name} leads nowhere.")
        else:
            values[link.column] = row
    return values, problems


def _linked(link: Link, value: object, membership: Membership) -> Any:
    try:
        number = whole_number(str(value))
    except ValueError:
        return None
    return RESOURCES[link.resource].rows(membership).filter(number=number).first()


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
