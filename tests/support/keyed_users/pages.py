"""Walk through the pages as a user of the model that KEYED_USER names; print what came."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402 - the app registry is ready from here on.
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.template import engines  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402

from actionstep_connect.api import actionstep_connection_required  # noqa: E402
from actionstep_connect.conf import get_config  # noqa: E402
from actionstep_connect.models import Connection  # noqa: E402
from actionstep_connect.models.condition import Condition, where  # noqa: E402
from actionstep_connect.testing import make_connection  # noqa: E402
from tests.support.keyed_users.models import Login  # noqa: E402
from tests.urls import urlpatterns as site_urls  # noqa: E402

ADMIN = "/admin/actionstep_connect/connection/"
PAGES = [
    "/decorated/",
    "/button/",
    "/actionstep/",
    "/actionstep/connect/",
    "/admin/",
    ADMIN,
    f"{ADMIN}?q=priya",
    f"{ADMIN}?q=priya@law.example",
    "/admin/actionstep_connect/connectionevent/",
]


@actionstep_connection_required()
def decorated(request: Any) -> HttpResponse:
    """Need a connection."""
    return HttpResponse(request.actionstep.orgkey)


def button(request: HttpRequest) -> HttpResponse:
    """Show both tags."""
    tags = "{% load actionstep_connect %}{% actionstep_connect_button %}{% actionstep_connection_alert %}"
    return HttpResponse(engines["django"].from_string(tags).render({}, request))


urlpatterns = [*site_urls, path("decorated/", decorated), path("button/", button)]


if __name__ == "__main__":
    settings.ROOT_URLCONF = __name__
    call_command("migrate", run_syncdb=True, verbosity=0)
    User: Any = get_user_model()
    is_linked = settings.AUTH_USER_MODEL == "keyed_users.LinkedUser"
    name = Login._default_manager.create(address="priya") if is_linked else "priya"
    user = User.objects.create(**{User.USERNAME_FIELD: name})
    make_connection(user)
    client = Client(headers={"Host": "127.0.0.1:8000"})
    client.force_login(user)
    with suppress(CommandError):  # No user is called that.
        call_command("actionstep_get", "actions", user="nobody")
    with suppress(SystemExit):  # For what it finds, as no worker runs.
        call_command("actionstep_doctor", stdout=(told := StringIO()), stderr=told)
    found = {page: client.get(page) for page in PAGES}
    inactive = where(Condition.USER_INACTIVE, now=datetime.now(UTC), config=get_config())
    print(
        json.dumps(
            {
                "statuses": sorted({page.status_code for page in found.values()}),
                "decorated": found["/decorated/"].content.decode(),
                "button": "acmelaw" in found["/button/"].content.decode(),
                "found": found[f"{ADMIN}?q=priya"].content.decode().count('class="action-select"'),
                "inactive": Connection.objects.filter(inactive).count(),
                "usable": Connection.objects.usable().count(),
            }
        )
    )
