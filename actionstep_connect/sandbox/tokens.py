"""Make tokens: a signed access token as Actionstep's are, an opaque refresh token."""

import secrets
from datetime import timedelta
from functools import cache

from joserfc import jwt
from joserfc.jwk import RSAKey

from actionstep_connect.sandbox.clock import clock
from actionstep_connect.sandbox.identity import digest
from actionstep_connect.sandbox.models import Grant, Membership, TokenPair
from actionstep_connect.sandbox.switchboard import switchboard

REFRESH_TOKEN_BYTES = 45
"""60 characters of base64url."""


@cache
def signing_key() -> RSAKey:
    """Return the key of this process; access tokens are looked up by hash, so it may be new."""
    return RSAKey.generate_key(2048, {"kid": secrets.token_hex(8), "use": "sig"})


def make_response(
    *, membership: Membership, scopes: str, client_id: str, is_refresh: bool
) -> dict[str, str | int | float]:
    """Return the members of a token response, in Actionstep's shape (docs/sandbox.md)."""
    options = switchboard.options
    seconds = options.access_token_lifetime
    lifetime = int(seconds) if seconds == int(seconds) else seconds
    response: dict[str, str | int | float] = {
        "access_token": _signed(membership, scopes, client_id, kind="access"),
        "token_type": "bearer",
        "expires_in": str(lifetime) if options.expires_in_as_text else lifetime,
        "refresh_token": secrets.token_urlsafe(REFRESH_TOKEN_BYTES),
        "api_endpoint": api_endpoint(),
    }
    if not (is_refresh and options.omit_orgkey_on_refresh):
        response["orgkey"] = membership.organisation.key
    if options.send_scope:
        response["scope"] = scopes
    if "openid" in scopes.split():
        response["id_token"] = _signed(membership, scopes, client_id, kind="id")
    return response


def store(response: dict[str, str | int | float], grant: Grant) -> TokenPair:
    """Keep the hashes of a token response under its grant."""
    options, now = switchboard.options, clock.now()
    return TokenPair.objects.create(
        grant=grant,
        issued_at=now,
        access_hash=digest(str(response["access_token"])),
        access_expires_at=now + timedelta(seconds=options.access_token_lifetime),
        refresh_hash=digest(str(response["refresh_token"])),
        refresh_expires_at=now + timedelta(seconds=options.refresh_token_lifetime),
    )


def api_host() -> str:
    own = switchboard.base_url.removeprefix("http://").rstrip("/")
    return switchboard.options.region_host or own


def api_endpoint() -> str:
    ending = {"slash": "/api/", "bare": "/api", "rest": "/api/rest"}
    return f"http://{api_host()}{ending[switchboard.options.api_endpoint_form]}"


def _signed(membership: Membership, scopes: str, client_id: str, *, kind: str) -> str:
    now = int(clock.now().timestamp())
    person = membership.person
    claims = {
        "iss": switchboard.base_url,
        "sub": person.email,
        "aud": client_id,
        "iat": now,
        "exp": now + int(switchboard.options.access_token_lifetime),
        "jti": secrets.token_hex(16),
        "typ": kind,
        "name": person.name,
        "orgkey": membership.organisation.key,
    }
    if kind == "access":
        claims |= {"scope": scopes, "api_endpoint": api_endpoint()}
    key = signing_key()
    return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": key.kid}, claims, key)
