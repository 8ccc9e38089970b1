"""What the pages have in common: who sees them, what a browser may do with them, where they lead."""

import logging
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, NamedTuple, ParamSpec

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.request import split_domain_port
from django.utils.cache import add_never_cache_headers
from django.utils.encoding import iri_to_uri
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods
from django.views.defaults import bad_request

from actionstep_connect.conf import get_config, get_django_settings
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import ActionstepConnectError
from actionstep_connect.links import MAX_NEXT
from actionstep_connect.logs import LogEvent, log
from actionstep_connect.models import Connection
from actionstep_connect.orgkeys import same_orgkey
from actionstep_connect.scopes import REQUIREMENTS
from actionstep_connect.views.unframed import UnframedHeaders

_BEGINNINGS = ("/", "http://", "https://")

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def protected(*, referrer_policy: str) -> Callable[[View[P]], View[P]]:
    """Keep answers out of caches, frames and other sites' logs, and the view out of transactions."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def protected_view(
            request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            response: HttpResponseBase
            try:
                response = view(request, *args, **kwargs)
            except SuspiciousOperation as error:
                # Too many fields, or too long an address for the login: Django would e-mail it to ADMINS.
                response = bad_request(request, error)
            add_never_cache_headers(response)
            response.headers["Referrer-Policy"] = referrer_policy
            if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                # Django would log each as an error and e-mail it to ADMINS, as often as anybody asks.
                response._has_been_logged = True  # type: ignore[attr-defined]
            response.headers["X-Frame-Options"] = "DENY"
            response.headers = UnframedHeaders(response.headers)
            return response

        # A page that fails must not roll back a stored token or a used-up attempt.
        for alias in connections:
            protected_view = transaction.non_atomic_requests(using=alias)(protected_view)
        return protected_view

    return decorate


def user_page(view: View[P]) -> View[P]:
    """Make `view` a page of this package: for signed-in users, protected, and closed to forged forms.

    Its referrer stays on this site. It is not left out altogether, because then a browser sends its
    forms with `Origin: null`, which Django's protection against forged requests refuses.
    """
    signed_in = login_required(require_http_methods(["GET", "HEAD", "POST"])(view))
    return protected(referrer_policy="same-origin")(_whole(csrf_protect(signed_in)))


def _whole(view: View[P]) -> View[P]:
    """Let htmx load the page as a whole: a part of another page has neither its style nor its way on."""

    @wraps(view)
    def whole_view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.method == "GET" and "HX-Request" in request.headers:
            return HttpResponse(headers={"HX-Redirect": request.get_full_path()})
        return view(request, *args, **kwargs)

    return whole_view


def user_of(request: HttpRequest) -> AbstractBaseUser:
    """Return the signed-in user, as every page of this package has one."""
    if not request.user.is_authenticated:
        raise PermissionDenied
    return request.user


class Said(NamedTuple):
    """An organisation that this site would name: its key, and what people read of it."""

    orgkey: str
    organisation: str


def said_organisation(user: AbstractBaseUser, orgkey: str) -> Said:
    """Return `orgkey` as this site spells it, if it is one that this site would name to `user`.

    It is one of their own organisations, or one that a decorated view names. An address may hold any
    other text, which no page repeats.
    """
    own = Connection.objects.for_user(user).on_primary() if orgkey else ()
    known = [Said(one.orgkey, one.organisation) for one in own]
    named = [Said(each.orgkey, each.orgkey) for each in REQUIREMENTS if each.orgkey]
    found = (one for one in (*known, *named) if same_orgkey(one.orgkey, orgkey))
    return next(found, Said("", ""))


def log_failure(request: HttpRequest, error: ActionstepConnectError) -> None:
    """Log that a user could not connect. No user's request is an error of the site's."""
    message = str(error) if error.code == ErrorCode.KEYS_UNAVAILABLE else ""
    log(
        logging.WARNING,
        LogEvent.CONNECT_FAILED,
        message,
        outcome=error.code,
        user=request.user.pk,
    )


def safe_next(request: HttpRequest, url: str) -> str:
    """Return `url` if it leads to a page of this site, else nothing."""
    if len(url) > MAX_NEXT or not url.isprintable() or not url.startswith(_BEGINNINGS):
        return ""
    if url.startswith("//") or "\\" in url:  # Whatever Django and browsers make of those.
        return ""
    if len(iri_to_uri(url)) > MAX_NEXT:  # Else redirects could outgrow what Django allows.
        return ""
    is_safe = url_has_allowed_host_and_scheme(
        url, allowed_hosts=_hosts(request), require_https=request.is_secure()
    )
    return url if is_safe else ""


def _hosts(request: HttpRequest) -> set[str]:
    """Return the hosts of this site: this one, and those that ALLOWED_HOSTS names in full.

    A host whose URLconf does not have this package's URLs sends users here, to REDIRECT_URI's. No
    wildcard counts: it may match a host that is not the site's.
    """
    here = request.get_host()
    if not get_config().redirect_uri:
        return {here}
    port = split_domain_port(here)[1]
    named = {
        name for name in get_django_settings().allowed_hosts if not name.startswith((".", "*"))
    }
    return {here, *(f"{name.lower()}:{port}".removesuffix(":") for name in named)}
