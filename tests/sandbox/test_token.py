"""The token endpoint: exchanging a code (docs/sandbox.md: Token endpoint)."""

import base64
import json
from hashlib import sha256
from typing import Any

import pytest

from actionstep_connect.testing import Sandbox
from tests.support.visitor import (
    CLIENT_ID,
    CLIENT_SECRET,
    REDIRECT_URI,
    Application,
    Visitor,
)

VERIFIER = "a-verifier-of-at-least-forty-three-characters"
CHALLENGE = base64.urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
S256 = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


def refresh_form(tokens: dict[str, Any]) -> dict[str, str]:
    """Return the members of a refresh, the client's own credentials among them."""
    return {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }


def test_a_code_gives_a_token_response_in_actionsteps_shape(
    sandbox: Sandbox, visitor: Visitor, application: Application
) -> None:
    """The members are exactly Actionstep's, with no ``scope`` among them."""
    code = visitor.authorize("priya", "harbourlegal")["code"]
    response = application.exchange(code)
    members = response.json()
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert set(members) == {
        *("access_token", "token_type", "expires_in"),
        *("refresh_token", "api_endpoint", "orgkey"),
    }
    assert members["token_type"] == "bearer"
    assert members["expires_in"] == 3600
    assert members["api_endpoint"] == f"{sandbox.url}/api/"
    assert members["orgkey"] == "harbourlegal"
    assert len(members["refresh_token"]) == 60


def test_the_access_token_is_a_long_rs256_jwt(application: Application) -> None:
    """Access tokens look like Actionstep's: signed, and some 660 characters or longer."""
    token = application.issued()["access_token"]
    head = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert head["alg"] == "RS256"
    assert len(token) >= 600
    assert token.count(".") == 2


def test_openid_brings_an_id_token(visitor: Visitor, application: Application) -> None:
    """The scope ``openid`` is accepted, and an ``id_token`` comes too."""
    code = visitor.authorize("tom", scope="openid users")["code"]
    assert "id_token" in application.exchange(code).json()


def test_one_client_serves_every_organisation(visitor: Visitor, application: Application) -> None:
    """Credentials belong to an application, and the end-user's choice decides on the rest."""
    keys = []
    for orgkey in ("acmelaw", "harbourlegal"):
        code = visitor.authorize("priya", orgkey, state=orgkey)["code"]
        keys.append(application.exchange(code).json()["orgkey"])
    assert keys == ["acmelaw", "harbourlegal"]


def test_client_secret_basic_works_too(visitor: Visitor, application: Application) -> None:
    """HTTP Basic serves as well as the body."""
    code = visitor.authorize("tom")["code"]
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    response = application.http.post(
        "/api/oauth/token", data=body, auth=("sandbox-client", "sandbox-secret")
    )
    assert response.status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"client_secret": "guess"}, {"client_id": "nobody"}, {"client_secret": ""}]
)
def test_a_wrong_client_is_invalid_client_with_401(
    application: Application, wrong: dict[str, str]
) -> None:
    """Wrong credentials are 401 ``invalid_client``, and cost no one a token."""
    tokens = application.issued()
    response = application.refresh(tokens["refresh_token"], **wrong)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert application.refresh(tokens["refresh_token"]).status_code == 200


def test_wrong_basic_credentials_are_invalid_client(application: Application) -> None:
    """Basic credentials that do not fit are 401 ``invalid_client``."""
    response = application.http.post(
        "/api/oauth/token", data={"grant_type": "refresh_token"}, auth=("sandbox-client", "no")
    )
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("credentials", [b"\xff:\xfe", b"no colon", "é", "not base64"], ids=repr)
def test_basic_credentials_that_cannot_be_read_are_invalid_client(
    application: Application, credentials: bytes | str
) -> None:
    """What is no UTF-8, or no Base64, is 401 ``invalid_client`` too."""
    given = credentials.encode() if isinstance(credentials, str) else base64.b64encode(credentials)
    response = application.http.post(
        "/api/oauth/token",
        data={"grant_type": "refresh_token"},
        headers={b"Authorization": b"Basic " + given},
    )
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("secret", ["sandbox-secret", "guess"])
def test_a_client_authenticates_in_one_way_only(application: Application, secret: str) -> None:
    """HTTP Basic and a secret in the body at once are ``invalid_request`` (RFC 6749, 2.3)."""
    tokens = application.issued()
    body = refresh_form(tokens)
    response = application.http.post("/api/oauth/token", data=body, auth=("sandbox-client", secret))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert application.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_only_post_is_answered(application: Application, method: str) -> None:
    """The token endpoint takes POST only."""
    assert application.http.request(method, "/api/oauth/token").status_code == 405


def test_only_form_bodies_are_read(application: Application) -> None:
    """JSON bodies and query parameters are refused, and nothing is spent."""
    tokens = application.issued()
    body = refresh_form(tokens)
    as_json = application.http.post("/api/oauth/token", json=body)
    in_query = application.http.post("/api/oauth/token", params=body, data={"x": "y"})
    for response in (as_json, in_query):
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert application.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "0" * 40}, "invalid_grant"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "unknown"}, "invalid_grant"),
    ],
)
def test_errors_follow_the_rfc(
    application: Application, fields: dict[str, str], error: str
) -> None:
    """Other mistakes are 400 with an error of RFC 6749, section 5.2."""
    response = application.token(**fields)
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_a_code_used_twice_revokes_what_it_gave(visitor: Visitor, application: Application) -> None:
    """A code is for once; its second presentation ends the tokens of the first."""
    code = visitor.authorize("tom")["code"]
    tokens = application.exchange(code).json()
    assert application.api(tokens, "users/current").status_code == 200
    again = application.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    refused = application.api(tokens, "users/current")
    assert (refused.status_code, refused.json()) == (401, {"error": "invalid_token"})
    assert application.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert application.state()["counters"]["codes_presented_twice"] == 1


def test_a_code_lives_only_so_long(
    sandbox: Sandbox, visitor: Visitor, application: Application
) -> None:
    """A code past its lifetime gives nothing."""
    sandbox.post("sandbox/options", code_lifetime=0)
    response = application.exchange(visitor.authorize("tom")["code"])
    assert response.json()["error"] == "invalid_grant"


def test_the_redirect_uri_must_be_that_of_the_request(
    visitor: Visitor, application: Application
) -> None:
    """A code does not serve with another redirect URI, nor without one."""
    code = visitor.authorize("tom")["code"]
    for redirect_uri in ("http://127.0.0.1:9/other", ""):
        response = application.exchange(code, redirect_uri=redirect_uri)
        assert response.json()["error"] == "invalid_grant"
    assert application.exchange(code).status_code == 200


def test_pkce_is_verified_when_sent(visitor: Visitor, application: Application) -> None:
    """With a challenge, only its verifier redeems the code."""
    code = visitor.authorize("tom", **S256)["code"]
    assert application.exchange(code).json()["error"] == "invalid_request"
    wrong = application.exchange(code, code_verifier="w" * 43)
    assert wrong.json()["error"] == "invalid_grant"
    assert application.exchange(code, code_verifier=VERIFIER).status_code == 200


def test_a_verifier_without_a_challenge_is_refused(
    visitor: Visitor, application: Application
) -> None:
    """No one can strip the challenge from the request unnoticed."""
    code = visitor.authorize("tom")["code"]
    response = application.exchange(code, code_verifier=VERIFIER)
    assert response.json()["error"] == "invalid_request"


def test_there_is_no_revocation_endpoint(application: Application) -> None:
    """Disconnecting is local: Actionstep has no endpoint for it."""
    response = application.http.post("/api/oauth/revoke", data={"token": "any"})
    assert response.status_code == 404


@pytest.mark.parametrize("as_text", [False, True])
def test_expires_in_is_to_be_believed(
    sandbox: Sandbox, application: Application, *, as_text: bool
) -> None:
    """It may be another number than 3600, and it may be text."""
    sandbox.change_options(access_token_lifetime=28800, expires_in_as_text=as_text)
    assert application.issued()["expires_in"] == ("28800" if as_text else 28800)


@pytest.mark.parametrize(
    ("form", "ending"), [("slash", "/api/"), ("bare", "/api"), ("rest", "/api/rest")]
)
def test_every_form_of_api_endpoint_leads_to_the_api(
    sandbox: Sandbox, application: Application, form: Any, ending: str
) -> None:
    """With a final slash, without, or ending in ``rest``: normalised they are one address."""
    sandbox.change_options(api_endpoint_form=form)
    tokens = application.issued()
    assert tokens["api_endpoint"] == f"{sandbox.url}{ending}"
    base = tokens["api_endpoint"].rstrip("/").removesuffix("/rest")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = application.http.get(f"{base}/rest/users/current", headers=headers)
    assert answer.status_code == 200


def test_variants_of_the_response_are_options(
    sandbox: Sandbox, visitor: Visitor, application: Application
) -> None:
    """Scope member, content type, region host and the forms of ``api_endpoint`` can be chosen."""
    sandbox.post(
        "sandbox/options",
        send_scope=True,
        content_type="text/html; charset=UTF-8",
        region_host="eu.localhost:1",
        api_endpoint_form="rest",
    )
    response = application.exchange(visitor.authorize("tom")["code"])
    assert response.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert response.json()["scope"] == "users timerecords"
    assert response.json()["api_endpoint"] == "http://eu.localhost:1/api/rest"
    sandbox.post("sandbox/options", api_endpoint_form="bare")
    assert application.issued()["api_endpoint"] == "http://eu.localhost:1/api"
