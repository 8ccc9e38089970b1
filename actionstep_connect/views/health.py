"""Health, for status pages, load balancers and uptime monitors: they sign in nowhere."""

from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from actionstep_connect.flows.vitals import take_vitals
from actionstep_connect.views.page import guarded


@guarded(referrer_policy="no-referrer")
@login_not_required
@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """Say whether connections are kept: 200, or 503 and why. No names, no counts of users.

    It reads no session and makes two queries, so an anonymous visitor costs next to nothing.
    """
    vitals = take_vitals()
    body = {
        "healthy": not vitals.problems,
        "problems": vitals.problems,
        "seconds_since_run": _rounded(vitals.seconds_since_run),
        "run_seconds": _rounded(vitals.run_seconds),
        "longest_overdue_seconds": _rounded(vitals.longest_overdue),
    }
    status = HTTPStatus.SERVICE_UNAVAILABLE if vitals.problems else HTTPStatus.OK
    response = JsonResponse(body, status=status)
    # Django would log each 503 as an error and e-mail it to ADMINS, as often as anybody asks.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
