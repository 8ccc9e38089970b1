"""Calling Actionstep as one named user."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.db import connections
from pytest_django import Settings

from actionstep_connect.api import ActionstepClient, AsyncActionstepClient
from actionstep_connect.exceptions import (
    ActionstepPermissionDenied,
    ApiError,
    ReconnectRequired,
    ScopeNotGranted,
    UntrustedHost,
)
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.api_calls import Call
from tests.support.connections import expired, make_user, new_connection, sandbox_connection
from tests.support.hostile_server import Answer, HostileServer, Request, grant

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


@pytest.mark.alone
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
        "%2e%2e/%2e%2e/sandbox/state",
        "actions/%2E%2E/%2E./%2e%2e/sandbox/state",
        "actions/..%5C..%5Csandbox/state",
        "http://priya@127.0.0.1:8801/api/rest/actions",
        "ftp://127.0.0.1:8801/api/rest/actions",
    ],
)
def test_s41_the_bearer_goes_to_its_own_api_only(sandbox: Sandbox, url: str) -> None:
    """Whatever a caller passes, nothing leaves for another host or another part of it."""
    connection = connection_of(sandbox, "priya", "all")
    url = url.replace("127.0.0.1:8801", sandbox.host)

    async def call() -> None:
        async with AsyncActionstepClient(connection) as actionstep:
            await actionstep.get(url)

    with ActionstepClient(connection) as actionstep:
        with pytest.raises((UntrustedHost, ApiError)):
            actionstep.get(url)
        with pytest.raises((UntrustedHost, ApiError)):
            actionstep.send(httpx2.Request("GET", actionstep.base_url.join(url)))
    with pytest.raises((UntrustedHost, ApiError)):
        asyncio.run(call())
    assert {row["status"] for row in sandbox.get("sandbox/state")["activity"]} <= {404}


def test_s41_another_base_url_leads_nowhere(connection: Connection, server: HostileServer) -> None:
    """Anyone who points the client elsewhere has their request refused."""
    with ActionstepClient(connection, base_url="https://evil.example/") as actionstep:
        assert str(actionstep.base_url) == f"{server.url}/api/rest/"
        actionstep.base_url = httpx2.URL("https://evil.example/")
        with pytest.raises(UntrustedHost):
            actionstep.get("timerecords")


def test_s41_redirects_are_not_followed(sandbox: Sandbox) -> None:
    """A redirect is an answer, even when the caller asks to follow."""
    sandbox.post("sandbox/faults", endpoint="api", fault="redirect", location="http://127.0.0.1:1/")
    with ActionstepClient(sandbox_connection(sandbox)) as actionstep:
        assert actionstep.get("actions", follow_redirects=True).status_code == 307


def test_s42_auth_cannot_be_left_out(sandbox: Sandbox) -> None:
    """`auth=None` does not send a request without its bearer."""
    with ActionstepClient(sandbox_connection(sandbox)) as actionstep:
        assert actionstep.get("actions", auth=None).status_code == 200


def test_s42_no_file_of_the_machine_says_who_the_user_is(
    call: Call, server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password in `.netrc` does not take the place of the user's token."""
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    server.answer(body={"timerecords": []})
    call("GET")
    assert server.requests[0].headers["Authorization"] == "Bearer an-access-token"


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


def test_actionsteps_own_error_is_passed_on(sandbox: Sandbox) -> None:
    """Status, code and detail are on the error."""
    with (
        ActionstepClient(sandbox_connection(sandbox)) as actionstep,
        pytest.raises(ApiError) as caught,
    ):
        actionstep.get("actions/999999")
    assert caught.value.status == 404
    assert caught.value.code.startswith("AS-")


@pytest.mark.alone
def test_s43_fifty_401s_in_one_event_loop_make_one_refresh(sandbox: Sandbox) -> None:
    """Async requests share one client and one instance, and the one new token."""
    old = datetime.now(UTC) - timedelta(minutes=10)
    connection = sandbox_connection(sandbox, connected_at=old)
    sandbox.post("sandbox/expire", what="access")

    async def call() -> list[int]:
        async with AsyncActionstepClient(connection) as actionstep:
            answers = await asyncio.gather(*(actionstep.get("actions") for _ in range(50)))
            return [answer.status_code for answer in answers]

    assert set(asyncio.run(call())) == {200}
    counters = sandbox.get("sandbox/state")["counters"]
    assert counters["token_requests"]["refresh_token"] == 1


@pytest.mark.alone
def test_s43_threads_that_share_a_client_make_one_refresh(sandbox: Sandbox) -> None:
    """Who comes late with a 401 finds the new token on the instance that all of them use."""
    old = datetime.now(UTC) - timedelta(minutes=10)
    connection = sandbox_connection(sandbox, connected_at=old)
    sandbox.post("sandbox/expire", what="access")
    with ActionstepClient(connection) as actionstep, ThreadPoolExecutor(20) as threads:

        def call(_: int) -> int:
            try:
                return actionstep.get("actions").status_code
            finally:
                connections.close_all()

        assert set(threads.map(call, range(50))) == {200}
    counters = sandbox.get("sandbox/state")["counters"]
    assert counters["token_requests"]["refresh_token"] == 1


def test_it_is_an_httpx2_client(sandbox: Sandbox) -> None:
    """Headers of one's own, streaming, and httpx2's errors all work."""
    connection = sandbox_connection(sandbox)
    with ActionstepClient(connection, headers={"X-Site": "ours"}) as actionstep:
        assert isinstance(actionstep, httpx2.Client)
        with actionstep.stream("GET", "actions") as response:
            assert response.request.headers["X-Site"] == "ours"
            assert response.request.headers["Accept"] == "application/vnd.api+json"
            assert b"actions" in response.read()
        actionstep.headers = {"X-Site": "later"}
        request = actionstep.build_request("GET", "actions")
        assert request.headers["X-Site"] == "later"
        assert request.headers["Accept"] == "application/vnd.api+json"


def test_hooks_transports_and_settings_of_a_call_are_httpx2s(connection: Connection) -> None:
    """What httpx2 lets one set, for a client or for a call, is as one set it."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.headers["Authorization"] == "Bearer an-access-token"
        return httpx2.Response(200, json={"timerecords": {"id": 1}})

    with ActionstepClient(
        connection,
        transport=httpx2.MockTransport(answer),
        event_hooks={"request": [seen.append]},
        timeout=5,
        headers=[("accept", "application/json")],
        cookies={"a": "b"},
    ) as actionstep:
        assert actionstep.get("timerecords", timeout=2, headers={"X-Call": "this"}).is_success
        assert [row["id"] for row in actionstep.iterate("timerecords")] == [1]
    first, second = seen
    assert (first.headers["X-Call"], first.extensions["timeout"]["read"]) == ("this", 2)
    assert second.extensions["timeout"]["read"] == 5
    assert second.headers.get_list("Accept") == ["application/json"]
    assert second.headers["Cookie"] == "a=b"


def test_a_body_that_can_be_read_once_is_sent_again_after_a_401(
    connection: Connection, server: HostileServer
) -> None:
    """A streamed upload survives the refresh that it needs, and says how long it is."""
    Connection.objects.update(connected_at=datetime.now(UTC) - timedelta(minutes=10))
    connection.refresh_from_db()
    server.script([Answer(status=401), Answer(body=grant(api_endpoint=None)), Answer(status=200)])
    with ActionstepClient(connection) as actionstep:
        actionstep.post("timerecords", content=iter([b"a", b"b"]))
    first, refresh, second = server.requests
    assert (first.path, refresh.path, second.path) == (first.path, "/token", first.path)
    assert first.body == second.body == b"ab"
    assert "Transfer-Encoding" not in second.headers
    assert second.headers["Authorization"] == "Bearer canary-access-token"


JSON_API = "application/vnd.api+json"
FORM = "application/x-www-form-urlencoded"
OWN = {"content-type": "multipart/form-data; boundary=ours"}
UPLOAD = {"file": ("lease.txt", b"a lease", "text/plain")}


def content_type(request: Request) -> str:
    """Return what a request says its body is, however it spells the header."""
    return httpx2.Headers(request.headers)["Content-Type"]


@pytest.mark.parametrize("client", [{}, {"headers": {"X-Site": "ours"}}], ids=["bare", "headers"])
@pytest.mark.parametrize("data", [{}, {"folder": "7"}], ids=["alone", "with data"])
def test_an_upload_goes_out_with_its_boundary(
    call: Call, server: HostileServer, client: dict[str, Any], data: dict[str, str]
) -> None:
    """The other side can take it apart."""
    server.answer(status=204)
    call("POST", files=UPLOAD, data=data, options=client)
    [request] = server.requests
    kind, _, boundary = content_type(request).partition("; boundary=")
    assert kind == "multipart/form-data"
    parts = request.body.split(f"--{boundary}".encode())
    assert len(parts) == 3 + len(data)
    assert b'filename="lease.txt"' in parts[-2]
    assert parts[-2].endswith(b"\r\n\r\na lease\r\n")


def test_two_uploads_have_two_boundaries(call: Call, server: HostileServer) -> None:
    """No file can hold the boundary, because no one knows it before."""
    server.answer(status=204)
    for _ in range(2):
        call("POST", files=UPLOAD)
    first, second = (content_type(request) for request in server.requests)
    assert first != second


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"data": {"a": "b"}}, FORM),
        ({"data": {"a": "b"}, "headers": {"X-Call": "this"}}, FORM),
        ({"data": {"a": "b"}, "headers": [("content-type", "text/plain")]}, "text/plain"),
        ({"files": UPLOAD, "headers": OWN}, OWN["content-type"]),
        (
            {"data": {"a": "b"}, "options": {"headers": {"content-type": "text/plain"}}},
            "text/plain",
        ),
        ({"json": {}}, JSON_API),
        ({"json": {}, "data": {}, "files": {}}, JSON_API),
        ({"content": b"{}"}, JSON_API),
        ({}, JSON_API),
    ],
    ids=str,
)
def test_a_body_goes_out_as_what_it_is(
    call: Call, server: HostileServer, body: dict[str, Any], kind: str
) -> None:
    """A form as a form, all else as JSON:API, unless the caller says what it is."""
    server.answer(status=204)
    call("POST", **body)
    [request] = server.requests
    assert content_type(request) == kind
    if kind == FORM:
        assert request.form == {"a": "b"}


def test_bytes_given_as_data_are_no_form(call: Call, server: HostileServer) -> None:
    """As httpx2 has it, which deprecates them."""
    server.answer(status=204)
    with pytest.warns(DeprecationWarning, match="content="):
        call("POST", data=b"{}")
    assert (content_type(server.requests[0]), server.requests[0].body) == (JSON_API, b"{}")


def test_an_upload_is_sent_again_after_a_401(connection: Connection, server: HostileServer) -> None:
    """With the boundary that its body has."""
    Connection.objects.update(connected_at=datetime.now(UTC) - timedelta(minutes=10))
    connection.refresh_from_db()
    server.script([Answer(status=401), Answer(body=grant(api_endpoint=None)), Answer(status=204)])
    with ActionstepClient(connection) as actionstep:
        actionstep.post("timerecords", files=UPLOAD)
    first, _, second = server.requests
    assert (first.body, content_type(first)) == (
        second.body,
        content_type(second),
    )
    assert b"a lease" in second.body


def test_answers_are_streamed_and_their_errors_read(
    connection: Connection, server: HostileServer
) -> None:
    """A streamed answer is handed over unread; an error among them says what Actionstep said."""

    async def stream() -> list[bytes]:
        async with (
            AsyncActionstepClient(connection) as actionstep,
            actionstep.stream("GET", "timerecords") as response,
        ):
            return [chunk async for chunk in response.aiter_bytes(4)]

    server.script([Answer(body=b"abcdefgh"), Answer(body=b"abcdefgh")])
    with ActionstepClient(connection) as actionstep:
        with actionstep.stream("GET", "timerecords") as response:
            assert not response.is_stream_consumed
            assert list(response.iter_bytes(4)) == [b"abcd", b"efgh"]
        assert asyncio.run(stream()) == [b"abcd", b"efgh"]
        server.answer(status=400, body={"errors": {"code": "AS-7", "detail": "No."}})
        with (
            pytest.raises(ApiError, match=r"AS-7: No\."),
            actionstep.stream("GET", "timerecords"),
        ):
            pass
