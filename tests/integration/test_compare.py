"""`actionstep_compare`: where Actionstep's answers are not shaped as the sandbox's facts say."""

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from actionstep_connect.management.comparison import facts
from actionstep_connect.testing import Sandbox
from tests.support.connections import make_user

pytestmark = pytest.mark.django_db

ROW: dict[str, Any] = {
    "id": 7,
    "name": "Ms Jones v Smith",
    "status": "Secret",
    "priority": "17",
    "createdTimestamp": "the day before",
    "isFavourite": "T",
    "Ms Jones's shoe size": 43,
    "links": {"actionType": 3, "primaryParticipants": ["12"], "shoe": ["Jones"]},
}


def connected(sandbox: Sandbox, settings: Any, scopes: list[str], **whom: str) -> User:
    """Connect a user with these scopes."""
    own = settings.ACTIONSTEP_CONNECT
    settings.ACTIONSTEP_CONNECT = {**own, "SCOPES": scopes, "ALLOWED_SCOPES": scopes}
    user = make_user()
    sandbox.connect(user, **whom)
    return user


def compared(user: User, **options: Any) -> str:
    """Return what the command prints."""
    out = StringIO()
    call_command("actionstep_compare", user=user.get_username(), stdout=out, **options)
    return out.getvalue()


def test_the_sandbox_is_as_its_facts_say(actionstep_sandbox: Sandbox, settings: Any) -> None:
    """Every resource that can be listed is read once, by GET, and none differs."""
    text = compared(connected(actionstep_sandbox, settings, ["all"]))
    names = [one.name for one in facts.resources()]
    assert f"As described: {', '.join(names)}." in text
    assert len(names) > 50
    assert "###" not in text
    assert "Headers" not in text
    calls = [one for one in actionstep_sandbox.activity() if not one.resource.startswith("oauth")]
    assert [one.resource for one in calls] == names[::-1]
    assert {one.method for one in calls} == {"GET"}


def test_differences_are_named_and_no_value_is(actionstep_sandbox: Sandbox, settings: Any) -> None:
    """Members, links, types, enumerations, paging, media type and headers; nothing personal."""
    user = connected(actionstep_sandbox, settings, ["actions", "tasks"])
    actionstep_sandbox.fail(
        "api",
        "members",
        resource="actions",
        changes={
            "actions": [ROW],
            "meta": {"paging": {"actions": {"page": "1"}}},
            "extra": "Jones",
        },
        headers={"X-Rate-Left": "Jones"},
        content_type="application/json",
    )
    text = compared(user)
    for line in (
        "### actions",
        "- Content-Type is application/json, not application/vnd.api+json.",
        "- The answer has `extra`, which is not described: text.",
        "- Member `isFavourite` is not described: text.",
        "- Member (a name that is none of a member) is not described: integer.",
        "- Member `reference` is described and does not come.",
        "- Member `priority` is described as integer, and comes as digits.",
        "- Member `createdTimestamp` is described as timestamp, and comes as text.",
        "- Member `status` has values outside its enumeration.",
        "- Link `shoe` is not described: array of text.",
        "- Link `actionType` is described as text, and comes as integer.",
        "- Link `step` is described and does not come.",
        "- `meta.paging.actions` has `page` as digits, not as integer.",
        "- `meta.paging.actions` lacks `recordCount`.",
        "- `meta.debug` is missing.",
        "As described: tasks.",
        "Headers that are not usual: x-rate-left.",
    ):
        assert line in text.splitlines(), text
    for secret in ("Jones", "Secret", "43", "17", "before", "acmelaw", "127.0.0.1", user.username):
        assert secret not in text


def test_what_cannot_be_compared_is_said(actionstep_sandbox: Sandbox, settings: Any) -> None:
    """Permissions, an error, HTML in place of JSON, an empty answer: the rest goes on."""
    scopes = ["actions", "filenotes", "tasks", "timerecords", "users"]
    user = connected(actionstep_sandbox, settings, scopes, username="grace")
    actionstep_sandbox.fail("api", 404, resource="actions")
    actionstep_sandbox.fail("api", "html", resource="tasks")
    actionstep_sandbox.fail("api", 204, resource="filenotes")
    lines = compared(user).splitlines()
    assert "- A GET is answered with status 404." in lines
    assert "- The answer is not JSON." in lines
    assert "- filenotes: there are no rows" in lines
    assert "- timerecords: the user's own permissions do not allow it" in lines
    assert "- timeentries: the user's own permissions do not allow it" in lines
    assert "As described: users." in lines


def test_whose_connection_is_said(actionstep_sandbox: Sandbox, settings: Any) -> None:
    """No user, no connection, several organisations, no scope of a resource: each its own words."""
    user = connected(actionstep_sandbox, settings, ["users"])
    with pytest.raises(CommandError, match="There is no user 'somebody'"):
        call_command("actionstep_compare", user="somebody")
    with pytest.raises(CommandError, match="not connected"):
        compared(make_user())
    actionstep_sandbox.connect(user, orgkey="harbourlegal")
    with pytest.raises(CommandError, match="acmelaw"):
        compared(user)
    assert "As described: users." in compared(user, orgkey="harbourlegal")
    other = connected(actionstep_sandbox, settings, ["openid"])
    with pytest.raises(CommandError, match="reach no resource"):
        compared(other)
