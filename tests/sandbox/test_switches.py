"""The console and the JSON switches."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from actionstep_connect.testing import Sandbox
from tests.support.visitor import Application, Visitor


def turn(http: httpx2.Client, **fields: str) -> httpx2.Response:
    """Use one of the console's forms."""
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', http.get("/").text)
    assert token
    return http.post("/", data={"csrfmiddlewaretoken": token[1], **fields})


def test_state_and_console_never_show_a_token(
    sandbox: Sandbox, visitor: Visitor, application: Application
) -> None:
    """Neither tokens nor codes nor the client secret are shown, in whole or hashed."""
    code = visitor.authorize("tom")["code"]
    tokens = application.exchange(code).json()
    shown = application.http.get("/sandbox/state").text + application.http.get("/").text
    for secret in (code, tokens["access_token"], tokens["refresh_token"], "sandbox-secret"):
        assert secret not in shown
    assert not re.search(r"[0-9a-f]{64}", application.http.get("/sandbox/state").text)


def test_the_console_shows_who_is_connected_and_what_they_did(application: Application) -> None:
    """Users, organisations, token states and the log are on one page."""
    tokens = application.issued("tom", "timerecords")
    application.refresh(tokens["refresh_token"])
    application.api(tokens, "timerecords")
    page = application.http.get("/").text
    for wanted in ("Tom Okafor", "acmelaw", "rotated 1 time", "spent", "GET timerecords"):
        assert wanted in page
    assert "Sandbox — not Actionstep" in page
    assert "<script" not in page


def test_state_describes_each_token_pair(application: Application) -> None:
    """Tests can read every pair's state, time left and presentations."""
    application.refresh(application.issued("tom", "timerecords users")["refresh_token"])
    [connection] = application.state()["connections"]
    assert connection["user"] == "tom"
    assert connection["orgkey"] == "acmelaw"
    assert connection["scopes"] == ["timerecords", "users"]
    first, second = connection["tokens"]
    assert (first["refresh"], first["presentations"]) == ("spent", 1)
    assert (second["access"], second["refresh"]) == ("valid", "valid")
    assert 3500 < second["access_seconds_left"] <= 3600


def test_reset_puts_everything_back(sandbox: Sandbox, application: Application) -> None:
    """Grants, codes, faults, options, counts, log and the firms' rows are as at the start."""
    tokens = application.issued()
    application.api(tokens, "timerecords/1", "DELETE")
    sandbox.post("sandbox/options", grace=5)
    sandbox.post("sandbox/faults", endpoint="api", fault="html")
    sandbox.reset()
    state = application.state()
    assert state["connections"] == state["faults"] == state["activity"] == []
    assert state["options"]["grace"] == 0
    assert state["counters"]["api_requests"] == 0
    assert application.api(application.issued(), "timerecords/1").status_code == 200


def test_what_began_before_a_reset_counts_no_longer(
    sandbox: Sandbox, application: Application
) -> None:
    """A request that someone gave up is neither counted nor logged in the next test."""
    sandbox.post("sandbox/faults", endpoint="token", fault="slow", seconds=3)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(application.refresh, "given-up")
        while (
            not late.done() and not application.state()["counters"]["most_token_requests_at_once"]
        ):
            pass
        sandbox.reset()
        application.refresh("another")
        during = application.state()["counters"]["most_token_requests_at_once"]
        assert not late.done()
    state = application.state()
    assert (during, state["counters"]["most_token_requests_at_once"]) == (1, 1)
    assert len(state["activity"]) == 1


def test_revoke_ends_one_users_grants(sandbox: Sandbox, application: Application) -> None:
    """Revoking Tom's leaves Priya's alone."""
    tom, priya = application.issued("tom"), application.issued("priya")
    assert sandbox.post("sandbox/revoke", user="tom").json() == {"revoked": 1}
    assert application.api(tom, "actions").json() == {"error": "invalid_token"}
    assert application.refresh(tom["refresh_token"]).json()["error"] == "invalid_grant"
    assert application.api(priya, "actions").status_code == 200


def test_expire_can_be_for_one_user(sandbox: Sandbox, application: Application) -> None:
    """Expiring Tom's access tokens leaves his refresh token, and Priya's all."""
    tom, priya = application.issued("tom"), application.issued("priya")
    assert sandbox.post("sandbox/expire", what="access", user="tom").json() == {"expired": 1}
    assert application.api(tom, "actions").json() == {"error": "expired_token"}
    assert application.refresh(tom["refresh_token"]).status_code == 200
    assert application.api(priya, "actions").status_code == 200


def test_lifetimes_can_be_changed_at_run_time(sandbox: Sandbox, application: Application) -> None:
    """The next token has the new lifetime."""
    sandbox.post("sandbox/options", access_token_lifetime=20)
    assert application.issued()["expires_in"] == 20


def test_the_client_secret_can_be_changed(sandbox: Sandbox, application: Application) -> None:
    """An expired client secret is a fault of the site's to practise."""
    sandbox.post("sandbox/options", client_secret="renewed")
    tokens = application.issued()
    assert application.refresh(tokens["refresh_token"]).json()["error"] == "invalid_client"
    renewed = application.refresh(tokens["refresh_token"], client_secret="renewed")
    assert renewed.status_code == 200


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("options", {"colour": "red"}),
        ("options", {"grace": "long"}),
        ("options", {"grace": -1}),
        ("options", {"api_endpoint_form": "odd"}),
        ("expire", {"what": "everything"}),
        ("issue", {"user": "nobody"}),
        ("issue", {"user": "tom", "orgkey": "harbourlegal"}),
        ("options", {"access_token_lifetime": float("inf")}),
        ("options", {"access_token_lifetime": 1e300}),
        ("options", {"refresh_token_lifetime": 1e12}),
        ("options", {"code_lifetime": float("nan")}),
        ("options", {"rate_limit": float("inf")}),
        ("options", {"rate_limit": 1.5}),
        ("options", {"send_scope": 1}),
        ("options", {"content_type": "text/html\nX-More: yes"}),
        ("options", {"redirect_uris": "http://127.0.0.1/"}),
        ("options", {"redirect_uris": [5]}),
        ("options", {"client_secret": "\ud800"}),
        ("expire", {"what": []}),
        ("expire", {"user": {}}),
        ("issue", {"user": "tom", "client_id": None}),
        ("issue", {"user": "tom", "scopes": 5}),
        ("issue", {"user": "tom", "scopes": [5]}),
        ("issue", {"user": "tom", "count": True}),
        ("issue", {"user": ["tom"]}),
        ("revoke", {"user": ["tom"]}),
        ("revoke", {"user": "tom", "orgkey": 5}),
        ("revoke", ["tom"]),
        ("advance", {"seconds": float("nan")}),
        ("advance", {"seconds": True}),
    ],
    ids=repr,
)
def test_a_switch_turned_wrongly_says_so(application: Application, name: str, body: object) -> None:
    """A wrong value is a 400 that names it."""
    before = application.state()["options"]
    headers = {"Content-Type": "application/json"}
    content = json.dumps(body)
    response = application.http.post(f"/sandbox/{name}", content=content, headers=headers)
    assert response.status_code == 400
    assert response.json()["problem"]
    assert application.state()["options"] == before


def test_a_body_too_deep_to_read_says_so(application: Application) -> None:
    """A hundred thousand brackets are a 400 as well."""
    response = application.http.post("/sandbox/faults", content=b"[" * 100_000)
    assert response.status_code == 400
    assert "deep" in response.json()["problem"]


def test_other_sites_may_not_turn_switches(application: Application) -> None:
    """A page elsewhere in the same browser cannot reset the sandbox."""
    headers = {"Origin": "https://evil.example"}
    assert application.http.post("/sandbox/reset", headers=headers).status_code == 403
    assert application.http.post("/", data={"switch": "reset"}).status_code == 403


def test_a_foreign_host_name_is_refused(application: Application) -> None:
    """A name that someone points at loopback leads nowhere."""
    response = application.http.get("/sandbox/state", headers={"Host": "evil.example"})
    assert response.status_code == 400


def test_the_consoles_forms_do_what_they_say(application: Application) -> None:
    """Each form of the console turns its switch and comes back to the page."""
    http, tokens = application.http, application.issued("tom")
    armed = turn(http, switch="fault", endpoint="api", fault="status_500", times="ever")
    assert armed.status_code == 303
    assert application.api(tokens, "actions").status_code == 500
    turn(http, switch="clear_faults")
    assert application.api(tokens, "actions").status_code == 200
    turn(http, switch="expire", what="access")
    assert application.api(tokens, "actions").json() == {"error": "expired_token"}
    turn(http, switch="revoke", user="tom")
    assert application.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    turn(
        http,
        switch="lifetimes",
        access_token_lifetime="30",
        refresh_token_lifetime="300",
        grace="0",
    )
    assert application.issued()["expires_in"] == 30
    assert turn(http, switch="fault", endpoint="api", fault="nonsense").status_code == 400
    turn(http, switch="reset")
    assert application.state()["connections"] == []
