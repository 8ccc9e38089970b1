"""Calling Actionstep as one named user."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from django.db import connections
from pytest_django import Settings

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient
from actionstep_connect.exceptions import (
    ActionstepPermissionDenied,
    ApiError,
    RateLimited,
    ReconnectRequired,
    ScopeNotGranted,
    UntrustedHost,
)
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.connections import expired, make_user, new_connection, sandbox_connection

pytestmark = pytest.mark.django_db(transaction=True)


def connection_of(sandbox: Sandbox, user: str, *scopes: str, **values: Any) -> Connection:
    """Store a connection with a grant of that sandbox user."""
    grant = sandbox.post("sandbox/issue", user=user, orgkey="acmelaw", scopes=list(scopes)).json()
    connection = new_connection(
        make_user(),
        access_token=grant["access_token"],
        refresh_token=grant["refresh_token"],
        granted_scopes=list(scopes),
        **values,
    )
    connection.save()
    return connection


def test_a_request_is_made_as_the_connections_user(sandbox: Sandbox) -> None:
    """Actionstep sees the authorizing user, and logs the call against them."""
    with ActionstepClient(connection_of(sandbox, "tom", "timerecords", "users")) as actionstep:
        assert "tom" in str(actionstep.current_user()).lower()
        assert actionstep.get("timerecords").status_code == 200
    assert {row["user"] for row in sandbox.get("sandbox/state")["activity"]} == {"tom"}


def test_iterate_walks_every_page_and_count_agrees(sandbox: Sandbox) -> None:
    """All rows, each once, in pages of 200."""
    with ActionstepClient(sandbox_connection(sandbox)) as actionstep:
        ids = [row["id"] for row in actionstep.iterate("timerecords", sort="-id")]
        assert len(ids) == len(set(ids)) == actionstep.count("timerecords") == 480
        assert [row["id"] for row in actionstep.iterate("timerecords", id=ids[0])] == ids[:1]
        assert list(actionstep.iterate("timerecords", id=999_999)) == []


def test_aiterate_does_the_same(sandbox: Sandbox) -> None:
    """The same in async code."""
    connection = connection_of(sandbox, "priya", "timerecords", "users")

    async def walk() -> tuple[int, int, dict[str, Any]]:
        async with AsyncActionstepClient(connection) as actionstep:
            rows = [row async for row in actionstep.aiterate("timerecords")]
            return len(rows), await actionstep.count("timerecords"), await actionstep.current_user()

    rows, count, user = asyncio.run(walk())
    assert rows == count == 480
    assert user


def test_an_expired_token_is_refreshed_before_the_request(sandbox: Sandbox) -> None:
    """The caller notices nothing."""
    connection = sandbox_connection(sandbox, **expired())
    with ActionstepClient(connection) as actionstep:
        assert actionstep.get("actions").status_code == 200
    assert connection.generation == 2


def test_s43_fifty_401s_at_once_make_one_refresh(sandbox: Sandbox) -> None:
    """Each request is retried once, with the one new token."""
    old = datetime.now(UTC) - timedelta(minutes=10)
    connection = sandbox_connection(sandbox, connected_at=old)
    sandbox.post("sandbox/expire", what="access")

    def call(_: int) -> int:
        try:
            with ActionstepClient(Connection.objects.get(pk=connection.pk)) as actionstep:
                return actionstep.get("actions").status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as threads:
        assert set(threads.map(call, range(50))) == {200}
    counters = sandbox.get("sandbox/state")["counters"]
    assert counters["token_requests"]["refresh_token"] == 1


def test_s43_a_second_401_is_an_error(sandbox: Sandbox) -> None:
    """At most one retry, and no refresh of a brand-new token."""
    connection = sandbox_connection(sandbox)
    sandbox.post("sandbox/faults", endpoint="api", fault="status_401", times=None)
    with ActionstepClient(connection) as actionstep, pytest.raises(ApiError) as caught:
        actionstep.get("actions")
    assert (caught.value.status, caught.value.code) == (401, "invalid_token")
    assert sandbox.get("sandbox/state")["counters"]["token_requests"]["refresh_token"] == 0


def test_an_ended_connection_sends_nothing(sandbox: Sandbox) -> None:
    """Without a valid token there is no request."""
    connection = sandbox_connection(sandbox, status="reconnect_required")
    with ActionstepClient(connection) as actionstep, pytest.raises(ReconnectRequired):
        actionstep.get("actions")
    assert sandbox.get("sandbox/state")["activity"] == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/api/rest/actions",
        "http://127.0.0.1:1/api/rest/actions",
        "//evil.example/api/rest/actions",
        "/api/oauth/token",
        "../../sandbox/state",
    ],
)
def test_s41_the_bearer_goes_to_its_own_api_only(sandbox: Sandbox, url: str) -> None:
    """Whatever a caller passes, nothing leaves for another host or another part of it."""
    with ActionstepClient(sandbox_connection(sandbox)) as actionstep:
        if url.startswith("http"):
            with pytest.raises(UntrustedHost):
                actionstep.get(url)
        else:
            with pytest.raises((UntrustedHost, ApiError, ScopeNotGranted)):
                actionstep.get(url)
    assert sandbox.get("sandbox/state")["activity"] == []


def test_s41_redirects_are_not_followed(sandbox: Sandbox) -> None:
    """A redirect is an answer, even when the caller asks to follow."""
    sandbox.post("sandbox/faults", endpoint="api", fault="redirect", location="http://127.0.0.1:1/")
    with ActionstepClient(sandbox_connection(sandbox)) as actionstep:
        assert actionstep.get("actions", follow_redirects=True).status_code == 307


def test_s42_auth_cannot_be_left_out(sandbox: Sandbox) -> None:
    """`auth=None` does not send a request without its bearer."""
    with ActionstepClient(sandbox_connection(sandbox)) as actionstep:
        assert actionstep.get("actions", auth=None).status_code == 200


def test_s40_a_stored_endpoint_is_checked_again(sandbox: Sandbox) -> None:
    """A row whose endpoint is no longer trusted is not used."""
    connection = sandbox_connection(sandbox, api_endpoint="https://evil.example/api/")
    with pytest.raises(UntrustedHost):
        ActionstepClient(connection)


def test_a_region_change_on_refresh_is_followed(sandbox: Sandbox, settings: Settings) -> None:
    """The request that made the refresh already goes to the new host."""
    connection = sandbox_connection(sandbox, **expired())
    elsewhere = sandbox.host.replace("127.0.0.1", "localhost")
    sandbox.post("sandbox/options", region_host=elsewhere)
    settings.ACTIONSTEP_CONNECT = {
        **settings.ACTIONSTEP_CONNECT,
        "API_HOSTS": [sandbox.host, elsewhere],
    }
    with ActionstepClient(connection) as actionstep:
        response = actionstep.get("actions")
    assert response.request.url.host == "localhost"
    assert response.status_code == 200


def test_a_scope_that_was_not_granted_is_said_before_the_request(sandbox: Sandbox) -> None:
    """Nothing is sent, and the error names the scope to ask for."""
    connection = connection_of(sandbox, "priya", "actions")
    with ActionstepClient(connection) as actionstep, pytest.raises(ScopeNotGranted) as caught:
        actionstep.get("timerecords")
    assert caught.value.scopes == ("timerecords",)
    assert sandbox.get("sandbox/state")["activity"] == []


def test_the_users_own_limits_are_told_apart(sandbox: Sandbox) -> None:
    """A user whose role forbids it gets another error than one who did not grant the scope."""
    connection = connection_of(sandbox, "grace", "timerecords")
    with ActionstepClient(connection) as actionstep, pytest.raises(ActionstepPermissionDenied):
        actionstep.get("timerecords")


def test_a_429_says_how_long(sandbox: Sandbox) -> None:
    """RateLimited carries Retry-After."""
    sandbox.post("sandbox/faults", endpoint="api", fault="status_429", retry_after="7")
    with (
        ActionstepClient(sandbox_connection(sandbox)) as actionstep,
        pytest.raises(RateLimited) as caught,
    ):
        actionstep.get("actions")
    assert caught.value.retry_after == 7


def test_actionsteps_own_error_is_passed_on(sandbox: Sandbox) -> None:
    """Status, code and detail are on the error."""
    with (
        ActionstepClient(sandbox_connection(sandbox)) as actionstep,
        pytest.raises(ApiError) as caught,
    ):
        actionstep.get("actions/999999")
    assert caught.value.status == 404
    assert caught.value.code.startswith("AS-")


def test_it_is_an_httpx2_client(sandbox: Sandbox) -> None:
    """Headers of one's own, streaming, and httpx2's errors all work."""
    connection = sandbox_connection(sandbox)
    with ActionstepClient(connection, headers={"X-Site": "ours"}) as actionstep:
        assert isinstance(actionstep, httpx2.Client)
        with actionstep.stream("GET", "actions") as response:
            assert response.request.headers["X-Site"] == "ours"
            assert response.request.headers["Accept"] == "application/vnd.api+json"
            assert b"actions" in response.read()
