"""Connections as a callback would have stored them, for tests that begin after it."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User

from actionstep_connect.conf import get_config
from actionstep_connect.models import Connection
from actionstep_connect.models.connection import ACCESS_TOKEN, REFRESH_TOKEN
from actionstep_connect.secret import Secret
from actionstep_connect.testing import Sandbox

_numbers = itertools.count(1)


def make_user(**values: Any) -> User:
    """Store a user no one else has."""
    name = values.pop("username", f"user-{next(_numbers)}")
    return User.objects.create(username=name, email=f"{name}@law.example", **values)


def new_connection(
    user: User, *, access_token: str, refresh_token: str, orgkey: str = "acmelaw", **values: Any
) -> Connection:
    """Return an unsaved connection of `user` that holds these tokens, fresh as of now."""
    config, now = get_config(), datetime.now(UTC)
    connection = Connection(
        user=user,
        environment=config.environment,
        client_id=config.client_id,
        orgkey=orgkey,
        api_endpoint=f"http://{config.api_hosts[0]}/api/",
        granted_scopes=list(config.scopes),
        connected_at=now,
        last_used_at=now,
        access_token_expires_at=now + timedelta(hours=1),
        refresh_token_expires_at=now + config.refresh_token_lifetime,
        refresh_at=now + timedelta(minutes=50),
    )
    connection.sealed_access_token = connection.seal(ACCESS_TOKEN, Secret(access_token))
    connection.sealed_refresh_token = connection.seal(REFRESH_TOKEN, Secret(refresh_token))
    for name, value in values.items():
        setattr(connection, name, value)
    return connection


def make_connection(user: User, **values: Any) -> Connection:
    """Store a connection of `user` whose tokens no server knows."""
    values = {"access_token": "an-access-token", "refresh_token": "a-refresh-token", **values}
    connection = new_connection(user, **values)
    connection.save()
    return connection


def sandbox_connections(sandbox: Sandbox, count: int, **values: Any) -> list[Connection]:
    """Store `count` connections of `count` users, each with a live grant in the sandbox."""
    grants = sandbox.post(
        "sandbox/issue",
        user="priya",
        orgkey="acmelaw",
        scopes=["actions", "participants", "timerecords"],
        count=count,
    ).json()["tokens"]
    users = User.objects.bulk_create(User(username=f"user-{next(_numbers)}") for _ in range(count))
    return Connection.objects.bulk_create(
        new_connection(
            user,
            access_token=grant["access_token"],
            refresh_token=grant["refresh_token"],
            **values,
        )
        for user, grant in zip(users, grants, strict=True)
    )


def sandbox_connection(sandbox: Sandbox, **values: Any) -> Connection:
    """Store one connection with a live grant in the sandbox."""
    return sandbox_connections(sandbox, 1, **values)[0]


def expired(**values: Any) -> dict[str, Any]:
    """Return the values of a connection that is due, its access token expired."""
    now = datetime.now(UTC)
    return {
        "access_token_expires_at": now - timedelta(minutes=5),
        "refresh_at": now - timedelta(minutes=15),
        "connected_at": now - timedelta(minutes=65),
        **values,
    }


def near_limit(**values: Any) -> dict[str, Any]:
    """Return the values of a connection that is due and has five days left."""
    now = datetime.now(UTC)
    return {
        "connected_at": now - timedelta(days=16),
        "access_token_expires_at": now - timedelta(days=15),
        "refresh_token_expires_at": now + timedelta(days=5),
        "refresh_at": now - timedelta(days=15),
        **values,
    }


def make_due(rows: Any, *, seconds: float = 60) -> None:
    """Have the access tokens of `rows` expired, and their refresh due."""
    past = datetime.now(UTC) - timedelta(seconds=seconds)
    rows.update(access_token_expires_at=past, refresh_at=past, last_failed_at=None)


def kinds(connection: Connection) -> list[str]:
    """Return the kinds of its events, the oldest first."""
    return list(connection.events.order_by("pk").values_list("kind", flat=True))
