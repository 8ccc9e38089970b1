"""Health, for status pages, load balancers and uptime monitors: they sign in nowhere."""

from http import HTTPStatus

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from actionstep_connect.flows.health import check_health
from actionstep_connect.views.protection import protected


@protected(referrer_policy="no-referrer")
@csrf_exempt  # It takes no form, so none that is sent here is read.
@login_not_required
@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """Report whether connections are kept: 200, or 503 and why. No names, no counts of users.

    It reads no session and makes two queries, so an anonymous visitor costs next to nothing.
    """
    found = check_health()
    body = {
        "healthy": not found.errors,
        "problems": found.errors,
        "seconds_since_run": _rounded(found.seconds_since_run),
        "run_seconds": _rounded(found.run_seconds),
        "longest_overdue_seconds": _rounded(found.longest_overdue),
    }
    status = HTTPStatus.SERVICE_UNAVAILABLE if found.errors else HTTPStatus.OK
    return JsonResponse(body, status=status)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
