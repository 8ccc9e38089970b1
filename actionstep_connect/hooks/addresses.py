"""Addresses that Actionstep calls: each holds a secret, of which the database has only a hash."""

import re
import secrets
from hashlib import sha256

from django.urls import reverse

from actionstep_connect.conf import get_config
from actionstep_connect.links import site_url
from actionstep_connect.logs import HOOK_SECRET
from actionstep_connect.secret import Secret

NAMESPACE = "actionstep_connect_hooks"
VIEW = "receive"
#: It stands at the beginning, so that a secret can be found and taken out wherever it is written.
PREFIX = "ash_"
SECRET_BYTES = 16
#: Never a secret: it stands in for one where the path around it is wanted.
BLANK = PREFIX + "0" * 22
_SECRET = re.compile(HOOK_SECRET)


def new_secret() -> Secret:
    """Return 128 random bits, as a part of an address."""
    return Secret(PREFIX + secrets.token_urlsafe(SECRET_BYTES))


def hash_of(secret: Secret) -> str:
    """Return what is stored of a secret. It is random, so a plain hash serves."""
    return sha256(secret.reveal().encode()).hexdigest()


def target_url(secret: Secret) -> str:
    """Return the address that Actionstep is to call.

    Raises ImproperlyConfigured or NoReverseMatch where the settings, or the URLconf, do not say.
    """
    return address_around()[0] + secret.reveal() + address_around()[1]


def address_around() -> tuple[str, str]:
    """Return what stands before and after the secret in each address. Raises as `target_url` does."""
    if url := get_config().hooks_url:
        return url.rstrip("/") + "/", "/"
    before, _, after = (site_url() + reverse(f"{NAMESPACE}:{VIEW}", args=[BLANK])).partition(BLANK)
    return before, after


def secret_in(url: object) -> Secret | None:
    """Return the secret in an address of this site's receiver; None if `url` is no such address."""
    before, _ = address_around()
    if not isinstance(url, str) or not url.startswith(before):
        return None
    found = _SECRET.match(url, len(before))
    return Secret(found[0]) if found else None
