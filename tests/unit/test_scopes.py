"""Scope names, as RFC 6749 §3.3 has them."""

import pytest

from actionstep_connect.scopes import (
    MAX_SCOPE,
    format_scope,
    is_scope,
    missing_scopes,
    parse_scope,
    unique_scopes,
)


@pytest.mark.parametrize("name", ["timerecords", "all", "a", "!", "a:b/c-d_e.f", "~", "x" * 100])
def test_a_scope_name(name: str) -> None:
    """Printable ASCII without blank, quote or backslash."""
    assert is_scope(name)


@pytest.mark.parametrize(
    "name", ["", " ", "a b", 'a"b', "a\\b", "a\n", "a\tb", "é", "\x7f", "\0", "x" * 101, None, 1]
)
def test_no_scope_name(name: object) -> None:
    """Everything else, whatever its type."""
    assert not is_scope(name)


def test_a_scope_parameter_is_split_once() -> None:
    """Names come back in their order, each once, however many blanks stand between them."""
    assert parse_scope(" timerecords  actions timerecords ") == ("timerecords", "actions")
    assert parse_scope("") == ()


def test_a_name_that_is_too_long_is_said_to_be() -> None:
    """It has no odd character, so what is wrong is its length."""
    with pytest.raises(ValueError, match="at most 100 characters"):
        parse_scope("x" * 101)


@pytest.mark.parametrize("scope", ["a\tb", "a\nb", 'a "b"', "timerecords é"])
def test_a_malformed_scope_parameter_is_refused(scope: str) -> None:
    """A parameter that holds no scope names is an error, not a guess."""
    with pytest.raises(ValueError, match="not a scope name"):
        parse_scope(scope)


def test_names_survive_the_parameter() -> None:
    """Formatting and parsing are each other's reverse."""
    names = ("timerecords", "actions", "a:b")
    assert parse_scope(format_scope(names)) == unique_scopes(names) == names


@pytest.mark.parametrize(
    ("wanted", "granted", "missing"),
    [
        (["actions"], ["actions", "timerecords"], ()),
        (["actions", "files"], ["actions"], ("files",)),
        (["files", "actions", "files"], [], ("files", "actions")),
        (["files"], ["all"], ()),
        (["all"], ["files"], ("all",)),
        (["file"], ["files"], ("file",)),
        (["Files"], ["files"], ("Files",)),
        ([], [], ()),
    ],
)
def test_what_is_missing(wanted: list[str], granted: list[str], missing: tuple[str, ...]) -> None:
    """Missing is what was not granted by that very name; `all` covers every name."""
    assert missing_scopes(wanted, granted) == missing


def test_a_refused_name_is_shown_in_part() -> None:
    """The message has one character more than a name may have, so that its length is seen."""
    name = "é".ljust(MAX_SCOPE + 50, "x")
    with pytest.raises(ValueError, match="is not a scope name") as caught:
        unique_scopes([name])
    assert repr(name[: MAX_SCOPE + 1]) in str(caught.value)
