"""What a request may be: the verbs of an address, and the types of what is sent and accepted."""

from collections.abc import Sequence

from django.http import HttpRequest

from actionstep_connect.sandbox.facts.resource import Resource
from actionstep_connect.sandbox.rest.errors import MEDIA_TYPE
from actionstep_connect.sandbox.rest.problems import ApiProblem

ORDER = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ACCEPTED = frozenset({MEDIA_TYPE, "application/json", "application/*", "*/*"})
BODY_TYPES = frozenset({MEDIA_TYPE, "application/json"})
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def answered(verbs: frozenset[str]) -> Sequence[str]:
    """Return the verbs that are answered where these are published, in their usual order."""
    more = {"OPTIONS", "HEAD"} if "GET" in verbs else {"OPTIONS"}
    return [verb for verb in ORDER if verb in verbs | more]


def verbs_of(resource: Resource, ids: str | None) -> Sequence[str]:
    """Return the verbs of a resource, or of its rows; raise 404 where there is no such address."""
    verbs = resource.verbs if ids is None else resource.row_verbs
    if not verbs:
        raise ApiProblem(404, "There is no such address.")
    return answered(verbs)


def check_verb(request: HttpRequest, verbs: Sequence[str]) -> None:
    if request.method not in verbs:
        raise ApiProblem(405, headers={"Allow": ", ".join(verbs)})


def check_media_types(request: HttpRequest) -> None:
    accept = request.headers.get("Accept", "*/*").split(",")
    accepted = {part.partition(";")[0].strip() for part in accept}
    if not accepted & ACCEPTED:
        raise ApiProblem(406, f"Accept must allow {MEDIA_TYPE}.")
    if request.method in WITH_BODY and request.content_type not in BODY_TYPES:
        raise ApiProblem(415, f"Content-Type must be {MEDIA_TYPE}.")
