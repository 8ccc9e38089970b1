"""What a browser keeps for this package: its marker, and how its last attempt ended.

Cookies of their own, not the session: a slow request may save an older copy of the session at any time.
"""

import posixpath
import re
from urllib.parse import urlsplit

from django.core import signing
from django.http import HttpRequest, HttpResponseBase

from actionstep_connect.conf import get_config, get_django_settings
from actionstep_connect.flows.attempts import Visitor, mark_session, new_marker, session_marker
from actionstep_connect.links import page_url
from actionstep_connect.models.authorization_request import LIFETIME
from actionstep_connect.views.protection import user_of

MARKER_COOKIE = "actionstep_connect"
ENDING_COOKIE = "actionstep_connect_ending"
_MARKER = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_LIFETIME = int(LIFETIME.total_seconds())


def callback_address(request: HttpRequest) -> str:
    """Return where Actionstep sends this browser back to: REDIRECT_URI, or what the request says."""
    return get_config().redirect_uri or request.build_absolute_uri(page_url("callback"))


def recognise(request: HttpRequest) -> Visitor:
    """Return who comes back."""
    return Visitor(
        user=user_of(request), browser=_marker(request), session=session_marker(request.session)
    )


def mark(request: HttpRequest) -> Visitor:
    """Return who begins; `remember` must give the answer the marker."""
    return Visitor(
        user=user_of(request),
        browser=_marker(request) or new_marker(),
        session=mark_session(request.session),
    )


def remember(response: HttpResponseBase, visitor: Visitor, *, callback: str) -> None:
    """Let the browser keep its marker until its callback, whose address is `callback`."""
    _keep(response, MARKER_COOKIE, visitor.browser, callback=callback)


def remember_ending(response: HttpResponseBase, code: str, *, callback: str) -> None:
    """Let the browser show that it was told of this ending, so that no stranger can say it."""
    signed = signing.dumps(code, salt=ENDING_COOKIE)
    _keep(response, ENDING_COOKIE, signed, callback=callback)


def was_told(request: HttpRequest, code: str) -> bool:
    """Return whether this site told this browser of this ending just now."""
    try:
        told: object = signing.loads(
            request.COOKIES.get(ENDING_COOKIE, ""), salt=ENDING_COOKIE, max_age=LIFETIME
        )
    except signing.BadSignature:
        return False
    return told == code


def _marker(request: HttpRequest) -> str:
    value = request.COOKIES.get(MARKER_COOKIE, "")
    return value if _MARKER.fullmatch(value) else ""


def _keep(response: HttpResponseBase, name: str, value: str, *, callback: str) -> None:
    address = urlsplit(callback)
    response.set_cookie(
        name,
        value,
        max_age=_LIFETIME,
        path=_shared_path(address.path),
        # Where the session is.
        domain=get_django_settings().session_cookie_domain,
        secure=address.scheme == "https",
        httponly=True,
        samesite="Lax",
    )


def _shared_path(callback: str) -> str:
    """Return the path of the pages of this package, which lie side by side: where the callback is.

    `i18n_patterns` may have put the page that leads to Actionstep elsewhere: then it is what both share.
    A proxy may have taken another prefix off, which only the callback's address shows.
    """
    own = urlsplit(page_url("callback")).path
    registered, here = (posixpath.dirname(path.rstrip("/")) or "/" for path in (callback, own))
    prefix = registered.removesuffix(here).strip("/")
    languages = get_django_settings().languages
    is_beside = registered.endswith(here) and posixpath.basename(prefix) not in languages
    path = registered if is_beside else posixpath.commonpath([registered, here])
    return path.rstrip("/") + "/"
