"""The pytest plugin: what a site's own tests get from it."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from actionstep_connect.api import ActionstepClient, get_access_token, refresh
from actionstep_connect.exceptions import (
    ActionstepPermissionDenied,
    AuthorizationFailed,
    ReconnectRequired,
    TemporarilyUnavailable,
)
from actionstep_connect.models import Connection
from actionstep_connect.sandbox.faults import KINDS, Fault
from actionstep_connect.sandbox.options import Options
from actionstep_connect.testing import Sandbox
from actionstep_connect.testing.vocabulary import FaultDetails, FaultName, SandboxOptions
from tests.support.connections import make_user

pytestmark = pytest.mark.django_db


def test_a_connected_user_has_a_real_connection(
    connected_user: User, actionstep_sandbox: Sandbox
) -> None:
    """The user authorized at the real pages, and their token opens the real API."""
    connection = Connection.objects.get_for_user(connected_user)
    assert connection.orgkey == "acmelaw"
    with ActionstepClient(connection) as actionstep:
        actionstep.get("timerecords").raise_for_status()
    newest, token, *pages = actionstep_sandbox.activity()
    assert (newest.method, newest.resource, newest.user) == ("GET", "timerecords", "priya")
    assert newest.user_agent.startswith("django-actionstep-connect/")
    assert token.resource == "oauth/token (authorization_code)"
    assert {page.resource for page in pages} == {"oauth/authorize"}


def test_a_user_connects_as_whom_and_with_what_a_test_says(actionstep_sandbox: Sandbox) -> None:
    """Grace may not read time records; only allowed scopes can be asked for."""
    grace = actionstep_sandbox.connect(make_user(), username="grace", scopes=["timerecords"])
    assert grace.granted_scopes == ["timerecords"]
    with ActionstepClient(grace) as actionstep, pytest.raises(ActionstepPermissionDenied):
        actionstep.get("timerecords")
    with pytest.raises(AuthorizationFailed, match="filenotes"):
        actionstep_sandbox.connect(make_user(), scopes=["filenotes"])
    with pytest.raises(ValueError, match="did not send nobody back"):
        actionstep_sandbox.connect(make_user(), username="nobody")


@pytest.mark.parametrize(
    ("username", "theirs"), [("priya", "acmelaw"), ("tom", "acmelaw"), ("marcus", "harbourlegal")]
)
def test_a_user_connects_with_their_first_organisation_if_none_is_named(
    actionstep_sandbox: Sandbox, username: str, theirs: str
) -> None:
    """Anyone who belongs to one firm needs no `orgkey`; anyone who belongs to two gets the first."""
    assert actionstep_sandbox.connect(make_user(), username=username).orgkey == theirs


@pytest.mark.parametrize(
    ("username", "orgkey", "theirs"),
    [
        ("tom", "harbourlegal", "acmelaw"),
        ("marcus", "acmelaw", "harbourlegal"),
        ("priya", "otherfirm", "acmelaw and harbourlegal"),
    ],
)
def test_an_organisation_that_a_user_does_not_belong_to_is_refused(
    actionstep_sandbox: Sandbox, username: str, orgkey: str, theirs: str
) -> None:
    """No one is connected with another organisation than the test asked for."""
    with pytest.raises(ValueError, match=f"offers {username} {theirs}, not {orgkey}"):
        actionstep_sandbox.connect(make_user(), username=username, orgkey=orgkey)
    assert not Connection.objects.exists()
    assert actionstep_sandbox.get("sandbox/state")["connections"] == []


def test_an_organisation_that_the_address_names_is_not_taken_for_another(
    actionstep_sandbox: Sandbox,
) -> None:
    """With `orgkey` in the address no one is asked to choose; a test that wants another hears so."""
    url = (
        f"{actionstep_sandbox.url}/api/oauth/authorize?response_type=code&client_id=sandbox-client"
        "&redirect_uri=http://localhost/back&scope=actions&orgkey=harbourlegal"
    )
    assert "code=" in actionstep_sandbox.authorize(url)
    with pytest.raises(ValueError, match="offers priya harbourlegal, not acmelaw"):
        actionstep_sandbox.authorize(url, orgkey="acmelaw")


def test_pages_elsewhere_are_never_visited(actionstep_sandbox: Sandbox) -> None:
    """An address that is not the sandbox's is refused by name, its query left out."""
    with pytest.raises(ValueError, match=r"https://go\.actionstep\.com/api is not at the sandbox"):
        actionstep_sandbox.authorize("https://go.actionstep.com/api?state=a-state")


def test_a_callback_that_was_denied_brings_the_error(actionstep_sandbox: Sandbox) -> None:
    """A test can deny, and gets the address that its site would be called at."""
    url = (
        f"{actionstep_sandbox.url}/api/oauth/authorize?response_type=code&client_id=sandbox-client"
        "&redirect_uri=http://localhost/back&scope=actions&state=a-state"
    )
    callback = actionstep_sandbox.authorize(url, decision="deny")
    assert callback.startswith("http://localhost/back?error=access_denied")


def test_time_moves_on_here_and_there(connected_user: User, actionstep_sandbox: Sandbox) -> None:
    """After two hours both sides take the token for expired, and a refresh makes it good."""
    connection = Connection.objects.get_for_user(connected_user)
    token, before = get_access_token(connection), datetime.now(UTC)
    actionstep_sandbox.advance(timedelta(hours=1))
    actionstep_sandbox.advance(timedelta(hours=1))
    assert timedelta(hours=2) <= datetime.now(UTC) - before < timedelta(hours=2, minutes=5)
    there = datetime.fromisoformat(actionstep_sandbox.get("sandbox/state")["now"])
    assert abs(there - datetime.now(UTC)) < timedelta(minutes=1)
    assert get_access_token(connection) != token
    with ActionstepClient(connection) as actionstep:
        assert actionstep.get("actions").status_code == 200
    [grant] = actionstep_sandbox.get("sandbox/state")["connections"]
    assert [pair["access"] for pair in grant["tokens"]] == ["expired", "valid"]


def test_after_22_days_of_silence_a_connection_has_ended(
    connected_user: User, actionstep_sandbox: Sandbox
) -> None:
    """Past the refresh token's 21 days the sandbox refuses it, as Actionstep does."""
    connection = Connection.objects.get_for_user(connected_user)
    actionstep_sandbox.advance(timedelta(days=22))
    with pytest.raises(ReconnectRequired):
        get_access_token(connection)


def test_the_next_test_starts_in_the_present(actionstep_sandbox_process: Sandbox) -> None:
    """Going back undoes every advance in this process; a reset undoes them in the sandbox."""
    before = datetime.now(UTC)
    actionstep_sandbox_process.advance(timedelta(days=1))
    actionstep_sandbox_process.advance(timedelta(days=1))
    actionstep_sandbox_process.reset()
    there = datetime.fromisoformat(actionstep_sandbox_process.get("sandbox/state")["now"])
    for now in (datetime.now(UTC), there):
        assert now - before < timedelta(hours=1)


def test_faults_strike_as_often_as_told(connected_user: User, actionstep_sandbox: Sandbox) -> None:
    """A status or a name, for one endpoint and one user; cleared, all is well again."""
    connection = Connection.objects.get_for_user(connected_user)
    actionstep_sandbox.fail("token", 503, times=None, user="priya", retry_after=7)
    with pytest.raises(TemporarilyUnavailable):
        refresh(connection)
    actionstep_sandbox.clear_faults()
    again = actionstep_sandbox.connect(make_user())
    actionstep_sandbox.fail("token", "error_200", error="server_error")
    with pytest.raises(TemporarilyUnavailable):
        refresh(again)


def test_a_revoked_user_must_reconnect(connected_user: User, actionstep_sandbox: Sandbox) -> None:
    """Revoking or expiring at the sandbox is news that the site learns at its next request."""
    connection = Connection.objects.get_for_user(connected_user)
    actionstep_sandbox.revoke("priya")
    with pytest.raises(ReconnectRequired):
        refresh(connection)
    other = actionstep_sandbox.connect(make_user(), username="tom")
    actionstep_sandbox.expire("refresh", username="tom")
    with pytest.raises(ReconnectRequired):
        refresh(other)


def test_what_makes_no_sense_is_named(actionstep_sandbox: Sandbox) -> None:
    """A mistake in a test is told in the sandbox's own words."""
    with pytest.raises(ValueError, match="grace must be a number from 0"):
        actionstep_sandbox.change_options(grace=-1)
    with pytest.raises(ValueError, match="fault must be"):
        actionstep_sandbox.fail("api", 6000)
    with pytest.raises(ValueError, match="seconds must be a number from 0"):
        actionstep_sandbox.advance(timedelta(days=-1))


def test_a_key_is_made_up_where_there_is_none(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    """Tests need no secret: without ENCRYPTION_KEYS in the settings there is one for the run."""
    settings.ACTIONSTEP_CONNECT = {**settings.ACTIONSTEP_CONNECT, "ENCRYPTION_KEYS": []}
    sandbox: Sandbox = request.getfixturevalue("actionstep_sandbox")
    assert get_access_token(sandbox.connect(make_user()))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (set(get_args(FaultName)), set(KINDS)),
        (
            set(FaultDetails.__annotations__),
            set(Fault.__dataclass_fields__) - {"endpoint", "fault"},
        ),
        (set(SandboxOptions.__annotations__), set(Options.__dataclass_fields__)),
    ],
    ids=["faults", "details", "options"],
)
def test_the_plugin_knows_all_of_the_sandboxs_words(ours: set[Any], theirs: set[Any]) -> None:
    """Neither imports the other, so here their vocabularies are compared."""
    assert ours == theirs


def test_a_file_goes_up_and_comes_down_through_the_client(
    actionstep_sandbox: Sandbox, settings: Settings
) -> None:
    """The client needs no more than httpx2's `files` and the id as it stands in the row."""
    scopes = ["files", "actiondocuments"]
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "SCOPES": scopes, "ALLOWED_SCOPES": scopes}
    connection = actionstep_sandbox.connect(make_user(), scopes=scopes)
    with ActionstepClient(connection) as actionstep:
        part = {"part_number": 1, "part_count": 1}
        sent = actionstep.post("files", params=part, files={"file": ("lease.txt", b"Dear Sir")})
        file = f"{sent.json()['files']['id']};lease.txt"
        row = {"name": "Lease", "file": file, "links": {"action": 15}}
        created = actionstep.post("actiondocuments", json={"actiondocuments": row})
        key = created.json()["actiondocuments"]["id"]
        asked = actionstep.get(f"actiondocuments/{key}", params={"fields": ":default,file"})
        identifier = asked.json()["actiondocuments"]["file"]
        got = actionstep.get(f"files/{identifier}", params={"part_number": 1})
    assert (identifier, got.content) == (f"DL::Actions::15::{key}", b"Dear Sir")


def test_a_change_at_actionstep_is_made_by_a_test(actionstep_sandbox: Sandbox) -> None:
    """Rows are added, changed and removed as colleagues would, in the organisation that is named."""
    added = actionstep_sandbox.add("filenotes", text="Called.", links={"action": 7})
    actionstep_sandbox.change("filenotes", added["id"], text="Called twice.")
    other = actionstep_sandbox.change("actions", 7, orgkey="harbourlegal", name="Elsewhere")
    assert other["name"] == "Elsewhere"
    assert actionstep_sandbox.notifications() == []
    with pytest.raises(ValueError, match="colour is no member"):
        actionstep_sandbox.change("actions", 7, colour="red")
    actionstep_sandbox.remove("filenotes", added["id"])
    with pytest.raises(ValueError, match="There is no filenotes"):
        actionstep_sandbox.change("filenotes", added["id"], text="Gone.")
