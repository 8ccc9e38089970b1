"""The REST API's one view: who asks, may they, and what for."""

import math
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from actionstep_connect.sandbox import scopes
from actionstep_connect.sandbox.clock import clock
from actionstep_connect.sandbox.identity import bearer_token, find_pair
from actionstep_connect.sandbox.middleware import note_actor
from actionstep_connect.sandbox.models import Grant
from actionstep_connect.sandbox.rest import documents, query, writing
from actionstep_connect.sandbox.rest.problems import MEDIA_TYPE, ApiProblem, TokenRefused
from actionstep_connect.sandbox.rest.resources import RESOURCES, Resource
from actionstep_connect.sandbox.rest.values import whole_number
from actionstep_connect.sandbox.switchboard import switchboard

ACCEPTED = frozenset({MEDIA_TYPE, "application/json", "application/*", "*/*"})
WRITING = frozenset({"POST", "PUT", "DELETE"})


@csrf_exempt
def rest(request: HttpRequest, name: str, ids: str | None = None) -> HttpResponse:
    try:
        grant = _authenticate(request)
        resource = _find_resource(name, grant)
        _check_request(request, resource, ids)
        if request.method not in WRITING:
            return _serve(request, resource, ids, grant)
        with switchboard.rotation, transaction.atomic():
            return _serve(request, resource, ids, grant)
    except (ApiProblem, TokenRefused) as problem:
        return problem.response()


def _authenticate(request: HttpRequest) -> Grant:
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
    return pair.grant


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


def _find_resource(name: str, grant: Grant) -> Resource:
    resource = RESOURCES.get(name)
    if resource is None:
        raise ApiProblem(404, f"There is no resource {name[:100]}.")
    if not scopes.grants(grant.scopes, name):
        raise ApiProblem(403, f"The scope {name} was not granted.", code="insufficient_scope")
    return resource


def _check_request(request: HttpRequest, resource: Resource, ids: str | None) -> None:
    method, allowed = request.method or "", _allowed(resource, ids)
    if method not in allowed:
        raise ApiProblem(405, headers={"Allow": ", ".join(allowed)})
    accept = request.headers.get("Accept", "*/*").split(",")
    accepted = {part.partition(";")[0].strip() for part in accept}
    if not accepted & ACCEPTED:
        raise ApiProblem(406, f"Accept must allow {MEDIA_TYPE}.")
    if method in ("POST", "PUT") and request.content_type not in (MEDIA_TYPE, "application/json"):
        raise ApiProblem(415, f"Content-Type must be {MEDIA_TYPE}.")


def _allowed(resource: Resource, ids: str | None) -> list[str]:
    elsewhere = {"POST"} if ids else {"PUT", "DELETE"}
    return [method for method in resource.methods if method not in elsewhere]


def _serve(request: HttpRequest, resource: Resource, ids: str | None, grant: Grant) -> HttpResponse:
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": ", ".join(_allowed(resource, ids))})
    # First, for whoever may not see these rows may not add one either; and a query that makes no
    # sense is refused before anything is written.
    rows = query.select(resource.rows(grant.membership), resource, request.GET)
    documents.check_include(resource, request.GET)
    if request.method == "POST":
        row = writing.create(resource, request, grant.membership)
        return _answer(documents.build(resource, [row], grant, request.GET), status=201)
    if ids:
        found = _by_ids(rows, resource, ids, grant)
        return _serve_rows(request, resource, found, grant)
    page = query.paginate(rows, request.GET)
    if not page.rows:
        return HttpResponse(status=204)
    return _answer(documents.build(resource, page.rows, grant, request.GET, page))


def _serve_rows(
    request: HttpRequest, resource: Resource, rows: list[Any], grant: Grant
) -> HttpResponse:
    if request.method == "DELETE":
        writing.delete(rows, grant.membership)
        return HttpResponse(status=204)
    if request.method == "PUT":
        if len(rows) != 1:
            raise ApiProblem(400, "PUT takes one id.")
        rows = [writing.update(resource, rows[0], request, grant.membership)]
    return _answer(documents.build(resource, rows, grant, request.GET))


def _by_ids(rows: QuerySet[Any], resource: Resource, ids: str, grant: Grant) -> list[Any]:
    if resource.name == "users" and ids == "current":
        found = list(rows.filter(pk=grant.membership.pk))
    else:
        numbers = [part for part in ids.split(",") if part.isascii() and part.isdigit()]
        found = list(rows.filter(number__in=map(whole_number, numbers)))
    if not found:
        raise ApiProblem(404, f"There is no {resource.name} {ids[:100]}.")
    return found


def _answer(document: documents.Document, *, status: int = 200) -> HttpResponse:
    return JsonResponse(document, status=status, content_type=MEDIA_TYPE)
