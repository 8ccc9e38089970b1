"""The way out: say what will be asked, then send the user to Actionstep."""

from typing import NamedTuple

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from actionstep_connect.conf import get_config
from actionstep_connect.exceptions import AuthorizationFailed, TemporarilyUnavailable
from actionstep_connect.flows.connect import begin, mark_session, requested_scopes
from actionstep_connect.models import Connection, Status
from actionstep_connect.models.connection import is_orgkey
from actionstep_connect.scopes import missing_scopes, unique_scopes
from actionstep_connect.views.page import log_failure, own_page, safe_next, user_of
from actionstep_connect.wording import ENDINGS, ending_code, scope_in_words


class Wish(NamedTuple):
    """What the user came for: the scopes named, the page to return to, the organisation meant."""

    scopes: str
    next: str
    orgkey: str


@own_page
def connect(request: HttpRequest) -> HttpResponse:
    """Say what will be asked and of whom; on POST, go and ask."""
    wish = _wish(request)
    problem = request.GET.get("problem", "")
    if request.method != "POST" and problem in ENDINGS:
        return _failed(request, wish, problem)
    try:
        return _go(request, wish) if request.method == "POST" else _ask(request, wish)
    except AuthorizationFailed as error:
        log_failure(request, error)
        return _failed(request, wish, ending_code(error), detail=str(error)[:300])
    except TemporarilyUnavailable as error:
        log_failure(request, error)
        return _failed(request, wish, ending_code(error))


def _wish(request: HttpRequest) -> Wish:
    def given(name: str) -> str:
        return request.POST.get(name) or request.GET.get(name, "")

    orgkey = given("orgkey")
    return Wish(
        scopes=given("scopes"),
        next=safe_next(request, given("next")),
        orgkey=orgkey if is_orgkey(orgkey) else "",
    )


def _ask(request: HttpRequest, wish: Wish) -> HttpResponse:
    mark_session(request.session)
    formers = _formers(user_of(request), wish)
    scopes = _scopes(wish, formers)
    new = missing_scopes(scopes, _granted(formers)) if formers else ()
    is_clear_which = len(formers) == 1 and bool(wish.orgkey or wish.scopes)
    context = {
        "wish": wish,
        "former": formers[0] if is_clear_which else None,
        "scopes": [scope_in_words(name, is_new=name in new) for name in scopes],
        "has_new": bool(new),
    }
    return render(request, "actionstep_connect/connect.html", context)


def _go(request: HttpRequest, wish: Wish) -> HttpResponse:
    callback = request.build_absolute_uri(reverse("actionstep_connect:callback"))
    url = begin(
        user=user_of(request),
        session=request.session,
        scopes=_scopes(wish, _formers(user_of(request), wish)),
        redirect_uri=get_config().redirect_uri or callback,
        next_url=wish.next,
        orgkey=wish.orgkey,
    )
    return HttpResponseRedirect(url)


def _failed(request: HttpRequest, wish: Wish, code: str, *, detail: str = "") -> HttpResponse:
    ending = ENDINGS[code]
    context = {"wish": wish, "ending": ending, "code": code, "detail": detail}
    return render(request, "actionstep_connect/connect_failed.html", context, status=ending.status)


def _formers(user: AbstractBaseUser, wish: Wish) -> list[Connection]:
    """Return what this wish may renew: one organisation's, or whichever the user then chooses."""
    mine = Connection.objects.for_user(user).exclude(status=Status.DISCONNECTED)
    return list(mine.filter(orgkey=wish.orgkey) if wish.orgkey else mine.order_by("orgkey"))


def _granted(connections: list[Connection]) -> tuple[str, ...]:
    return unique_scopes(name for each in connections for name in each.granted_scopes)


def _scopes(wish: Wish, formers: list[Connection]) -> tuple[str, ...]:
    # A new grant takes the place of the former one: what was not asked for again would be lost.
    wanted = requested_scopes(wish.scopes.split())
    allowed = get_config().allowed_scopes
    kept = [name for name in _granted(formers) if not missing_scopes([name], allowed)]
    return unique_scopes([*kept, *wanted])
