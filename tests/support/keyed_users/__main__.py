"""Follow *All connections of this user* with the key in KEYED_USER_KEY; print how many it lists."""

import json
import os
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import django

django.setup()

from django.contrib import admin  # noqa: E402 - the app registry is ready from here on.
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from actionstep_connect.models import Connection  # noqa: E402

CONNECTIONS = "/admin/actionstep_connect/connection/"

if __name__ == "__main__":
    User: Any = get_user_model()
    admin.site.register(User)
    call_command("migrate", run_syncdb=True, verbosity=0)
    keys = [json.loads(os.environ["KEYED_USER_KEY"]), json.loads(os.environ["ANOTHER_KEY"])]
    users = [User.objects.create(pk=key, name=f"user-{number}") for number, key in enumerate(keys)]
    now = datetime.now(UTC)
    for user, orgkey in ((0, "acmelaw"), (0, "otherlaw"), (1, "acmelaw")):
        Connection.objects.create(
            user=users[user], environment="sandbox", client_id="sandbox-client", orgkey=orgkey,
            connected_at=now, last_used_at=now,
        )  # fmt: skip
    client = Client()
    client.force_login(users[0])
    connection = Connection.objects.filter(user=users[0])[0]
    page = client.get(f"{CONNECTIONS}{connection.pk}/change/").content.decode()
    links = [unescape(link) for link in re.findall(r'href="([^"]+)"', page)]
    [mine] = [link for link in links if link.startswith(f"{CONNECTIONS}?user")]
    [user_page, *_] = [link for link in links if re.match(r"/admin/keyed_users/.+/change/", link)]
    listed = client.get(mine)
    answer = {
        "status": listed.status_code,
        "listed": listed.content.decode().count('class="action-select"'),
        "user_page": client.get(user_page).status_code,
    }
    print(json.dumps(answer))
