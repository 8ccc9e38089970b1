"""The REST API's one view: who asks, may they, and what for."""

import math

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from actionstep_connect.sandbox.clock import clock
from actionstep_connect.sandbox.facts.resource import Resource
from actionstep_connect.sandbox.facts.table import RESOURCES
from actionstep_connect.sandbox.identity import bearer_token, find_pair
from actionstep_connect.sandbox.middleware import note_actor
from actionstep_connect.sandbox.models import Grant
from actionstep_connect.sandbox.rest import documents, query, requests, writing
from actionstep_connect.sandbox.rest.bodies import rows_of
from actionstep_connect.sandbox.rest.problems import ApiProblem, TokenRefused
from actionstep_connect.sandbox.rest.query import Selection
from actionstep_connect.sandbox.rest.special import SPECIAL
from actionstep_connect.sandbox.rest.viewer import Viewer
from actionstep_connect.sandbox.store import Row, store
from actionstep_connect.sandbox.switchboard import switchboard


@csrf_exempt
def rest(request: HttpRequest, name: str, ids: str | None = None) -> HttpResponseBase:
    try:
        viewer = _authenticate(request)
        if special := SPECIAL.get(name):
            return special(request, ids, viewer)
        return _serve(request, _find_resource(name), ids, viewer)
    except (ApiProblem, TokenRefused) as problem:
        return problem.response()


def _authenticate(request: HttpRequest) -> Viewer:
    """Accept a bearer token in the header only, and tell expired from unknown."""
    pair = find_pair(access_token=bearer_token(request))
    if pair is None:
        raise TokenRefused("invalid_token")
    note_actor(request, pair.grant.membership, pair.grant.client_id)
    if pair.grant.revoked_at:
        raise TokenRefused("invalid_token")
    if pair.access_expires_at <= clock.now():
        raise TokenRefused("expired_token")
    _check_rate(pair.grant)
    return Viewer(pair.grant, store.firm(pair.grant.membership.organisation.key))


def _check_rate(grant: Grant) -> None:
    """Limit each user session, then each organisation; say for how long only if told to."""
    options = switchboard.options
    wait = switchboard.seconds_to_wait(f"session {grant.pk}", options.rate_limit)
    if not wait:
        organisation = f"organisation {grant.membership.organisation_id}"
        wait = switchboard.seconds_to_wait(organisation, options.organisation_rate_limit)
    if wait:
        headers = {"Retry-After": str(math.ceil(wait))} if options.send_retry_after else {}
        raise ApiProblem(429, headers=headers)


def _find_resource(name: str) -> Resource:
    resource = RESOURCES.get(name)
    if resource is None:
        raise ApiProblem(404, f"There is no resource {name[:100]}.")
    return resource


def _serve(
    request: HttpRequest, resource: Resource, ids: str | None, viewer: Viewer
) -> HttpResponse:
    viewer.check_scope(*resource.scopes)
    verbs = requests.verbs_of(resource, ids)
    requests.check_verb(request, verbs)
    requests.check_media_types(request)
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": ", ".join(verbs)})
    # A query that makes no sense is refused before anything is written.
    viewer.check_may_read(resource.name)
    selection = query.select(resource, request.GET, viewer)
    documents.check_include(resource, request.GET)
    if request.method in ("GET", "HEAD"):
        return _read(request, selection, ids, viewer)
    return _write(request, selection, ids, viewer)


def _read(
    request: HttpRequest, selection: Selection, ids: str | None, viewer: Viewer
) -> HttpResponse:
    resource = selection.resource
    if ids is not None:
        found = _by_ids(selection, ids, viewer)
        return documents.answer(documents.build(resource, found, viewer, request.GET))
    page = query.paginate(selection.of(viewer), request.GET)
    if not page.rows:
        return HttpResponse(status=204)
    return documents.answer(documents.build(resource, page.rows, viewer, request.GET, page))


def _write(
    request: HttpRequest, selection: Selection, ids: str | None, viewer: Viewer
) -> HttpResponse:
    resource = selection.resource
    with store.changing(viewer.firm.orgkey) as draft:
        viewer = viewer.within(draft)
        if ids is None:
            written = writing.create(resource, rows_of(resource, request), draft, viewer)
        else:
            found = _by_ids(selection, ids, viewer)
            if request.method == "DELETE":
                writing.delete(resource, found, draft, viewer)
                return HttpResponse(status=204)
            bodies = writing.pair(found, rows_of(resource, request))
            written = writing.update(resource, found, bodies, draft, viewer)
        document = documents.build(resource, written, viewer, request.GET)
    return documents.answer(document)


def _by_ids(selection: Selection, ids: str, viewer: Viewer) -> list[Row]:
    name = selection.resource.name
    if name == "users" and ids == "current":
        ids = str(viewer.membership.number)
    found = selection.by_ids(ids, viewer)
    if not found:
        raise ApiProblem(404, f"There is no {name} {ids[:100]}.")
    return found
