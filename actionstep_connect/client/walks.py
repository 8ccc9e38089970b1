"""Walking through rows. `rows` has the types of these methods for each published resource."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from typing import Any

from actionstep_connect.client.answers import Walk, address_of, count_of
from actionstep_connect.client.changes import AsyncChanges, Changes, Course
from actionstep_connect.client.conversation import Ask, AsyncConversing, Conversing, Steps, Walking
from actionstep_connect.client.linked import Shaping


class Walks(Conversing):
    """The walks of `ActionstepClient`."""

    def iterate(
        self, resource: str, *, include: str | None = None, convert: bool = False, **params: Any
    ) -> Iterator[Any]:
        """Yield every row of `resource` that `params` select, a page at a time, as they are asked for.

        With `include` they are LinkedRow, whose links can be followed. With `convert`, `T` and `F`,
        dates and times are those of Python.
        """
        return self._walk(_pages(resource, include=include, convert=convert, params=params))

    def changes(
        self,
        resource: str,
        *,
        since: datetime | None,
        stamp: str | None = None,
        include: str | None = None,
        convert: bool = False,
        **params: Any,
    ) -> Changes[Any]:
        """Walk through the rows of `resource` that were changed at or after `since`, oldest first.

        Each row comes once, though rows move between pages meanwhile; one that changes again while you
        walk comes in the next walk. Pass its `next_since` to that one. None means all rows.

        Raises ValueError where Actionstep does not publish when a row was changed; `stamp` names the
        member that says it in a resource that this package does not know.
        """
        course = Course(
            resource, since=since, stamp=stamp, include=include, convert=convert, params=params
        )
        return Changes(self._walk(course.steps()), course)


class AsyncWalks(AsyncConversing):
    """The walks of `AsyncActionstepClient`."""

    def aiterate(
        self, resource: str, *, include: str | None = None, convert: bool = False, **params: Any
    ) -> AsyncIterator[Any]:
        """Do what `ActionstepClient.iterate` does, in async code."""
        return self._walk(_pages(resource, include=include, convert=convert, params=params))

    def achanges(
        self,
        resource: str,
        *,
        since: datetime | None,
        stamp: str | None = None,
        include: str | None = None,
        convert: bool = False,
        **params: Any,
    ) -> AsyncChanges[Any]:
        """Do what `ActionstepClient.changes` does, in async code."""
        course = Course(
            resource, since=since, stamp=stamp, include=include, convert=convert, params=params
        )
        return AsyncChanges(self._walk(course.steps()), course)


def count(resource: str, params: Mapping[str, Any]) -> Steps[int]:
    """Return how many rows of `resource` `params` select."""
    url, selection = address_of(resource, params)
    answer = yield Ask("GET", url, {"params": selection.set("pageSize", 1)})
    return count_of(answer.response, token=answer.token)


def _pages(
    resource: str, *, include: str | None, convert: bool, params: dict[str, Any]
) -> Walking[None]:
    pages = Walk(resource, {**params, "include": include})
    shaping = Shaping(include, convert=convert)
    while pages.url is not None:
        answer = yield Ask("GET", pages.url, {"params": pages.params})
        rows = pages.rows(answer.response, token=answer.token)
        yield shaping.rows(pages.name, rows, pages.payload)
