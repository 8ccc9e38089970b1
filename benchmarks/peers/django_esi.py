"""Refresh what has expired, as the task `refresh_or_delete_token` does.

It runs where django-esi is installed.
"""

import logging
import os
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import django
import httpx2
from django.conf import settings

from benchmarks import site

COUNT = int(os.environ["BENCHMARK_COUNT"])
TOKEN_URL = os.environ["BENCHMARK_TOKEN_URL"]
DATABASE = urlsplit(os.environ["DATABASE_URL"])

settings.configure(
    SECRET_KEY=site.SECRET_KEY,
    DEFAULT_AUTO_FIELD=site.DEFAULT_AUTO_FIELD,
    INSTALLED_APPS=[*site.INSTALLED_APPS, "esi"],
    USE_TZ=True,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": DATABASE.path.removeprefix("/"),
            "USER": DATABASE.username,
            "HOST": unquote(parse_qs(DATABASE.query)["host"][0]),
        }
    },
    ESI_SSO_CLIENT_ID="benchmark-client",
    ESI_SSO_CLIENT_SECRET="benchmark-secret",
    ESI_SSO_CALLBACK_URL="http://127.0.0.1:1/callback/",
    ESI_CODE_EXCHANGE_URL=TOKEN_URL,
    ESI_USER_CONTACT_EMAIL="benchmark@example.com",
    LOGGING_CONFIG=None,
)
django.setup()
logging.disable(logging.WARNING)  # It warns of each token that no key can check.

from django.contrib.auth.models import User  # noqa: E402 - models need the app registry.
from django.core.cache import cache  # noqa: E402 - as above.
from django.core.management import call_command  # noqa: E402 - as above.
from django.utils import timezone  # noqa: E402 - as above.
from esi.models import Token  # type: ignore[import-not-found] # noqa: E402 - in its own environment only.

from benchmarks.peers.figures import measure  # noqa: E402 - as above.


def start_again() -> None:
    """Let the endpoint forget what it gave, and store what has expired."""
    url = TOKEN_URL.removesuffix("token") + "control"
    httpx2.post(url, json={"reset": True, "latency": 0.2}, trust_env=False).raise_for_status()
    cache.set("esi_sso_jwks", {"keys": []}, None)  # No key: signatures are not checked.
    User.objects.all().delete()
    users = User.objects.bulk_create(User(username=f"user-{number}") for number in range(COUNT))
    Token.objects.bulk_create(
        Token(
            user=user,
            access_token="x" * 660,
            refresh_token=f"{user.pk}.0",
            character_id=user.pk,
            character_name=user.username,
            character_owner_hash="owner",
        )
        for user in users
    )
    Token.objects.update(created=timezone.now() - timedelta(hours=1))


def refresh() -> int:
    """Refresh each expired token; return how many were."""
    for key in list(Token.objects.all().get_expired().values_list("pk", flat=True)):
        Token.objects.get(pk=key).refresh_or_delete()
    return int(Token.objects.count() - Token.objects.all().get_expired().count())


if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    measure(COUNT, start_again, refresh)
