"""What a site imports: its users' connections, and calling Actionstep through them."""

from asgiref.sync import sync_to_async
from django.contrib.auth.base_user import AbstractBaseUser

from actionstep_connect.client import ActionstepClient, AsyncActionstepClient
from actionstep_connect.client.jobs import actionstep_task
from actionstep_connect.client.meta import deep_link
from actionstep_connect.decorators import (
    ActionstepRequest,
    actionstep_connection_required,
    redirect_to_connect,
)
from actionstep_connect.flows.disconnect import disconnect
from actionstep_connect.flows.refresh import afresh_token, arefresh_now, fresh_token, refresh_now
from actionstep_connect.models import Connection

__all__ = [
    "ActionstepClient",
    "ActionstepRequest",
    "AsyncActionstepClient",
    "actionstep_connection_required",
    "actionstep_task",
    "adisconnect",
    "aget_access_token",
    "arefresh",
    "deep_link",
    "disconnect",
    "get_access_token",
    "redirect_to_connect",
    "refresh",
]


def get_access_token(connection: Connection, *, min_validity: float = 60) -> str:
    """Return an access token of `connection` that lives `min_validity` seconds longer.

    It is refreshed if it must be; while the present one lives, no caller waits. `min_validity` never
    asks for more than half a token's life. `connection` is brought up to date.

    Raises NotConnected, ReconnectRequired, TemporarilyUnavailable, ClientRejected, DecryptionFailed.
    """
    return fresh_token(connection, min_validity=min_validity).reveal()


async def aget_access_token(connection: Connection, *, min_validity: float = 60) -> str:
    """Do what `get_access_token` does, in async code."""
    return (await afresh_token(connection, min_validity=min_validity)).reveal()


def refresh(connection: Connection) -> None:
    """Refresh `connection` now, unless it was refreshed since it was loaded; bring it up to date.

    Raises as `get_access_token` does.
    """
    refresh_now(connection)


async def arefresh(connection: Connection) -> None:
    """Do what `refresh` does, in async code."""
    await arefresh_now(connection)


async def adisconnect(connection: Connection, *, actor: AbstractBaseUser | None = None) -> None:
    """Do what `disconnect` does, in async code."""
    await sync_to_async(disconnect)(connection, actor=actor)
