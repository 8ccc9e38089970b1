"""A connection in the database without any server: for unit tests whose answers are canned."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser

from actionstep_connect.conf import get_config
from actionstep_connect.models import Connection
from actionstep_connect.models.connection import ACCESS_TOKEN, REFRESH_TOKEN
from actionstep_connect.secret import Secret


def make_connection(
    user: AbstractBaseUser, *, orgkey: str = "acmelaw", scopes: Iterable[str] | None = None
) -> Connection:
    """Store a connection of `user`, fresh as of now, whose tokens no server knows; `scopes` or SCOPES.

    It lives for an hour. Give its client a transport with canned answers; nothing else answers it.
    """
    config, now = get_config(), datetime.now(UTC)
    connection = Connection(
        user_id=user.pk,
        environment=config.environment,
        client_id=config.client_id,
        orgkey=orgkey,
        api_endpoint=f"https://{config.api_hosts[0].replace('*', 'region')}/api/",
        granted_scopes=list(config.scopes if scopes is None else scopes),
        connected_at=now,
        last_used_at=now,
        access_token_expires_at=now + timedelta(hours=1),
        refresh_token_expires_at=now + config.refresh_token_lifetime,
        refresh_at=now + timedelta(minutes=50),
    )
    connection.sealed_access_token = connection.seal(ACCESS_TOKEN, Secret("made-up-access-token"))
    connection.sealed_refresh_token = connection.seal(REFRESH_TOKEN, Secret("made-up-refresh"))
    connection.save()
    return connection
