"""The authorization server: Authlib's, with Actionstep's habits."""

import secrets
from datetime import timedelta
from typing import Any

from authlib.integrations.django_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from django.http import HttpResponse

from actionstep_connect.sandbox import tokens
from actionstep_connect.sandbox.clock import clock
from actionstep_connect.sandbox.identity import digest, find_pair
from actionstep_connect.sandbox.middleware import note_actor
from actionstep_connect.sandbox.models import AuthorizationCode, Grant, Membership, TokenPair
from actionstep_connect.sandbox.options import Options
from actionstep_connect.sandbox.scopes import SCOPE_NAME, split
from actionstep_connect.sandbox.switchboard import switchboard

CODE_BYTES = 20
"""40 hexadecimal characters."""

ERROR_URI = "https://datatracker.ietf.org/doc/html/rfc6749#section-5.2"


class RegisteredClient(ClientMixin):  # type: ignore[misc]  # Authlib ships no types.
    """The one client of this sandbox, as the options describe it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.client_id = options.client_id

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        uris = self.options.redirect_uris
        return uris[0] if len(uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        names = split(scope or self.options.default_scope)
        if not names or not all(SCOPE_NAME.fullmatch(name) for name in names):
            return None
        return " ".join(names)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return self.options.accepts_redirect_uri(redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret.encode(), self.options.client_secret.encode())

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method in ("client_secret_post", "client_secret_basic")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib ships no types.
    def generate_authorization_code(self) -> str:
        return secrets.token_hex(CODE_BYTES)

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        asked = request.payload.data
        AuthorizationCode.objects.create(
            code_hash=digest(code),
            membership=request.user,
            client_id=request.client.client_id,
            redirect_uri=request.payload.redirect_uri or "",
            scopes=request.scope,
            code_challenge=asked.get("code_challenge", ""),
            code_challenge_method=asked.get("code_challenge_method", ""),
            expires_at=clock.now() + timedelta(seconds=switchboard.options.code_lifetime),
        )

    def query_authorization_code(
        self, code: str, client: RegisteredClient
    ) -> AuthorizationCode | None:
        found = (
            AuthorizationCode.objects.select_related(
                "grant", "membership__person", "membership__organisation"
            )
            .filter(code_hash=digest(code), client_id=client.client_id)
            .first()
        )
        if found is None:
            return None
        note_actor(self.request._request, found.membership, client.client_id)
        found.presentations += 1
        found.save(update_fields=["presentations"])
        if found.used_at:
            if found.grant:
                found.grant.revoke(because="its code came twice", now=clock.now())
            raise InvalidGrantError("The code was used before; what it gave is revoked.")
        if found.expires_at <= clock.now():
            raise InvalidGrantError("The code has expired.")
        return found

    def authenticate_user(self, authorization_code: AuthorizationCode) -> Membership:
        return authorization_code.membership

    def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
        """Keep it, used up: a second presentation must be recognised."""
        authorization_code.used_at = clock.now()
        authorization_code.grant = self.request.family
        authorization_code.save(update_fields=["used_at", "grant"])


class RotatingRefresh(RefreshTokenGrant):  # type: ignore[misc]  # Authlib ships no types.
    TOKEN_ENDPOINT_AUTH_METHODS = CodeGrant.TOKEN_ENDPOINT_AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> TokenPair:
        """Accept a current token; end the whole family when a spent one comes back."""
        now, options = clock.now(), switchboard.options
        pair = find_pair(refresh_token=refresh_token)
        refused = InvalidGrantError("Invalid refresh_token")
        if pair is None or not pair.check_client(self.request.client):
            raise refused
        note_actor(self.request._request, pair.grant.membership, pair.grant.client_id)
        pair.presentations += 1
        pair.save(update_fields=["presentations"])
        if pair.grant.revoked_at or pair.refresh_expires_at <= now:
            raise refused
        if pair.spent_at and now - pair.spent_at >= timedelta(seconds=options.grace):
            pair.grant.revoke(because="a spent refresh token came back", now=now)
            raise refused
        return pair

    def authenticate_user(self, refresh_token: TokenPair) -> Membership:
        return refresh_token.grant.membership

    def revoke_old_credential(self, refresh_token: TokenPair) -> None:
        TokenPair.objects.filter(pk=refresh_token.pk, spent_at=None).update(spent_at=clock.now())


class S256Challenge(CodeChallenge):  # type: ignore[misc]  # Authlib ships no types.
    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        super().validate_code_challenge(grant, redirect_uri)
        asked = grant.request.payload.data
        if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
            raise InvalidRequestError("code_challenge_method must be S256")

    def get_authorization_code_challenge_method(self, code: AuthorizationCode) -> str:
        return code.code_challenge_method


class SandboxAuthorizationServer(
    AuthorizationServer  # type: ignore[misc]  # Authlib ships no types.
):
    """Takes a `Membership` for the resource owner: a user in one organisation."""

    def __init__(self) -> None:
        super().__init__(client_model=None, token_model=None)
        self.register_token_generator("default", _generate)
        self.register_grant(CodeGrant, [S256Challenge(required=False)])
        self.register_grant(RotatingRefresh)

    def query_client(self, client_id: str) -> RegisteredClient | None:
        options = switchboard.options
        return RegisteredClient(options) if client_id == options.client_id else None

    def authenticate_client(
        self, request: OAuth2Request, methods: list[str], endpoint: str = "token"
    ) -> RegisteredClient:
        """Take one way of authenticating only (RFC 6749, 2.3); Authlib tries each in turn."""
        kind = request.headers.get("Authorization", "").partition(" ")[0]
        if kind.lower() == "basic" and request.form.get("client_secret"):
            raise InvalidRequestError("Send the client secret with HTTP Basic or in the body.")
        try:
            client: RegisteredClient = super().authenticate_client(request, methods, endpoint)
        except ValueError:
            raise InvalidClientError(description="HTTP Basic is UTF-8 in Base64.") from None
        return client

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> TokenPair:
        if request.refresh_token:
            return tokens.store(token, request.refresh_token.grant)
        code: AuthorizationCode = request.authorization_code
        request.family = new_grant(code.membership, code.scopes, code.client_id)
        return tokens.store(token, request.family)

    def handle_error_response(self, _request: OAuth2Request, error: OAuth2Error) -> HttpResponse:
        if isinstance(error, InvalidClientError):
            error.status_code = 401
        if not error.redirect_uri:
            error.uri = ERROR_URI
        response: HttpResponse = self.handle_response(*error(error.uri))
        return response


def new_grant(membership: Membership, scopes: str, client_id: str) -> Grant:
    return Grant.objects.create(
        membership=membership, scopes=scopes, client_id=client_id, created_at=clock.now()
    )


def _generate(
    *, grant_type: str, client: RegisteredClient, user: Membership, scope: str, **_: object
) -> dict[str, Any]:
    return tokens.make_response(
        membership=user,
        scopes=scope,
        client_id=client.client_id,
        is_refresh=grant_type == "refresh_token",
    )
