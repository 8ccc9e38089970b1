"""Fleets of connections, by the thousand and by the million."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import override_settings

from actionstep_connect.conf import get_config
from actionstep_connect.models import Connection
from actionstep_connect.models.connection import ACCESS_TOKEN, REFRESH_TOKEN
from actionstep_connect.secret import Secret


@contextmanager
def configured(**values: Any) -> Iterator[None]:
    """Run a block with other members of ACTIONSTEP_CONNECT."""
    with override_settings(ACTIONSTEP_CONNECT={**settings.ACTIONSTEP_CONNECT, **values}):
        yield


def clear() -> None:
    """Leave no user and no connection."""
    with database.cursor() as cursor:
        cursor.execute("TRUNCATE auth_user CASCADE")


def fill(count: int) -> None:
    """Store `count` connections of as many users, all due, whose tokens the endpoint knows."""
    clear()
    config, now = get_config(), datetime.now(UTC)
    users = User.objects.bulk_create(
        (User(username=f"user-{number}") for number in range(count)), batch_size=5000
    )
    Connection.objects.bulk_create(
        (_due(user, config.environment, config.client_id, now) for user in users), batch_size=2000
    )
    _settle()


def _due(user: User, environment: str, client_id: str, now: datetime) -> Connection:
    issued_at = now - timedelta(minutes=55)
    connection = Connection(
        user=user,
        environment=environment,
        client_id=client_id,
        orgkey="acmelaw",
        api_endpoint="http://127.0.0.1:8801/api/",
        granted_scopes=["actions", "participants", "timerecords"],
        connected_at=issued_at,
        last_used_at=issued_at,
        access_token_expires_at=issued_at + timedelta(hours=1),
        refresh_token_expires_at=issued_at + timedelta(days=21),
        refresh_at=now - timedelta(minutes=5),
    )
    connection.sealed_access_token = connection.seal(ACCESS_TOKEN, Secret("x" * 660))
    connection.sealed_refresh_token = connection.seal(REFRESH_TOKEN, Secret(f"{user.pk}.0"))
    return connection


def multiply(count: int, *, due: int) -> None:
    """Store `count` connections without tokens, `due` of them due, by the database's own means.

    They belong to 500 organisations; one in a thousand keeps failing.
    """
    clear()
    with database.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO auth_user (username, password, first_name, last_name, email,
                is_superuser, is_staff, is_active, date_joined)
            SELECT 'user-' || n, '', 'Priya', 'Nair ' || n, 'user-' || n || '@law.example', false,
                false, true, now()
            FROM generate_series(1, %s) AS n
            """,
            [count],
        )
        cursor.execute(
            """
            INSERT INTO actionstep_connect_connection (id, user_id, environment, client_id, orgkey,
                organisation_name, api_endpoint, granted_scopes, sealed_access_token,
                sealed_refresh_token, access_token_expires_at, refresh_token_expires_at, status,
                status_reason, refresh_at, consecutive_failures, last_error, connected_at,
                last_used_at, generation, lease_owner)
            SELECT gen_random_uuid(), u.id, %s, %s, 'firm-' || u.n %% 500, '',
                'https://ap-southeast-2.actionstep.com/api/', ' actions participants timerecords ',
                repeat('x', 900), repeat('y', 130), now(), now() + interval '20 days', 'connected', '',
                now() + (u.n - %s) * interval '3 ms',
                CASE WHEN u.n %% 1000 = 0 THEN 4 ELSE 0 END, '', now(), now(), 1, ''
            FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM auth_user) AS u
            """,
            [get_config().environment, get_config().client_id, due],
        )
    _settle()


def _settle() -> None:
    # What filling leaves behind, for PostgreSQL to write and Python to collect, is not what is measured.
    with database.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE actionstep_connect_connection, auth_user")
        cursor.execute("CHECKPOINT")
    gc.collect()
