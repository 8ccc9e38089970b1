"""What Actionstep refuses, in words and in types."""

from typing import Any

import pytest

from actionstep_connect.exceptions import (
    ActionstepPermissionDenied,
    ApiError,
    RateLimited,
    ScopeNotGranted,
)
from tests.support.api_calls import Call
from tests.support.hostile_server import HostileServer

AS_1302 = {"status": 400, "code": "AS-1302", "title": "Bad date", "detail": "Use YYYY-MM-DD."}


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        ({"errors": AS_1302}, "AS-1302", "Use YYYY-MM-DD."),
        ({"errors": [AS_1302, {"code": "AS-1"}]}, "AS-1302", "Use YYYY-MM-DD."),
        ({"errors": {**AS_1302, "detail": None}}, "AS-1302", "Bad date"),
        ({"error": "invalid_request", "error_description": "No."}, "invalid_request", "No."),
        ({"errors": {"detail": "one\r\nERROR two"}}, "", "one ERROR two"),
        ({"errors": {"detail": "x" * 5000, "code": "y" * 5000}}, "y" * 100, "x" * 300),
        ({"errors": {"detail": "Bearer an-access-token is bad"}}, "", "Bearer … is bad"),
        ({"errors": []}, "", ""),
        ({"errors": ["x"], "error": 7}, "", ""),
        (["x"], "", ""),
        ("<html>", "", ""),
        ("[" * 100_000, "", ""),
    ],
    ids=str,
)
def test_actionsteps_code_and_detail_are_kept(
    call: Call, server: HostileServer, body: Any, code: str, detail: str
) -> None:
    """Whatever shape they come in: in one line, cut short, and without an echo of the token."""
    server.answer(status=400, body=body)
    with pytest.raises(ApiError) as caught:
        call()
    error = caught.value
    assert (error.status, error.code, error.detail) == (400, code or "api_error", detail)
    assert detail in str(error)
    assert str(error).startswith("Actionstep answered 400")


def test_a_scope_that_actionstep_misses_is_named(call: Call, server: HostileServer) -> None:
    """Even where it is stored as granted: ask for it again."""
    server.answer(status=403, body={"errors": {"code": "insufficient_scope", "detail": "No."}})
    with pytest.raises(ScopeNotGranted) as caught:
        call(url="timerecords/7")
    assert caught.value.scopes == ("timerecords",)


def test_only_actionstep_speaks_of_permissions(call: Call, server: HostileServer) -> None:
    """A 403 of some firewall is not laid at the user's door."""
    server.answer(status=403, body={"errors": {"code": "AS-403", "detail": "Not yours."}})
    with pytest.raises(ActionstepPermissionDenied, match=r"AS-403: Not yours\."):
        call()
    server.answer(status=403, body="<html>Blocked</html>")
    with pytest.raises(ApiError) as caught:
        call()
    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("value", "seconds", "words"), [("300", 300, "in 300 s"), ("soon", None, "later")]
)
def test_a_429_says_how_long(
    call: Call, server: HostileServer, value: str, seconds: float | None, words: str
) -> None:
    """RateLimited carries Retry-After, or None where Actionstep does not say."""
    server.answer(status=429, headers={"Retry-After": value})
    with pytest.raises(RateLimited, match=words) as caught:
        call("POST")
    assert caught.value.retry_after == seconds


def test_a_token_that_is_refused_at_once_says_so(call: Call, server: HostileServer) -> None:
    """A brand-new token is not refreshed; the error says what that may mean."""
    server.answer(status=401, body={"error": "invalid_token"})
    with pytest.raises(ApiError, match=r"only just given \(invalid_token\)") as caught:
        call()
    assert (caught.value.status, caught.value.code) == (401, "invalid_token")
    assert [request.path for request in server.requests] == ["/api/rest/timerecords"]


def test_a_resource_without_a_scope_is_not_asked_for(call: Call, server: HostileServer) -> None:
    """Even an address that is no scope name: the error says which it is, and nothing is sent."""
    for url, scope in (("filenotes/7", "filenotes"), ("time records", "time records")):
        with pytest.raises(ScopeNotGranted) as caught:
            call(url=url)
        assert caught.value.scopes == (scope,)
    assert server.requests == []


def test_a_resource_that_nobody_knows_is_asked_for(call: Call, server: HostileServer) -> None:
    """Its scope may be called otherwise, so Actionstep decides; and a call can name the scope."""
    server.answer(body={"something": []})
    call(url="something-new/7")
    with pytest.raises(ScopeNotGranted) as caught:
        call(url="something-new/7", extensions={"scope": "SomethingNew"})
    assert caught.value.scopes == ("SomethingNew",)
    with pytest.raises(ScopeNotGranted) as caught:
        call(url="as-common/application-meta-data")
    assert caught.value.scopes == ("AsCommon",)
    assert len(server.requests) == 1
    server.answer(status=403, body={"errors": {"code": "insufficient_scope"}})
    with pytest.raises(ScopeNotGranted) as caught:
        call(url="something-new/7")
    assert caught.value.scopes == ("something-new",)
