"""`actionstep_get`, and unit tests with canned answers as ``docs/client/first-look.md`` has them."""

import json
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django import Settings

from actionstep_connect.exceptions import ReconnectRequired
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox, make_connection
from tests.support.documents import module_of
from tests.support.hostile_server import Answer, HostileServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_command_prints_what_actionstep_answers(
    connected_user: User, actionstep_sandbox: Sandbox
) -> None:
    """One GET as that user, as JSON that can be piped."""
    out = StringIO()
    call_command("actionstep_get", "timerecords/1", user=connected_user.username, stdout=out)
    assert json.loads(out.getvalue())["timerecords"]["id"] == 1
    assert actionstep_sandbox.activity()[0].user == "priya"


@pytest.mark.parametrize(
    ("resource", "user", "said"),
    [
        ("timerecords/1", "nobody", "There is no user 'nobody'"),
        ("filenotes", "connected-user", "has not granted"),
        ("timerecords/999999", "connected-user", "404"),
        ("https://evil.example/", "connected-user", "nothing was sent"),
    ],
)
def test_the_command_says_what_is_wrong(
    connected_user: User, resource: str, user: str, said: str
) -> None:
    """A mistake is one sentence, and no traceback."""
    with pytest.raises(CommandError, match=said):
        call_command("actionstep_get", resource, user=user)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body="<html>\x9b31m", headers={"Content-Type": "text/html"}),
        Answer(status=302, headers={"Location": "https://evil.example/"}, body="<html>"),
        Answer(body=b"\xff\xfe"),
        Answer(body="[" * 100_000),
    ],
    ids=["page", "redirect", "bytes", "deep"],
)
def test_the_command_says_that_an_answer_is_no_json(
    server: HostileServer, connection: Connection, answer: Answer
) -> None:
    """A page in place of an answer is one sentence, and no traceback."""
    server.answer(**vars(answer))
    with pytest.raises(CommandError, match="is not JSON"):
        call_command("actionstep_get", "timerecords", user=connection.user.get_username())


def test_the_command_says_that_no_answer_came(
    server: HostileServer, connection: Connection
) -> None:
    """A connection that is lost is one sentence, and no traceback."""
    server.answer(drop=True)
    with pytest.raises(CommandError, match="No answer came"):
        call_command("actionstep_get", "timerecords", user=connection.user.get_username())


def test_no_answer_tells_a_terminal_what_to_do(
    server: HostileServer, connection: Connection
) -> None:
    """What is not printed comes as JSON writes it; names in other letters come as they are."""
    body = {"timerecords": {"name": "Łukasz \x9b31m\u202e\x1b"}}
    server.answer(body=body)
    out = StringIO()
    call_command("actionstep_get", "timerecords", user=connection.user.get_username(), stdout=out)
    assert json.loads(out.getvalue()) == body
    assert out.getvalue().replace("\n", "").isprintable()
    assert "Łukasz" in out.getvalue()


def test_the_command_says_that_nothing_was_found(connected_user: User) -> None:
    """No rows are no JSON."""
    out, err = StringIO(), StringIO()
    call_command(
        "actionstep_get", "timerecords?id=0", user=connected_user.username, stdout=out, stderr=err
    )
    assert (out.getvalue(), err.getvalue()) == ("", "204: no rows.\n")


def test_the_page_is_run(actionstep_user: User, settings: Settings) -> None:
    """Both canned tests pass."""
    page = module_of("test_canned.py", "docs/client/first-look.md")
    connection = make_connection(actionstep_user, scopes=["scratchnotes"])
    page.test_rows_are_read(connection)
    page.test_being_told_to_wait(connection)


def test_the_factory_is_a_usable_connection(actionstep_user: User) -> None:
    """It is found as its user's, and ends as any other when its time is over."""
    connection = make_connection(actionstep_user)
    assert Connection.objects.get_for_user(actionstep_user) == connection
    Connection.objects.update(status="reconnect_required")
    with pytest.raises(ReconnectRequired):
        Connection.objects.get_for_user(actionstep_user)
