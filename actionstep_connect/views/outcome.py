"""How an attempt ended, and where its user goes then."""

from django.http import HttpRequest, HttpResponseRedirect

from actionstep_connect.exceptions import AuthorizationFailed
from actionstep_connect.flows.attempts import is_being_finished
from actionstep_connect.links import connect_url, landing_url, page_url
from actionstep_connect.models import AuthorizationRequest
from actionstep_connect.orgkeys import same_orgkey
from actionstep_connect.views.browser import callback_address, remember_ending
from actionstep_connect.views.protection import safe_next
from actionstep_connect.wording.failures import FAILURES


def attempt_url(attempt: AuthorizationRequest) -> str:
    """Return the address of the page of one attempt."""
    return page_url("connect", attempt=str(attempt.handle))


def destination(request: HttpRequest, attempt: AuthorizationRequest) -> str:
    """Return where a user goes who has connected."""
    return safe_next(request, attempt.next) or landing_url()


def outcome(request: HttpRequest, attempt: AuthorizationRequest) -> HttpResponseRedirect:
    """Lead on a user who comes to a used attempt again, by a reload or another tab."""
    if is_being_finished(attempt):
        return HttpResponseRedirect(attempt_url(attempt))
    if attempt.result is None:
        return failed(request, attempt.failure, attempt)
    if attempt.orgkey and not same_orgkey(attempt.orgkey, attempt.result.orgkey):
        return HttpResponseRedirect(page_url("connections"))  # Another one than meant: it says so.
    return HttpResponseRedirect(destination(request, attempt))


def failed(
    request: HttpRequest, code: str, attempt: AuthorizationRequest | None
) -> HttpResponseRedirect:
    """Lead to the words about a failure: elsewhere, so that no address with a code in it is left."""
    problem = code if code in FAILURES else AuthorizationFailed.code
    if attempt is None:
        url = connect_url(problem=problem)
    else:
        url = connect_url(
            scopes=attempt.scopes,
            next_url=safe_next(request, attempt.next),
            orgkey=attempt.orgkey,
            problem=problem,
        )
    response = HttpResponseRedirect(url)
    remember_ending(response, problem, callback=callback_address(request))
    return response
