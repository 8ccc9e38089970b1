"""`as-common/application-meta-data`: who is signed in, and where."""

import json
from hashlib import sha256

from django.http import HttpRequest, HttpResponse

from actionstep_connect.sandbox.models import Membership
from actionstep_connect.sandbox.practice.people import FIRMS
from actionstep_connect.sandbox.rest import requests
from actionstep_connect.sandbox.rest.errors import MEDIA_TYPE
from actionstep_connect.sandbox.rest.problems import ApiProblem
from actionstep_connect.sandbox.rest.viewer import Viewer
from actionstep_connect.sandbox.switchboard import switchboard

SCOPE = "AsCommon"
HEADER = "X-API-EXTENSION"
ADDRESS = "application-meta-data"


def metadata(request: HttpRequest, ids: str | None, viewer: Viewer) -> HttpResponse:
    if ids != ADDRESS or request.headers.get(HEADER) != SCOPE:
        raise ApiProblem(404, f"There is no resource as-common without {HEADER}: {SCOPE}.")
    viewer.check_scope(SCOPE)
    verbs = requests.answered(frozenset({"GET"}))
    requests.check_verb(request, verbs)
    requests.check_media_types(request)
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": ", ".join(verbs)})
    content = json.dumps(_about(viewer.membership)).encode()
    return HttpResponse(content, content_type=MEDIA_TYPE)


def _about(membership: Membership) -> dict[str, object]:
    person, organisation = membership.person, membership.organisation
    firm = FIRMS[organisation.key]
    systems = Membership.objects.filter(person=person).count()
    return {
        "currentUser": {
            "name": person.name,
            "email": person.email,
            "systemRoleName": person.description.partition(";")[0].capitalize(),
            "participantId": membership.participant,
            "timezoneName": firm.zone_name,
            "multipleActionstepSystems": "T" if systems > 1 else "F",
        },
        "organization": {
            "name": organisation.name,
            "orgkey": organisation.key,
            "divisionId": 1,
            "defaultTimezoneName": firm.zone_name,
            "baseCurrency": "AUD",
            "databaseType": "Sandbox",
            "plan": "Sandbox",
            "region": "ap-southeast-2",
        },
        "deepLinkUrl": _deep_link(membership),
    }


def _deep_link(membership: Membership) -> str:
    """Return an address of the user's own, to which a target can be added."""
    mark = sha256(f"{membership.organisation.key} {membership.number}".encode()).hexdigest()[:32]
    return f"{switchboard.base_url}deep-link/?link={mark}"
