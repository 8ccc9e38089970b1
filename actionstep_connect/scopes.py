"""Scope names: RFC 6749 §3.3, space-delimited; one name per API resource in Actionstep."""

import re
from collections.abc import Iterable
from typing import NamedTuple

#: Grants every resource (Actionstep: the wildcard scope).
ALL = "all"
#: Who is signed in and where; `application_meta_data` needs it.
AS_COMMON = "AsCommon"

MAX_SCOPE = 100
_SCOPE_TOKEN = re.compile(rf"[\x21\x23-\x5B\x5D-\x7E]{{1,{MAX_SCOPE}}}", re.ASCII)


#: Scope names as callers give them: one by one, or in one text as a `scope` parameter has them.
Scopes = str | Iterable[str]


class Requirement(NamedTuple):
    """What `actionstep_connection_required` was told: where, and which scopes and organisation."""

    place: str
    scopes: tuple[str, ...]
    orgkey: str


#: Of every decorated view that has been imported: what this site's own code says.
REQUIREMENTS: set[Requirement] = set()


def is_scope(name: object) -> bool:
    """Return whether `name` is a scope-token of RFC 6749 §3.3, and not too long."""
    return isinstance(name, str) and _SCOPE_TOKEN.fullmatch(name) is not None


def parse_scope(scope: str) -> tuple[str, ...]:
    """Split a `scope` parameter into its names, each once, in the order given.

    Raises ValueError if a name is too long or has characters outside RFC 6749 §3.3.
    """
    return unique_scopes(scope)


def unique_scopes(scopes: Scopes) -> tuple[str, ...]:
    """Return the names in `scopes`, each once, in the order given.

    A text holds names between blanks. Raises ValueError if one is not a scope-token.
    """
    names = scopes.split(" ") if isinstance(scopes, str) else scopes
    unique = tuple(dict.fromkeys(name for name in names if name))
    for name in unique:
        if not is_scope(name):
            raise ValueError(
                f"{str(name)[: MAX_SCOPE + 1]!r} is not a scope name: RFC 6749 §3.3 allows no blanks "
                f"or quotes, and this package at most {MAX_SCOPE} characters."
            )
    return unique


def format_scope(names: Iterable[str]) -> str:
    """Join names into a `scope` parameter."""
    return " ".join(names)


def missing_scopes(wanted: Scopes, granted: Scopes) -> tuple[str, ...]:
    """Return those of `wanted` that `granted` does not cover; `all` covers every name."""
    have = set(granted.split() if isinstance(granted, str) else granted)
    if ALL in have:
        return ()
    return tuple(name for name in unique_scopes(wanted) if name not in have)
