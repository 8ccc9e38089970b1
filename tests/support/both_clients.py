"""One test for both clients: what it does with the sync one, and what with the async one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.connections import make_user, new_connection


@dataclass(frozen=True)
class Caller:
    """Calls one of the two clients by the names that both share."""

    connection: Connection
    is_async: bool

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method that gives one result."""
        if not self.is_async:
            with ActionstepClient(self.connection) as actionstep:
                return getattr(actionstep, method)(*args, **kwargs)

        async def call() -> Any:
            async with AsyncActionstepClient(self.connection) as actionstep:
                return await getattr(actionstep, method)(*args, **kwargs)

        return asyncio.run(call())

    def rows(self, method: str, *args: Any, **kwargs: Any) -> list[Any]:
        """Walk to the end, and return the rows."""
        return self.walk(method, *args, **kwargs)[0]

    def walk(
        self,
        method: str,
        *args: Any,
        meanwhile: Callable[[int], tuple[str, str, Any] | None] = lambda _: None,
        **kwargs: Any,
    ) -> tuple[list[Any], Any]:
        """Walk to the end; return the rows and the walk itself.

        `meanwhile` is asked after each row for a request to be made before the next.
        """
        rows: list[Any] = []
        if not self.is_async:
            with ActionstepClient(self.connection) as actionstep:
                walk = getattr(actionstep, method)(*args, **kwargs)
                for row in walk:
                    rows.append(row)
                    if ask := meanwhile(len(rows)):
                        actionstep.request(ask[0], ask[1], json=ask[2])
                return rows, walk

        async def go() -> Any:
            async with AsyncActionstepClient(self.connection) as actionstep:
                walk = getattr(actionstep, f"a{method}")(*args, **kwargs)
                async for row in walk:
                    rows.append(row)
                    if ask := meanwhile(len(rows)):
                        await actionstep.request(ask[0], ask[1], json=ask[2])
                return walk

        return rows, asyncio.run(go())


def connection_to_all(sandbox: Sandbox, *scopes: str, user: str = "priya") -> Connection:
    """Store a connection with a live grant for `scopes`, or for everything."""
    wanted = list(scopes) or ["all"]
    [grant] = sandbox.post(
        "sandbox/issue", user=user, orgkey="acmelaw", scopes=wanted, count=1
    ).json()["tokens"]
    connection = new_connection(
        make_user(),
        access_token=grant["access_token"],
        refresh_token=grant["refresh_token"],
        granted_scopes=wanted,
    )
    connection.save()
    return connection
