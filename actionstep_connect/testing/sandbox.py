"""The running sandbox in the hands of a test: what one can ask of it, do to it and let go wrong."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Literal, Self, Unpack
from urllib.parse import parse_qs, urlsplit

import httpx2
import time_machine
from django.contrib.auth.base_user import AbstractBaseUser

from actionstep_connect.client import rate_limits
from actionstep_connect.flows.attempts import (
    Visitor,
    authorization_url,
    begin,
    claim_attempt,
    new_marker,
)
from actionstep_connect.flows.connect import check_answer, finish
from actionstep_connect.models import Connection
from actionstep_connect.scopes import Scopes
from actionstep_connect.secret import Secret
from actionstep_connect.testing import end_user
from actionstep_connect.testing.vocabulary import (
    Endpoint,
    FaultDetails,
    FaultName,
    SandboxOptions,
)

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 (the sandbox's own default)
#: Nothing listens there: a test that connects a user without a browser reads the address itself.
REDIRECT_URI = "http://localhost/actionstep/callback/"


@dataclass(frozen=True, kw_only=True)
class Activity:
    """One request as Actionstep logs it: against the end-user who authorized it."""

    at: datetime
    method: str
    resource: str
    """The path below ``/api/``, without ``rest/``: ``timerecords/481``, ``oauth/token (…)``."""
    status: int | None
    """None: the sandbox hung up without an answer."""
    user: str
    orgkey: str
    client_id: str
    user_agent: str


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One call that the sandbox made to a REST hook."""

    at: datetime
    orgkey: str
    hook: int
    event: str
    resource: str
    id: str
    """Of the row that changed."""
    target: str
    status: int | None
    """None: no answer came, and `problem` says why."""
    problem: str


class Sandbox:
    """A running sandbox, spoken to over HTTP alone."""

    def __init__(self, url: str) -> None:
        self.url = url
        # No certificates: they would take longer to load than the sandbox to answer.
        self._http = httpx2.Client(base_url=url, trust_env=False, verify=False, timeout=10)
        self._travels = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.return_to_present()
        self._http.close()

    @property
    def host(self) -> str:
        """Its ``host:port``, as ``API_HOSTS`` wants it."""
        return self.url.removeprefix("http://")

    def settings(self) -> dict[str, Any]:
        """Return the members of ``ACTIONSTEP_CONNECT`` that lead here."""
        return {
            "ENVIRONMENT": "sandbox",
            "CLIENT_ID": CLIENT_ID,
            "CLIENT_SECRET": CLIENT_SECRET,
            "AUTHORIZE_URL": f"{self.url}/api/oauth/authorize",
            "TOKEN_URL": f"{self.url}/api/oauth/token",
            "API_HOSTS": [self.host],
            "REDIRECT_URI": None,
        }

    def reset(self) -> None:
        """Put it back to how it started: no grants, no faults, an empty log, today's time."""
        self.return_to_present()
        rate_limits.forget()
        self.post("sandbox/reset")

    # What its end-users do.

    def authorize(
        self,
        url: str,
        *,
        username: str = "priya",
        orgkey: str | None = None,
        decision: Literal["allow", "deny"] = "allow",
    ) -> str:
        """Go through both pages as `username`, from `url` on; return the callback's address.

        `url` is where your connect page redirects to. Without `orgkey` it is for the user's first
        organisation. Raises ValueError if the one you name is not theirs, or if the pages lead nowhere.
        """
        if not url.startswith(f"{self.url}/"):
            raise ValueError(f"{url.partition('?')[0]} is not at the sandbox, {self.url}.")
        return end_user.authorize(url, username=username, orgkey=orgkey, decision=decision)

    def connect(
        self,
        user: AbstractBaseUser,
        *,
        username: str = "priya",
        orgkey: str | None = None,
        scopes: Scopes | None = None,
    ) -> Connection:
        """Connect your `user` as the sandbox's `username`: authorized, exchanged and stored for real.

        `scopes` are SCOPES if you name none. Raises AuthorizationFailed, and ValueError as above.
        """
        visitor = Visitor(user, browser=new_marker(), session=new_marker())
        begun = begin(visitor, scopes=scopes, redirect_uri=REDIRECT_URI)
        url = authorization_url(begun, visitor)
        callback = self.authorize(url, username=username, orgkey=orgkey)
        given = {
            name: Secret(value) for name, [value] in parse_qs(urlsplit(callback).query).items()
        }
        attempt = claim_attempt(given["state"], visitor)
        nothing = Secret("")
        code = check_answer(
            code=given.get("code", nothing),
            error=given.get("error", nothing),
            issuer=given.get("iss"),
        )
        return finish(attempt, code=code).connection

    # What happens at Actionstep, and hooks hear of.

    def change(
        self,
        resource: str,
        id: int | str,  # noqa: A002 (Actionstep's word for it)
        *,
        orgkey: str = "acmelaw",
        links: Mapping[str, Any] | None = None,
        **members: Any,
    ) -> dict[str, Any]:
        """Change a row as a colleague at Actionstep would; return it once its hooks were called.

        Raises ValueError if there is no such row or member, or a value makes no sense.
        """
        row = members | ({"links": links} if links else {})
        answer = self.post("sandbox/change", resource=resource, id=id, orgkey=orgkey, row=row)
        changed: dict[str, Any] = answer.json()["row"]
        return changed

    def add(
        self,
        resource: str,
        *,
        orgkey: str = "acmelaw",
        links: Mapping[str, Any] | None = None,
        **members: Any,
    ) -> dict[str, Any]:
        """Add a row, otherwise as `change` does."""
        row = members | ({"links": links} if links else {})
        answer = self.post("sandbox/add", resource=resource, orgkey=orgkey, row=row)
        added: dict[str, Any] = answer.json()["row"]
        return added

    def remove(
        self,
        resource: str,
        id: int | str,  # noqa: A002 (as above)
        *,
        orgkey: str = "acmelaw",
    ) -> None:
        """Delete a row, and what cannot be without it, otherwise as `change` does."""
        self.post("sandbox/remove", resource=resource, id=id, orgkey=orgkey)

    # What can go wrong, or otherwise than usual.

    def fail(
        self, endpoint: Endpoint, fault: FaultName | int, **details: Unpack[FaultDetails]
    ) -> None:
        """Let the next request to `endpoint` go wrong: an HTTP status (503), or a named fault."""
        name = f"status_{fault}" if isinstance(fault, int) else fault
        self.post("sandbox/faults", endpoint=endpoint, fault=name, **details)

    def clear_faults(self) -> None:
        """Let everything go well again, and this process forget the rate limits that it was told of."""
        rate_limits.forget()
        self.delete("sandbox/faults")

    def change_options(self, **options: Unpack[SandboxOptions]) -> None:
        """Behave otherwise until the next test, as the command line's options say."""
        self.post("sandbox/options", **options)

    def revoke(self, username: str = "", *, orgkey: str = "") -> None:
        """End the connections of one end-user or of all, without a word to the site."""
        self.post("sandbox/revoke", user=username, orgkey=orgkey)

    def expire(
        self, what: Literal["access", "refresh", "all"] = "access", *, username: str = ""
    ) -> None:
        """Let tokens expire now, earlier than the site knows."""
        self.post("sandbox/expire", what=what, user=username)

    def advance(self, by: timedelta) -> None:
        """Move time on, in this process and in the sandbox; both clocks go on from there.

        Other processes, a worker of yours or the database, keep their own time.
        """
        self.post("sandbox/advance", seconds=by.total_seconds())
        self._travels.enter_context(time_machine.travel(by))

    def return_to_present(self) -> None:
        """Undo every `advance` in this process; the fixture does so after each test."""
        self._travels.close()

    # What it saw.

    def activity(self) -> list[Activity]:
        """Return the log of requests to Actionstep's own addresses, the newest first."""
        known = {field.name for field in fields(Activity)} - {"at"}
        return [
            Activity(
                at=datetime.fromisoformat(entry["at"]), **{name: entry[name] for name in known}
            )
            for entry in self.get("sandbox/state")["activity"]
        ]

    def notifications(self) -> list[Notification]:
        """Return the calls that it made to hooks, the newest first."""
        return [
            Notification(**{**one, "at": datetime.fromisoformat(one["at"])})
            for one in self.get("sandbox/state")["notifications"]
        ]

    # Its control endpoints, for what has no method here.

    def get(self, path: str) -> Any:
        """Read JSON from one of its control endpoints."""
        return self._http.get(f"/{path}").raise_for_status().json()

    def post(self, path: str, **data: Any) -> httpx2.Response:
        """Post JSON to one of its control endpoints. Raises ValueError with what it says is wrong."""
        response = self._http.post(f"/{path}", json=data)
        if response.status_code == httpx2.codes.BAD_REQUEST:
            raise ValueError(response.json()["problem"])
        return response.raise_for_status()

    def delete(self, path: str) -> None:
        """Clear what one of its control endpoints has set."""
        self._http.delete(f"/{path}").raise_for_status()
