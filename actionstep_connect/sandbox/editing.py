"""Change rows from outside the API, as a colleague at Actionstep's own pages would."""

from collections.abc import Mapping
from typing import Any

from actionstep_connect.sandbox import rules
from actionstep_connect.sandbox.facts.resource import Body, Resource
from actionstep_connect.sandbox.facts.table import RESOURCES
from actionstep_connect.sandbox.models import Grant, Membership
from actionstep_connect.sandbox.rest import writing
from actionstep_connect.sandbox.rest.bodies import Reader, Said
from actionstep_connect.sandbox.rest.problems import ApiProblem
from actionstep_connect.sandbox.rest.viewer import Viewer
from actionstep_connect.sandbox.store import Row, store


def change(data: Mapping[str, Any]) -> Row:
    """Change members and links (`row`) of the row `id` of a `resource`, read-only ones too."""
    resource, viewer = _resource(data), _colleague(data)
    with store.changing(viewer.firm.orgkey) as draft:
        viewer = viewer.within(draft)
        said = _said(resource, data, viewer)
        return writing.change(resource, _row(resource, data, viewer), said, draft, viewer)


def add(data: Mapping[str, Any]) -> Row:
    """Add a `row` to a `resource`; what it does not say starts as it would at Actionstep."""
    resource, viewer = _resource(data), _colleague(data)
    if resource.name == "resthooks":
        raise ValueError("A hook is its user's own: register it through the API.")
    try:
        with store.changing(viewer.firm.orgkey) as draft:
            viewer = viewer.within(draft)
            return writing.add(resource, _said(resource, data, viewer), draft, viewer)
    except ApiProblem as problem:
        raise ValueError(_words(problem)) from None


def remove(data: Mapping[str, Any]) -> None:
    """Delete the row `id` of a `resource`, and what cannot be without it."""
    resource, viewer = _resource(data), _colleague(data)
    with store.changing(viewer.firm.orgkey) as draft:
        viewer = viewer.within(draft)
        writing.delete(resource, [_row(resource, data, viewer)], draft, viewer)


def _resource(data: Mapping[str, Any]) -> Resource:
    name = data.get("resource")
    resource = RESOURCES.get(name) if isinstance(name, str) else None
    if resource is None:
        raise ValueError(f"There is no resource {name!r:.100}.")
    return RESOURCES[resource.table]


def _colleague(data: Mapping[str, Any]) -> Viewer:
    """Return a person of the firm (`orgkey`) who may see and change everything."""
    orgkey = data.get("orgkey") or "acmelaw"
    rules.TEXT.check("orgkey", orgkey)
    members = Membership.objects.select_related("person", "organisation")
    members = members.filter(organisation__key=orgkey, sees_restricted=True, is_read_only=False)
    colleague = members.order_by("number").first()
    if colleague is None:
        raise ValueError(f"There is no organisation {orgkey[:100]}.")
    return Viewer(Grant(membership=colleague, scopes="all"), store.firm(orgkey))


def _row(resource: Resource, data: Mapping[str, Any], viewer: Viewer) -> Row:
    row = viewer.firm.table(resource.name).get(str(data.get("id")))
    if row is None:
        raise ValueError(f"There is no {resource.name} {str(data.get('id'))[:100]}.")
    return row


def _said(resource: Resource, data: Mapping[str, Any], viewer: Viewer) -> Said:
    row = data.get("row", {})
    rules.OBJECT.check("row", row)
    body = Body(members=resource.members, links=resource.links)
    try:
        said = Reader(resource, body, viewer).read(row)
    except ApiProblem as problem:
        raise ValueError(_words(problem)) from None
    if said.mistakes:
        raise ValueError(" ".join(mistake.detail for mistake in said.mistakes))
    return said


def _words(problem: ApiProblem) -> str:
    return " ".join(mistake.detail for mistake in problem.mistakes)
