"""Reading and using the admin as a browser would, without one."""

import re
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from actionstep_connect.models import Connection, Heartbeat
from actionstep_connect.models.heartbeat import MAINTENANCE
from tests.support.connections import make_user

LIST = "admin:actionstep_connect_connection_changelist"


def beat(**values: Any) -> None:
    now = datetime.now(UTC)
    defaults = {"started_at": now, "finished_at": now, "seconds": 0.2, **values}
    Heartbeat.objects.update_or_create(pk=MAINTENANCE, defaults=defaults)


def staff(client: Client, *permissions: str) -> User:
    """Sign in a member of staff who may do no more than `permissions`."""
    user = make_user(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return user


def page(client: Client, name: str = LIST, *args: object, **query: str) -> str:
    response = client.get(reverse(name, args=args), query)
    assert response.status_code == 200, response
    return response.content.decode()


def detail(client: Client, connection: Connection) -> str:
    return page(client, "admin:actionstep_connect_connection_change", connection.pk)


def act(client: Client, action: str, *connections: Connection) -> str:
    """Do an action, confirmed where it asks, and return the page that tells what came of it."""
    selected = [str(row.pk) for row in connections]
    data = {"action": action, "_selected_action": selected, "post": "yes"}
    response = client.post(reverse(LIST), data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.replace("<wbr>", "")))
