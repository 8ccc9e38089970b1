"""Searching connections by their users' names and e-mail addresses, and by organisation.

On a large site a search within names reads every user. It is made only if no name begins with what is
searched, for which there are indexes.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.utils.text import smart_split, unescape_string_literal

from actionstep_connect.admin.base import user_search_fields
from actionstep_connect.models import Connection
from actionstep_connect.users import email_field

MAX_FOUND = 1000
#: Before a word: search within all names at once.
EVERYWHERE = "*"


def search_connections(
    rows: QuerySet[Connection], text: str, *, is_large: bool
) -> tuple[list[UUID], bool]:
    """Return the keys of the connections found, at most MAX_FOUND, and whether more may be.

    Each search is one statement with a LIMIT. The first that finds something ends the search.
    """
    words = [*_words(text.removeprefix(EVERYWHERE))]
    users = user_search_fields("user__")
    if is_large and not text.startswith(EVERYWHERE):
        for condition in chain(_beginnings(words), [_contains(words, users)]):
            if keys := _keys(rows, condition):
                return keys, True
    return _keys(rows, _contains(words, (*users, "orgkey", "organisation_name"))), False


def _words(text: str) -> Iterator[str]:
    for word in smart_split(text):
        is_quoted = len(word) > 1 and word[0] == word[-1] and word[0] in "\"'"
        yield unescape_string_literal(word) if is_quoted else word


def _beginnings(words: list[str]) -> Iterator[Q]:
    if len(words) != 1:
        return
    model, [word] = get_user_model(), words
    spellings = {word, word.lower()}
    email = f"user__{email_field()}"
    if "@" in word and email in user_search_fields("user__"):
        yield Q((f"{email}__in", spellings))
    if (username := f"user__{model.USERNAME_FIELD}") in user_search_fields("user__"):
        yield _begins(username, spellings)
    # The keys alone, because an index holds them; the rows are wide.
    orgkeys = Connection.objects.filter(_begins("orgkey", spellings)).order_by()
    yield Q(orgkey__in=[*orgkeys.values_list("orgkey", flat=True).distinct()[:MAX_FOUND]])


def _begins(field: str, spellings: set[str]) -> Q:
    return Q(*((f"{field}__startswith", each) for each in spellings), _connector=Q.OR)


def _contains(words: list[str], fields: tuple[str, ...]) -> Q:
    """Each word is in one field or another."""
    parts: list[Any] = [
        Q(*((f"{field}__icontains", word) for field in fields), _connector=Q.OR) for word in words
    ]
    return Q(*parts)


def _keys(rows: QuerySet[Connection], condition: Q) -> list[UUID]:
    return [*rows.filter(condition).order_by().values_list("pk", flat=True)[:MAX_FOUND]]
