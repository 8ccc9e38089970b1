"""Around every request: count it, log it against its user, and spoil it when a fault says so."""

import sys
from collections.abc import Callable, Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from actionstep_connect.sandbox.clock import clock
from actionstep_connect.sandbox.faults import Fault
from actionstep_connect.sandbox.models import Membership
from actionstep_connect.sandbox.server import DROP
from actionstep_connect.sandbox.switchboard import Activity, switchboard

GetResponse = Callable[[HttpRequest], HttpResponseBase]

ACTOR = "sandbox.actor"
CLIENT = "sandbox.client"

CALLBACK_ERROR = "sandbox.callback_error"
"""Set by a fault: the error and its description that the callback is to get."""

PREFIXES = {"/api/rest/": "api", "/api/oauth/token": "token", "/api/oauth/authorize": "authorize"}


def note_actor(request: HttpRequest, membership: Membership, client_id: str) -> None:
    """Record on whose authority this request is served, for the activity log."""
    request.META[ACTOR] = membership
    request.META[CLIENT] = client_id


def endpoint_of(path: str) -> str:
    return next((name for prefix, name in PREFIXES.items() if path.startswith(prefix)), "")


class PageHeadersMiddleware:
    """Keep pages out of caches, frames and scripts."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Refuses names of others that point at loopback.
        request.get_host()
        response = self.get_response(request)
        response.setdefault("Cache-Control", "no-store")
        response.setdefault("X-Content-Type-Options", "nosniff")
        # `same-origin`, for under `no-referrer` browsers send forms with `Origin: null`.
        response.setdefault("Referrer-Policy", "same-origin")
        response.setdefault("Content-Security-Policy", "default-src 'none'; style-src 'self'")
        if isinstance(response, HttpResponse) and response.status_code != 204:
            # Without it the server must hang up to mark the end.
            response.setdefault("Content-Length", str(len(response.content)))
        return response


class ActivityMiddleware:
    """Count and log what reaches Actionstep's own addresses."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        endpoint = endpoint_of(request.path)
        if not endpoint:
            return self.get_response(request)
        epoch = switchboard.epoch
        _count(endpoint, request)
        with switchboard.serving(endpoint):
            response = self.get_response(request)
        _log(endpoint, request, response, epoch=epoch)
        return response


def _count(endpoint: str, request: HttpRequest) -> None:
    switchboard.count(f"{endpoint}_requests")
    if endpoint == "token":
        kind = request.POST.get("grant_type", "")
        known = kind in ("authorization_code", "refresh_token")
        switchboard.count(f"token_requests.{kind if known else 'other'}")


def _log(endpoint: str, request: HttpRequest, response: HttpResponseBase, *, epoch: int) -> None:
    member: Membership | None = request.META.get(ACTOR)
    resource = request.path.removeprefix("/api/").removeprefix("rest/").rstrip("/")
    if endpoint == "token":
        resource += f" ({request.POST.get('grant_type', 'no grant_type')[:40]})"
    entry = Activity(
        at=clock.now(),
        method=request.method or "",
        resource=resource[:200],
        status=None if request.META.get(DROP) else response.status_code,
        user=member.person.username if member else "",
        orgkey=member.organisation.key if member else "",
        client_id=request.META.get(CLIENT, ""),
        user_agent=request.headers.get("User-Agent", "")[:200],
    )
    switchboard.note(entry, epoch=epoch)
    if switchboard.verbose:
        who = f"{entry.user}@{entry.orgkey}" if entry.user else "-"
        sys.stdout.write(f"{entry.method} {entry.resource} {entry.status or 'dropped'} {who}\n")
        sys.stdout.flush()


class FaultMiddleware:
    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        endpoint = endpoint_of(request.path)
        fault = switchboard.take_fault(endpoint, request) if endpoint else None
        if fault is None:
            return self.get_response(request)
        switchboard.count(f"faults.{fault.fault}")
        return self._spoil(fault, request)

    def _spoil(self, fault: Fault, request: HttpRequest) -> HttpResponseBase:
        match fault.kind:
            case "members":
                return fault.alter(self.get_response(request))
            case "drip":
                return _drip(self.get_response(request), fault.seconds)
            case "slow":
                return self._slowly(fault, request)
            case "oauth_error" if fault.endpoint == "authorize":
                request.META[CALLBACK_ERROR] = fault.error, fault.error_description
                return self.get_response(request)
        if fault.is_after:
            self.get_response(request)
        if fault.kind == "drop":
            request.META[DROP] = True
        return fault.answer()

    def _slowly(self, fault: Fault, request: HttpRequest) -> HttpResponseBase:
        if fault.is_after:
            response = self.get_response(request)
            switchboard.stopping.wait(fault.seconds)
            return response
        switchboard.stopping.wait(fault.seconds)
        return self.get_response(request)


def _drip(response: HttpResponseBase, seconds: float) -> HttpResponseBase:
    """Send a good answer byte by byte: no single read times out, the whole does."""
    if not isinstance(response, HttpResponse) or not response.content:
        return response
    content = response.content

    def drops() -> Iterator[bytes]:
        for byte in content:
            if switchboard.stopping.wait(seconds / len(content)):
                return
            yield bytes([byte])

    headers = dict(response.items()) | {"Content-Length": str(len(content))}
    return StreamingHttpResponse(drops(), status=response.status_code, headers=headers)
