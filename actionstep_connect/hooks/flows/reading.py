"""Reading changed rows again, as the bearer. A call is a hint; what Actionstep answers is the truth."""

from contextlib import ExitStack
from typing import Any, Self

import httpx2

from actionstep_connect.client import ActionstepClient
from actionstep_connect.exceptions import (
    ActionstepConnectError,
    ActionstepPermissionDenied,
    ApiError,
    ScopeNotGranted,
)
from actionstep_connect.hooks.flows.bearers import find_bearer
from actionstep_connect.models import Connection

#: Seconds. A short wait costs less than another round.
MAX_WAIT = 5.0
#: What may pass, and is not the handler's fault.
TROUBLE = (ActionstepConnectError, httpx2.HTTPError)


class NoBearerError(Exception):
    """There is no user as whom a row could be read; the message says why."""


class Reader:
    """Reads rows of several organisations, with one client for each while its block lasts."""

    def __init__(self) -> None:
        self._clients: dict[str, ActionstepClient] = {}
        self._bearers: dict[str, tuple[Connection | None, str]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def bearer(self, orgkey: str) -> Connection:
        """Return who carries the hooks of an organisation. Raises NoBearerError."""
        if orgkey not in self._bearers:
            self._bearers[orgkey] = find_bearer(orgkey)
        connection, why_not = self._bearers[orgkey]
        if connection is None:
            raise NoBearerError(why_not)
        return connection

    def read(self, orgkey: str, resource: str, row_id: str) -> dict[str, Any] | None:
        """Return a row; None if it is gone, or is none of the bearer's business.

        Raises NoBearerError, and one of TROUBLE.
        """
        try:
            rows = list(self._client(orgkey).iterate(f"{resource}/{row_id}"))
        except ScopeNotGranted:
            raise
        except ActionstepPermissionDenied:
            return None
        except ApiError as error:
            if error.status == httpx2.codes.NOT_FOUND:
                return None
            raise
        return rows[0] if rows else None

    def _client(self, orgkey: str) -> ActionstepClient:
        if orgkey not in self._clients:
            client = ActionstepClient(self.bearer(orgkey), max_wait=MAX_WAIT)
            self._clients[orgkey] = self._stack.enter_context(client)
        return self._clients[orgkey]
