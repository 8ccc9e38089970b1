"""`application_meta_data` and links into Actionstep."""

from urllib.parse import parse_qs, urlsplit

import pytest

from actionstep_connect.api import deep_link
from actionstep_connect.exceptions import ScopeNotGranted
from actionstep_connect.testing import Sandbox
from tests.support.both_clients import Caller, connection_to_all
from tests.support.documents import module_of


def test_who_and_where(actionstep_sandbox: Sandbox, transactional_db: None) -> None:
    """The scope AsCommon alone is enough, with both clients."""
    connection = connection_to_all(actionstep_sandbox, "AsCommon")
    for is_async in (False, True):
        about = Caller(connection, is_async=is_async)("application_meta_data")
        assert about["organization"]["orgkey"] == "acmelaw"
        assert about["currentUser"]["timezoneName"]


def test_without_the_scope_nothing_is_sent(
    actionstep_sandbox: Sandbox, transactional_db: None
) -> None:
    """The error names the scope to ask for, which is not called like the resource."""
    caller = Caller(connection_to_all(actionstep_sandbox, "actions"), is_async=False)
    with pytest.raises(ScopeNotGranted) as caught:
        caller("application_meta_data")
    assert caught.value.scopes == ("AsCommon",)
    assert actionstep_sandbox.activity() == []


def test_a_deep_link_keeps_the_users_own_mark() -> None:
    """The target is added to the address, whatever it holds already."""
    link = deep_link(
        {"deepLinkUrl": "https://go.example/in?link=a%26b"}, "view-action", action_id="7&x"
    )
    query = {"link": ["a&b"], "target": ["view-action"], "action_id": ["7&x"]}
    assert parse_qs(urlsplit(link).query) == query


@pytest.mark.parametrize(
    "wrong", [{}, {"deepLinkUrl": None}, {"deepLinkUrl": "javascript:alert()"}]
)
def test_an_address_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    """No page gets a link that would run as code."""
    with pytest.raises(ValueError, match="no way in"):
        deep_link(wrong, "view-action", action_id=7)


def test_the_page_is_run(caller: Caller) -> None:
    """The example knows the firm, the user and the way to a matter."""
    about = module_of("meta.py", "docs/client/who-and-where.md").about(caller.connection, 7)
    assert about["firm"]
    assert about["matter"].endswith("&target=view-action&action_id=7")
