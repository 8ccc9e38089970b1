"""Faults on demand: everything that has gone wrong for others can go wrong here."""

import json
import time
from typing import Any

import httpx2
import pytest

from actionstep_connect.testing import Sandbox
from tests.support.visitor import Application, Visitor, callback_parameters


def arm(sandbox: Sandbox, fault: str, endpoint: str = "token", **more: Any) -> None:
    sandbox.post("sandbox/faults", endpoint=endpoint, fault=fault, **more)


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ("status_500", 500, "message"),
        ("status_503", 503, "message"),
        ("html", 200, "<!doctype html>"),
        ("empty", 200, ""),
        ("list", 200, "[]"),
        ("json_without_error", 400, "message"),
        ("error_200", 200, '"error"'),
        ("oauth_error", 400, '"error"'),
        ("huge", 200, "padding"),
    ],
)
def test_a_fault_replaces_one_answer_and_spends_nothing(
    sandbox: Sandbox, application: Application, fault: str, status: int, body: str
) -> None:
    """The faulty answer comes once; the same refresh token serves afterwards."""
    tokens = application.issued()
    arm(sandbox, fault)
    response = application.refresh(tokens["refresh_token"])
    assert response.status_code == status
    assert body in response.text
    assert application.refresh(tokens["refresh_token"]).status_code == 200


def test_429_can_name_a_time_and_has_no_error_member(
    sandbox: Sandbox, application: Application
) -> None:
    """A 429 of the token endpoint is JSON that is no OAuth error."""
    arm(sandbox, "status_429", retry_after=7)
    response = application.refresh("whatever")
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "7"
    assert "error" not in response.json()


def test_drop_before_spends_nothing(sandbox: Sandbox, application: Application) -> None:
    """The connection closes without an answer, and the token is as good as before."""
    tokens = application.issued()
    arm(sandbox, "drop_before")
    with pytest.raises(httpx2.RemoteProtocolError):
        application.refresh(tokens["refresh_token"])
    assert application.state()["connections"][0]["rotations"] == 0
    assert application.refresh(tokens["refresh_token"]).status_code == 200


def test_drop_after_rotates_and_tells_nobody(sandbox: Sandbox, application: Application) -> None:
    """The token is spent although no answer came: the ambiguous failure of the wire."""
    tokens = application.issued()
    arm(sandbox, "drop_after")
    with pytest.raises(httpx2.RemoteProtocolError):
        application.refresh(tokens["refresh_token"])
    state = application.state()
    assert state["connections"][0]["rotations"] == 1
    assert state["activity"][0]["status"] is None
    assert application.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_any_fault_can_come_after_the_deed(sandbox: Sandbox, application: Application) -> None:
    """A gateway's 502 may hide a rotation."""
    tokens = application.issued()
    arm(sandbox, "status_502", after=True)
    assert application.refresh(tokens["refresh_token"]).status_code == 502
    assert application.state()["connections"][0]["rotations"] == 1


@pytest.mark.parametrize(("fault", "rotations"), [("slow", 0), ("slow_after", 1)])
def test_slow_answers_outlast_a_timeout(
    sandbox: Sandbox, application: Application, fault: str, rotations: int
) -> None:
    """A slow answer is late before the deed or after it."""
    tokens = application.issued()
    arm(sandbox, fault, seconds=1.5)
    application.http.timeout = httpx2.Timeout(0.5)
    with pytest.raises(httpx2.ReadTimeout):
        application.refresh(tokens["refresh_token"])
    assert application.state()["connections"][0]["rotations"] == rotations


def test_drip_never_pauses_for_long(sandbox: Sandbox, application: Application) -> None:
    """A dripping answer outlasts the whole deadline though no read takes long."""
    tokens = application.issued()
    arm(sandbox, "drip", seconds=1)
    application.http.timeout = httpx2.Timeout(0.5)
    started = time.monotonic()
    response = application.refresh(tokens["refresh_token"])
    assert time.monotonic() - started > 0.9
    assert response.json()["token_type"] == "bearer"


def test_members_of_a_good_answer_can_be_changed(
    sandbox: Sandbox, application: Application
) -> None:
    """``changes`` and ``remove`` make every odd answer of the token endpoint."""
    tokens = application.issued()
    dress: dict[str, Any] = {"status": 201, "content_type": "text/html", "headers": {"X-Odd": "1"}}
    change: dict[str, Any] = {"changes": {"expires_in": "28800"}, "remove": ["refresh_token"]}
    arm(sandbox, "members", **change, **dress)
    answer = application.refresh(tokens["refresh_token"])
    assert (answer.status_code, answer.headers["X-Odd"]) == (201, "1")
    assert answer.headers["Content-Type"] == "text/html"
    members = answer.json()
    assert members["expires_in"] == "28800"
    assert "refresh_token" not in members
    assert members["access_token"]


def test_answers_without_members_are_left_as_they_are(
    sandbox: Sandbox, application: Application
) -> None:
    """A 204, or whatever else is no JSON object, has nothing to change."""
    arm(sandbox, "members", endpoint="api", changes={"actions": []}, times=None)
    tokens = application.issued()
    for path, method in (("actions?id=0", "GET"), ("actions", "OPTIONS")):
        answer = application.api(tokens, path, method)
        assert (answer.status_code, answer.content) == (204, b"")
    assert application.api(tokens, "actions", "HEAD").status_code == 200
    assert application.api(tokens, "actions").json()["actions"] == []


def test_redirects_can_be_sent(sandbox: Sandbox, application: Application) -> None:
    """A 307 would replay the secret at its target, to anyone who follows."""
    arm(sandbox, "redirect", location="http://127.0.0.1:9/steal")
    response = application.refresh("whatever")
    assert (response.status_code, response.headers["Location"]) == (307, "http://127.0.0.1:9/steal")


def test_custom_answers(sandbox: Sandbox, application: Application) -> None:
    """Status, body, type and headers can be chosen freely."""
    arm(
        sandbox,
        "custom",
        endpoint="api",
        status=418,
        body="teapot",
        content_type="text/plain",
        headers={"X-Tea": "green"},
    )
    response = application.api(application.issued(), "actions")
    assert (response.status_code, response.text) == (418, "teapot")
    assert response.headers["Content-Type"] == "text/plain"
    assert response.headers["X-Tea"] == "green"


def test_faults_come_in_their_order_and_so_often(
    sandbox: Sandbox, application: Application
) -> None:
    """``times`` and ``skip`` are kept, the first armed goes first, and clearing ends all."""
    faults = [
        {"endpoint": "api", "fault": "status_500", "times": 2},
        {"endpoint": "api", "fault": "status_503", "times": None, "skip": 1},
    ]
    application.http.post("/sandbox/faults", json=faults).raise_for_status()
    tokens = application.issued()
    statuses = [application.api(tokens, "actions").status_code for _ in range(5)]
    assert statuses == [500, 500, 200, 503, 503]
    application.http.delete("/sandbox/faults").raise_for_status()
    assert application.api(tokens, "actions").status_code == 200
    assert application.state()["counters"]["faults"] == {"status_500": 2, "status_503": 2}


def test_a_fault_can_be_meant_for_one_user(sandbox: Sandbox, application: Application) -> None:
    """One connection fails while its neighbours do not."""
    tom, priya = application.issued("tom"), application.issued("priya")
    arm(sandbox, "status_500", user="tom", times=None)
    arm(sandbox, "status_500", endpoint="api", user="priya", resource="actions", times=None)
    assert application.refresh(priya["refresh_token"]).status_code == 200
    assert application.refresh(tom["refresh_token"]).status_code == 500
    assert application.api(tom, "actions").status_code == 200
    assert application.api(priya, "users").status_code == 200
    assert application.api(priya, "actions").status_code == 500


def test_the_authorization_page_can_fail_too(sandbox: Sandbox, visitor: Visitor) -> None:
    """The pages know faults as well."""
    arm(sandbox, "status_503", endpoint="authorize")
    assert visitor.visit().status_code == 503
    assert visitor.visit().status_code == 200


def test_the_callback_can_bring_an_error(sandbox: Sandbox, visitor: Visitor) -> None:
    """``oauth_error`` at the authorization page sends its error to the callback."""
    arm(
        sandbox,
        "oauth_error",
        endpoint="authorize",
        error="server_error",
        error_description="It broke",
    )
    given = callback_parameters(visitor.visit())
    assert given == {
        "error": "server_error",
        "error_description": "It broke",
        "state": "a-state",
    }


@pytest.mark.parametrize(
    "body",
    [
        {"endpoint": "token"},
        {"endpoint": "nowhere", "fault": "html"},
        {"endpoint": "token", "fault": "nonsense"},
        {"endpoint": "token", "fault": "html", "times": 0},
        {"endpoint": "token", "fault": "html", "colour": "red"},
        {"endpoint": ["token"], "fault": "html"},
        {"endpoint": "token", "fault": ["html"]},
        {"endpoint": "authorize", "fault": "members"},
        {"endpoint": "token", "fault": "status_100"},
        {"endpoint": "token", "fault": "status_" + "9" * 5000},
        ["nonsense"],
    ],
    ids=lambda body: repr(body)[:60],
)
def test_a_fault_that_makes_no_sense_is_refused(application: Application, body: Any) -> None:
    """A wrong fault is named, and none is armed."""
    response = application.http.post("/sandbox/faults", json=body)
    assert response.status_code == 400
    assert response.json()["problem"]
    assert application.state()["faults"] == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("times", 1.5),
        ("times", True),
        ("skip", "x"),
        ("skip", -1),
        ("after", "yes"),
        ("user", 5),
        ("resource", 5),
        ("grant_type", ["refresh_token"]),
        ("status", "abc"),
        ("status", 100),
        ("status", 9999),
        ("body", {}),
        ("body", "\ud800"),
        ("content_type", "text/html\nX-More: yes"),
        ("location", "http://127.0.0.1/\r\nX-More: yes"),
        ("retry_after", [7]),
        ("headers", []),
        ("headers", {"X-Tea": 5}),
        ("headers", {"X-Tea": "green\n"}),
        ("headers", {"X Tea": "green"}),
        ("headers", {"Connection": "close"}),
        ("seconds", "x"),
        ("seconds", -1),
        ("seconds", 1e300),
        ("seconds", float("inf")),
        ("seconds", float("nan")),
        ("error", None),
        ("error_description", 5),
        ("changes", 5),
        ("remove", "refresh_token"),
        ("remove", [5]),
    ],
    ids=repr,
)
def test_a_mistyped_detail_is_refused_by_name(
    application: Application, member: str, value: object
) -> None:
    """What could not strike, or not end well, is refused where it arrives, rather than later."""
    body = json.dumps({"endpoint": "token", "fault": "custom", member: value})
    headers = {"Content-Type": "application/json"}
    response = application.http.post("/sandbox/faults", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["problem"].startswith(f"{member} must be ")
    assert application.state()["faults"] == []


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_leaves_the_connection_usable(
    sandbox: Sandbox, application: Application, status: int
) -> None:
    """What HTTP sends without a body is sent so, or it would be the start of the next answer."""
    tokens = application.issued()
    sandbox.fail("api", status)
    assert application.api(tokens, "actions").status_code == status
    assert application.api(tokens, "actions").status_code == 200
