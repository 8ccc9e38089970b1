"""The authorization request, the code exchange, and the refresh, over Authlib."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import httpx2
from authlib.integrations.httpx_client import OAuth2Client

from actionstep_connect.conf import get_config
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import ActionstepConnectError, TemporarilyUnavailable
from actionstep_connect.oauth.answers import read_answer
from actionstep_connect.oauth.grant import TokenGrant
from actionstep_connect.oauth.transport import get_transport
from actionstep_connect.scopes import format_scope
from actionstep_connect.secret import Secret

_TIMEOUT_IS_THE_TRANSPORTS = None


def authorization_url(
    *,
    state: Secret,
    code_verifier: Secret | None,
    redirect_uri: str,
    scopes: Iterable[str],
    orgkey: str = "",
) -> str:
    """Return the URL of an authorization request (RFC 6749 §4.1.1), with PKCE S256 (RFC 7636).

    `orgkey` asks Actionstep for one organisation (Actionstep: undocumented, seen with one client).
    """
    extra = {"orgkey": orgkey} if orgkey else {}
    url, _ = _new_client().create_authorization_url(
        get_config().authorize_url,
        state=state.reveal(),
        code_verifier=code_verifier.reveal() if code_verifier else None,
        redirect_uri=redirect_uri,
        scope=format_scope(scopes),
        **extra,
    )
    return str(url)


def exchange_code(*, code: Secret, code_verifier: Secret | None, redirect_uri: str) -> TokenGrant:
    """Exchange an authorization code for tokens (RFC 6749 §4.1.3). A code is sent only once.

    Raises AuthorizationFailed, ClientRejected, or TemporarilyUnavailable.
    """

    def send(client: Any, url: str) -> None:
        client.fetch_token(
            url,
            grant_type="authorization_code",
            code=code.reveal(),
            redirect_uri=redirect_uri,
            **({"code_verifier": code_verifier.reveal()} if code_verifier else {}),
        )

    return _request_token(send)


def refresh_token_grant(refresh_token: Secret) -> TokenGrant:
    """Spend `refresh_token` for a new pair (RFC 6749 §6).

    No `redirect_uri` is sent: a worker cannot know it.

    Raises AuthorizationFailed (`invalid_grant`), ClientRejected, or TemporarilyUnavailable.
    """

    def send(client: Any, url: str) -> None:
        client.refresh_token(url, refresh_token=refresh_token.reveal())

    return _request_token(send)


def _request_token(send: Callable[[Any, str], None]) -> TokenGrant:
    requested_at = datetime.now(UTC)
    grants: list[TokenGrant] = []

    def check(response: httpx2.Response) -> httpx2.Response:
        # Authlib would take a 429 with a JSON body for a token, and trip over a strange expires_in:
        # it is shown a token only after the check of this package, and nothing but what it needs.
        grants.append(read_answer(response, requested_at=requested_at))
        return httpx2.Response(200, json={"token_type": "bearer"})

    client = _new_client()
    client.register_compliance_hook("access_token_response", check)
    client.register_compliance_hook("refresh_token_response", check)
    failure: ActionstepConnectError | None = None
    try:
        send(client, get_config().token_url)
    except ActionstepConnectError as error:
        failure = error
    except Exception as error:  # noqa: BLE001 - whatever it was, the request may have been sent.
        failure = TemporarilyUnavailable(
            f"The request to Actionstep's token endpoint failed unexpectedly ({type(error).__name__}).",
            code=ErrorCode.UNFORESEEN,
            outcome_known=False,
        )
    except BaseException as struck:  # noqa: BLE001 - raised on: a server's time-out, where no thread was.
        raise struck.with_traceback(None) from None
    if failure is not None:
        # Without the traceback, because the frames of other libraries hold tokens and codes in the clear.
        raise failure.with_traceback(None) from None
    return grants[0]


def _new_client() -> Any:
    # One for each call: an Authlib client keeps the last token on itself, and would hand it on.
    config = get_config()
    return OAuth2Client(
        client_id=config.client_id,
        client_secret=config.client_secret.reveal(),
        token_endpoint_auth_method=config.token_auth_method,
        code_challenge_method="S256",
        headers={"Accept-Encoding": "identity"},
        transport=get_transport(),
        timeout=_TIMEOUT_IS_THE_TRANSPORTS,
        follow_redirects=False,
        trust_env=False,
    )
