"""The page of one attempt: it leads to Actionstep, and waits while the answer is being stored."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import ActionstepConnectError
from actionstep_connect.flows.attempts import (
    authorization_url,
    get_attempt,
    is_being_finished,
    is_pending,
)
from actionstep_connect.links import page_url
from actionstep_connect.views.browser import recognise
from actionstep_connect.views.outcome import attempt_url, failed, outcome
from actionstep_connect.views.protection import log_failure
from actionstep_connect.wording.failures import FAILURES, failure_code

#: Seconds after which a browser looks again whether an attempt is finished.
PAUSE = 2


def show_attempt(request: HttpRequest, handle: str) -> HttpResponse:
    """Lead to Actionstep before the callback, wait during it, and lead to the result afterwards.

    It leaves from a page, not by the answer to a form: `form-action` in a Content-Security-Policy
    governs the redirects of a form, and a script that sends a form could not follow to another site.
    """
    visitor = recognise(request)
    if not visitor.browser:
        return _without_cookie(request)
    found = get_attempt(handle, visitor)
    if found is None:
        return HttpResponseRedirect(page_url("connections"))
    if is_being_finished(found):
        response = render(
            request, "actionstep_connect/finishing.html", {"attempt_url": attempt_url(found)}
        )
        response.headers["Refresh"] = str(PAUSE)
        return response
    if not is_pending(found):
        return outcome(request, found) if found.used_at else failed(request, "expired", found)
    try:
        url = authorization_url(found, visitor)
    except ActionstepConnectError as error:
        log_failure(request, error)
        return failed(request, failure_code(error), found)
    return render(request, "actionstep_connect/leaving.html", {"url": url})


def _without_cookie(request: HttpRequest) -> HttpResponse:
    # Said here and now: a page that it led to could not know that this site had said so.
    context = {"failure": FAILURES[ErrorCode.NO_COOKIE], "code": ErrorCode.NO_COOKIE}
    status = FAILURES[ErrorCode.NO_COOKIE].status
    return render(request, "actionstep_connect/connect_failed.html", context, status=status)
