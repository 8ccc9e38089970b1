"""Whose request is it? Answered from the token it carries, however stale."""

from hashlib import sha256

from django.http import HttpRequest

from actionstep_connect.sandbox.models import Grant, TokenPair


def digest(secret: str) -> str:
    """Return the SHA-256 under which a token or code is stored."""
    return sha256(secret.encode()).hexdigest()


def bearer_token(request: HttpRequest) -> str:
    """Return the bearer token of the Authorization header, or an empty string."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def find_pair(*, access_token: str = "", refresh_token: str = "") -> TokenPair | None:
    pairs = TokenPair.objects.select_related(
        "grant__membership__person",
        "grant__membership__organisation",
    )
    if access_token:
        return pairs.filter(access_hash=digest(access_token)).first()
    if refresh_token:
        return pairs.filter(refresh_hash=digest(refresh_token)).first()
    return None


def find_grant(request: HttpRequest) -> Grant | None:
    """Return the grant behind an API or refresh request."""
    pair = find_pair(
        access_token=bearer_token(request), refresh_token=request.POST.get("refresh_token", "")
    )
    return pair.grant if pair else None
