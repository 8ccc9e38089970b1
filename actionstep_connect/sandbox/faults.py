"""What can go wrong on the wire, on demand."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from actionstep_connect.sandbox import rules
from actionstep_connect.sandbox.identity import find_grant
from actionstep_connect.sandbox.rest.errors import ANY_OTHER, MEDIA_TYPE, Mistake, error
from actionstep_connect.sandbox.rules import Rule

ENDPOINTS = ("authorize", "token", "api")
STATUS = re.compile(r"status_([2-5][0-9]{2})(_after)?")
MAX_SECONDS = 86400
RULES: Mapping[str, Rule] = {
    "endpoint": rules.TEXT,
    "fault": rules.TEXT,
    "times": rules.whole(1).or_null(),
    "skip": rules.whole(0),
    "after": rules.FLAG,
    "user": rules.TEXT,
    "grant_type": rules.TEXT,
    "resource": rules.TEXT,
    "status": rules.whole(200, 599).or_null(),
    "body": rules.TEXT.or_null(),
    "content_type": rules.LINE,
    "headers": rules.HEADERS,
    "retry_after": rules.LINE,
    "location": rules.LINE,
    "seconds": rules.number(0, MAX_SECONDS),
    "error": rules.TEXT,
    "error_description": rules.TEXT,
    "changes": rules.OBJECT,
    "remove": rules.LINES,
}
WITHOUT_BODY = frozenset({204, 304})

HTML = (
    "<!doctype html><html lang=en><title>Down for maintenance</title>"
    "<h1>We will be back soon</h1><p>Planned maintenance is under way.</p></html>"
)

Answer = Callable[["Fault"], HttpResponse]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way to misbehave.

    ``after``: do what was asked first, then spoil the answer, so that a refresh token is rotated
    and the client never learns of it. ``seconds`` is for ``slow`` and ``drip``; ``changes`` and
    ``remove`` are for ``members``, which alters the JSON of an otherwise good answer.
    """

    endpoint: str
    fault: str
    times: int | None = 1
    skip: int = 0
    after: bool = False
    user: str = ""
    grant_type: str = ""
    resource: str = ""
    status: int | None = None
    body: str | None = None
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after: str = ""
    location: str = ""
    seconds: float = 2.0
    error: str = "temporarily_unavailable"
    error_description: str = ""
    changes: Mapping[str, object] = field(default_factory=dict)
    remove: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, rule in RULES.items():
            rule.check(name, getattr(self, name))
        if self.endpoint not in ENDPOINTS:
            raise ValueError(f"endpoint must be one of {', '.join(ENDPOINTS)}.")
        if self.fault not in KINDS and not _status_of(self.fault):
            names = ", ".join(KINDS)
            raise ValueError(f"fault must be status_200 to status_599, or one of {names}.")
        if self.fault == "members" and self.endpoint == "authorize":
            raise ValueError("members is for token or api: the pages of authorize have none.")

    @property
    def kind(self) -> str:
        return self.fault.removesuffix("_after").removesuffix("_before")

    @property
    def is_after(self) -> bool:
        return self.after or self.fault.endswith("_after")

    def matches(self, request: HttpRequest) -> bool:
        if self.grant_type and request.POST.get("grant_type") != self.grant_type:
            return False
        if self.resource and f"/rest/{self.resource}" not in request.path:
            return False
        if self.user:
            grant = find_grant(request)
            return grant is not None and grant.membership.person.username == self.user
        return True

    def answer(self) -> HttpResponse:
        """Return the answer that replaces the real one."""
        response = KINDS[self.kind](self) if self.kind in KINDS else _status(self)
        if self.body is not None:
            response.content = self.body.encode()
        return self._dress(response)

    def alter(self, response: HttpResponseBase) -> HttpResponseBase:
        """Change or remove members of an answer; leave one that is no JSON object as it is."""
        if not isinstance(response, HttpResponse) or response.status_code >= 400:
            return response
        members = _members(response.content)
        if members is None:
            return response
        members.update(self.changes)
        for name in self.remove:
            members.pop(name, None)
        response.content = json.dumps(members).encode()
        return self._dress(response)

    def _dress(self, response: HttpResponse) -> HttpResponse:
        """Set the status and the headers that this fault names on an answer."""
        if self.status:
            response.status_code = self.status
        if self.content_type:
            response["Content-Type"] = self.content_type
        if self.retry_after:
            response["Retry-After"] = self.retry_after
        for name, value in self.headers.items():
            response[name] = value
        if response.status_code in WITHOUT_BODY:
            # A client would take it for the start of the next answer.
            response.content = b""
        return response

    def public(self) -> dict[str, object]:
        """Return what differs from the defaults, for people to read."""
        defaults = Fault(endpoint=self.endpoint, fault=self.fault)
        shown = {"endpoint": self.endpoint, "fault": self.fault}
        return shown | {
            name: value for name, value in asdict(self).items() if value != getattr(defaults, name)
        }


def parse_fault(data: Mapping[str, Any]) -> Fault:
    """Make a fault from JSON; raise ValueError naming what is wrong."""
    members = dict(data)
    known = {item.name for item in fields(Fault)}
    if unknown := set(members) - known:
        raise ValueError(f"Unknown member of a fault: {', '.join(sorted(unknown))}.")
    if not {"endpoint", "fault"} <= set(members):
        raise ValueError("A fault needs endpoint and fault.")
    if isinstance(members.get("remove"), list):
        members["remove"] = tuple(members["remove"])
    if isinstance(members.get("retry_after"), int):
        members["retry_after"] = str(members["retry_after"])
    return Fault(**members)


def _members(content: bytes) -> dict[str, Any] | None:
    try:
        members = json.loads(content)
    except ValueError:
        return None
    return members if isinstance(members, dict) else None


def _status_of(name: str) -> int | None:
    found = STATUS.fullmatch(name)
    return int(found[1]) if found else None


def _status(fault: Fault) -> HttpResponse:
    status = _status_of(fault.fault) or 500
    title = {429: "Too Many Requests", 503: "Service Unavailable"}.get(status, "Server error")
    if fault.endpoint == "api":
        if status == 401:
            return JsonResponse({"error": "invalid_token"}, status=401)
        mistake = Mistake("This answer was asked for at the sandbox.")
        body = {"errors": error(status, title, ANY_OTHER, mistake)}
        return JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    # JSON without an `error` member: this is how rate limits have looked at token endpoints.
    return JsonResponse({"message": title}, status=status)


KINDS: dict[str, Answer] = {
    "html": lambda _: HttpResponse(HTML),
    "empty": lambda _: HttpResponse(b""),
    "list": lambda _: JsonResponse([], safe=False),
    "json_without_error": lambda _: JsonResponse({"message": "Something is off"}, status=400),
    "error_200": lambda fault: JsonResponse(_oauth_error(fault)),
    "oauth_error": lambda fault: JsonResponse(_oauth_error(fault), status=400),
    "redirect": lambda fault: HttpResponse(status=307, headers={"Location": fault.location}),
    "huge": lambda _: JsonResponse({"padding": "x" * 1_000_000}),
    "custom": lambda _: HttpResponse(b""),
    # These leave or cut the real answer; the middleware knows how.
    "members": lambda _: HttpResponse(b""),
    "slow": lambda _: HttpResponse(b""),
    "drip": lambda _: HttpResponse(b""),
    "drop": lambda _: HttpResponse(b""),
    "drop_before": lambda _: HttpResponse(b""),
    "drop_after": lambda _: HttpResponse(b""),
    "slow_after": lambda _: HttpResponse(b""),
}


def _oauth_error(fault: Fault) -> dict[str, str]:
    body = {"error": fault.error}
    if fault.error_description:
        body["error_description"] = fault.error_description
    return body
