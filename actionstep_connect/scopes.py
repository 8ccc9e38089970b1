"""Scope names: RFC 6749 §3.3, space-delimited; one name per API resource in Actionstep."""

import re
from collections.abc import Iterable

#: Grants every resource (Actionstep: the wildcard scope).
ALL = "all"

LONGEST_SCOPE = 100
_SCOPE_TOKEN = re.compile(rf"[\x21\x23-\x5B\x5D-\x7E]{{1,{LONGEST_SCOPE}}}", re.ASCII)


def is_scope(name: object) -> bool:
    """Say whether `name` is a scope-token of RFC 6749 §3.3, and not too long."""
    return isinstance(name, str) and _SCOPE_TOKEN.fullmatch(name) is not None


def parse_scope(scope: str) -> tuple[str, ...]:
    """Split a `scope` parameter into its names, each once, in the order given.

    Raises ValueError if a name is too long or has characters outside RFC 6749 §3.3.
    """
    return unique_scopes(scope.split(" "))


def unique_scopes(names: Iterable[str]) -> tuple[str, ...]:
    """Return `names` without repetitions and blanks. Raises ValueError if one is not a scope-token."""
    unique = tuple(dict.fromkeys(name for name in names if name))
    for name in unique:
        if not is_scope(name):
            raise ValueError(
                f"{name[: LONGEST_SCOPE + 1]!r} is not a scope name: RFC 6749 §3.3 allows no blanks "
                f"or quotes, and we allow at most {LONGEST_SCOPE} characters."
            )
    return unique


def format_scope(names: Iterable[str]) -> str:
    """Join names into a `scope` parameter."""
    return " ".join(names)


def missing_scopes(wanted: Iterable[str], granted: Iterable[str]) -> tuple[str, ...]:
    """Return those of `wanted` that `granted` does not cover; `all` covers every name."""
    have = set(granted)
    if ALL in have:
        return ()
    return tuple(name for name in unique_scopes(wanted) if name not in have)
