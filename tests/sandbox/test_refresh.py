"""The token endpoint: rotating refresh tokens (docs/sandbox.md: Token endpoint)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from actionstep_connect.testing import Sandbox
from tests.support.visitor import Application, Visitor


def test_a_refresh_rotates_both_tokens(application: Application) -> None:
    """Every refresh gives a new access token and a new refresh token in the same shape."""
    first = application.issued()
    response = application.refresh(first["refresh_token"])
    second = response.json()
    assert response.status_code == 200
    assert set(second) == set(first)
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert application.api(second, "users/current").status_code == 200
    assert application.state()["connections"][0]["rotations"] == 1


def test_a_redirect_uri_on_refresh_does_no_harm(application: Application) -> None:
    """The official client sends one; others leave it out."""
    tokens = application.issued()
    response = application.refresh(tokens["refresh_token"], redirect_uri="http://127.0.0.1:9/x")
    assert response.status_code == 200


def test_only_a_new_authorization_adds_a_scope(visitor: Visitor, application: Application) -> None:
    """A refresh cannot ask for more, and keeps what was granted; the pages can."""
    tokens = application.exchange(visitor.authorize("tom", scope="users")["code"]).json()
    wider = application.refresh(tokens["refresh_token"], scope="users actions")
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    same = application.refresh(tokens["refresh_token"]).json()
    assert application.api(same, "actions").json()["errors"]["code"] == "insufficient_scope"
    code = visitor.authorize("tom", scope="users actions", state="again")["code"]
    assert application.api(application.exchange(code).json(), "actions").status_code == 200


def test_openid_brings_an_id_token_with_each_refresh(application: Application) -> None:
    """The ``id_token`` is renewed with the others."""
    tokens = application.issued("tom", "openid")
    renewed = application.refresh(tokens["refresh_token"]).json()
    assert renewed["id_token"] != tokens["id_token"]


def test_a_refresh_token_lives_21_days(application: Application) -> None:
    """The limit counts from its issue, and the response does not tell it."""
    application.issued()
    [pair] = application.state()["connections"][0]["tokens"]
    left = timedelta(seconds=pair["refresh_seconds_left"])
    assert timedelta(days=21) - timedelta(minutes=1) < left <= timedelta(days=21)


def test_an_expired_refresh_token_is_invalid_grant(
    sandbox: Sandbox, application: Application
) -> None:
    """Past its limit a refresh token gives nothing."""
    tokens = application.issued()
    sandbox.post("sandbox/expire", what="refresh")
    response = application.refresh(tokens["refresh_token"])
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_a_refusal_may_come_with_any_status(
    sandbox: Sandbox, application: Application, status: int
) -> None:
    """The HTTP status of a refused refresh is not recorded: the ``error`` member tells."""
    sandbox.fail("token", "oauth_error", error="invalid_grant", status=status)
    response = application.refresh("whatever")
    assert (response.status_code, response.json()["error"]) == (status, "invalid_grant")


def test_a_spent_refresh_token_revokes_its_family(application: Application) -> None:
    """Presented again it is ``Invalid refresh_token``, and its successors end with it."""
    first = application.issued()
    other = application.issued("tom")
    second = application.refresh(first["refresh_token"]).json()
    again = application.refresh(first["refresh_token"])
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"
    assert again.json()["error_description"] == "Invalid refresh_token"
    assert "error_uri" in again.json()
    assert application.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    assert application.api(second, "users/current").json() == {"error": "invalid_token"}
    assert application.refresh(other["refresh_token"]).status_code == 200
    assert application.state()["counters"]["refresh_tokens_presented_twice"] == 1


def test_within_the_grace_window_a_spent_token_gets_a_fresh_pair(
    sandbox: Sandbox, application: Application
) -> None:
    """With a grace window the second presentation is forgiven, and gives other tokens."""
    sandbox.post("sandbox/options", grace=60)
    first = application.issued()
    second = application.refresh(first["refresh_token"]).json()
    third = application.refresh(first["refresh_token"])
    assert third.status_code == 200
    assert third.json()["refresh_token"] != second["refresh_token"]
    assert application.refresh(second["refresh_token"]).status_code == 200


def test_two_at_once_one_wins_and_the_family_ends(application: Application) -> None:
    """Of two simultaneous presentations exactly one is answered, and then both have lost."""
    for _ in range(10):
        tokens, start = application.issued(), Barrier(2)

        def present(token: str = tokens["refresh_token"], start: Barrier = start) -> int:
            start.wait()
            return application.refresh(token).status_code

        with ThreadPoolExecutor(2) as pool:
            answers = sorted(each.result() for each in [pool.submit(present) for _ in range(2)])
        assert answers == [200, 400]
    assert all(grant["revoked_at"] for grant in application.state()["connections"])


def test_fifty_at_once_are_all_answered(application: Application) -> None:
    """Fifty connections refresh at the same time without an error or a mix-up."""
    body = {"user": "priya", "orgkey": "acmelaw", "count": 50}
    issued = application.http.post("/sandbox/issue", json=body).json()["tokens"]
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda one: application.refresh(one["refresh_token"]), issued))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 50
    counters = application.state()["counters"]
    assert counters["token_requests"]["refresh_token"] == 50
    assert counters["refresh_tokens_presented_twice"] == 0


def test_another_clients_token_is_refused_and_unharmed(
    sandbox: Sandbox, application: Application
) -> None:
    """A refresh token belongs to the client it was issued to."""
    tokens = application.issued(client_id="another-client")
    assert application.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    sandbox.post("sandbox/options", client_id="another-client")
    response = application.refresh(tokens["refresh_token"], client_id="another-client")
    assert response.status_code == 200


def test_region_and_orgkey_of_a_refresh_response_can_vary(
    sandbox: Sandbox, application: Application
) -> None:
    """``api_endpoint`` follows a move of the organisation; ``orgkey`` may stay away."""
    tokens = application.issued()
    moved = sandbox.url.replace("http://127.0.0.1", "localhost")
    sandbox.post("sandbox/options", region_host=moved, omit_orgkey_on_refresh=True)
    members = application.refresh(tokens["refresh_token"]).json()
    assert members["api_endpoint"] == f"http://{moved}/api/"
    assert "orgkey" not in members
    answer = application.http.get(
        f"{members['api_endpoint']}rest/users/current",
        headers={"Authorization": f"Bearer {members['access_token']}"},
    )
    assert answer.status_code == 200
