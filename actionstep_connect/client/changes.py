"""What was changed since a moment: ordered, complete although rows move between pages, each row once.

A row that is changed moves to the end of the order, and all rows behind it move up by one place. So
no page but the first is asked for where that can be avoided: the next request asks for what was changed
at or after the last change seen. Where one moment fills more than a page, its pages are read until they
hold nothing new.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any, Generic, Self, TypeVar

import httpx2

from actionstep_connect.client.answers import MAX_PAGE, Page, Row, address_of, page_of
from actionstep_connect.client.conversation import Ask, Walking
from actionstep_connect.client.linked import Shaping

#: Where Actionstep publishes when a row was last changed. No other resource has such a member.
STAMPS: Mapping[str, str] = {
    "actiondocuments": "modifiedTimestamp",
    "actions": "modifiedTimestamp",
    "bills": "modifiedTimestamp",
    "contactdocuments": "modifiedTimestamp",
    "datacollectionrecordvalues": "last_modified_time_stamp",
    "participants": "modifiedTimestamp",
    "tasks": "lastModifiedTimestamp",
}

#: The REST hooks that tell of what cannot be walked.
EVENTS: Mapping[str, tuple[str, ...]] = {
    "actionparticipants": ("ActionParticipantAdded", "ActionParticipantDeleted"),
    "datacollectionrecords": ("DataCollectionRecordUpdated", "DataCollectionRecordDeleted"),
    "disbursements": ("DisbursementCreated", "DisbursementUpdated"),
    "filenotes": ("FileNoteCreated", "FileNoteUpdated"),
    "timeentries": ("TimeEntryCreated", "TimeEntryUpdated"),
}

#: How far back the next walk begins: a change may be stored a while after the moment that it is given.
OVERLAP = timedelta(seconds=30)

#: Where a moment without an offset comes earliest: nothing is passed over by taking it as this.
EARLIEST_ZONE = timezone(timedelta(hours=14))

_OWN_ORDER = frozenset({"sort", "page", "pageSize"})

R = TypeVar("R")


class Course:
    """The way through what was changed: what to ask next, and what was seen."""

    def __init__(
        self,
        resource: str,
        *,
        since: datetime | None,
        stamp: str | None,
        include: str | None,
        convert: bool,
        params: Mapping[str, Any],
    ) -> None:
        self._shaping = Shaping(include, convert=convert)
        url, selection = address_of(resource, {**params, "include": include})
        self._name = url.path.strip("/")
        self._stamp = stamp or _stamp_of(self._name)
        if since is not None and not isinstance(since, datetime):
            raise TypeError("since is a datetime or None: read a stored one with fromisoformat().")
        if since is not None and since.tzinfo is None:
            raise ValueError(
                "since must have a time zone: changes() cannot know whose clock it means."
            )
        if taken := sorted(_OWN_ORDER & set(selection)):
            raise ValueError(f"changes() decides on {taken[0]} itself: leave it out.")
        self._since = _in_utc(since) if since else None
        if since and self._since is None:
            raise ValueError(f"since is {since}, which is no date in UTC: pass None for all rows.")
        self._selection = self._with_stamp(selection)
        self._seen: set[str] = set()
        self._begun: datetime | None = None
        self._newest: datetime | None = None
        self.is_over: bool = False

    @property
    def next_since(self) -> datetime | None:
        """What to pass as `since` next time."""
        begun = self._begun or self._newest
        if begun is None:
            return self._since
        return max(begun - OVERLAP, self._since) if self._since else begun - OVERLAP

    def steps(self) -> Walking[None]:
        """Walk through all changes, the oldest first."""
        first = yield from self._walk_by_stamp()
        if self._since is None and len(self._seen) < first:
            yield from self._walk_by_page()  # Some rows carry no stamp, which no filter finds.
        self.is_over = True

    def _walk_by_stamp(self) -> Walking[int]:
        after, number, is_new, total = self._since, 1, False, None
        while True:
            page = yield from self._page(after, number)
            total = page.record_count if total is None else total
            rows = self._unseen(page.rows)
            is_new = is_new or bool(rows)
            if rows:
                yield self._shaping.rows(self._name, rows, page.payload)
            reached = self._reached(page)
            is_past = reached is not None and (after is None or reached > after)
            if not is_past and not page.is_last:
                number += 1
            elif number > 1 and is_new:
                # Rows of this one moment may have moved from a page not yet read to one that was.
                number, is_new = 1, False
            elif page.is_last:
                return total
            else:
                after, number, is_new = reached, 1, False

    def _walk_by_page(self) -> Walking[None]:
        number, is_new = 1, False
        while True:
            page = yield from self._page(None, number)
            rows = self._unseen(page.rows)
            is_new = is_new or bool(rows)
            if rows:
                yield self._shaping.rows(self._name, rows, page.payload)
            if not page.is_last:
                number += 1
            elif number > 1 and is_new:
                number, is_new = 1, False
            else:
                return

    def _page(self, after: datetime | None, number: int) -> Walking[Page]:
        params = self._selection.merge({"sort": f"{self._stamp},id", "pageSize": MAX_PAGE})
        if after is not None:
            params = params.set(f"{self._stamp}_gteq", _spelt(after))
        if number > 1:
            params = params.set("page", number)
        answer = yield Ask("GET", self._name, {"params": params})
        page = page_of(answer.response, token=answer.token)
        self._begun = self._begun or _moment(page.time) or _moment_of(answer.response)
        return page

    def _unseen(self, rows: list[Row]) -> list[Row]:
        unseen = []
        for row in rows:
            key = str(row.get("id"))
            if key not in self._seen:
                self._seen.add(key)
                unseen.append(row)
        return unseen

    def _reached(self, page: Page) -> datetime | None:
        """Return the newest change of a page. Raises ApiError if its rows have no order."""
        stamps = [stamp for row in page.rows if (stamp := _parsed(row.get(self._stamp)))]
        exact = [stamp for stamp in stamps if stamp.tzinfo]
        if any(first > second for first, second in pairwise(exact)):
            raise page.unusable(f"is not ordered by {self._stamp}, so changes could be missed")
        reached = max((moment for stamp in stamps if (moment := _in_utc(stamp))), default=None)
        if reached is not None:
            self._newest = max(reached, self._newest or reached)
        return reached

    def _with_stamp(self, selection: httpx2.QueryParams) -> httpx2.QueryParams:
        for name in ("fields", f"fields[{self._name}]"):
            if name in selection:
                wanted = dict.fromkeys([*str(selection[name]).split(","), "id", self._stamp])
                selection = selection.set(name, ",".join(wanted))
        return selection


class _Followed:
    """What both clients' walks say once they are over."""

    _course: Course

    @property
    def next_since(self) -> datetime | None:
        """What to pass as `since` next time. Raises RuntimeError until the last row was taken."""
        if not self._course.is_over:
            raise RuntimeError(
                "next_since is known when the last row was taken: walk to the end first."
            )
        return self._course.next_since


class Changes(_Followed, Generic[R]):
    """Rows that were changed, the oldest change first, and what to pass as `since` next time."""

    def __init__(self, rows: Iterator[R], course: Course) -> None:
        self._rows, self._course = rows, course

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> R:
        return next(self._rows)


class AsyncChanges(_Followed, Generic[R]):
    """What `Changes` is, in async code."""

    def __init__(self, rows: AsyncIterator[R], course: Course) -> None:
        self._rows, self._course = rows, course

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R:
        return await anext(self._rows)


def _stamp_of(resource: str) -> str:
    if stamp := STAMPS.get(resource):
        return stamp
    hooks = EVENTS.get(resource)
    advice = f"register REST hooks ({', '.join(hooks)})" if hooks else "compare all of its rows"
    raise ValueError(
        f"Actionstep does not publish when rows of {resource!r} were changed, so changes() cannot find "
        f"them: {advice}. If there is a member that says it, name that as stamp."
    )


def _spelt(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moment(value: object) -> datetime | None:
    parsed = _parsed(value)
    return _in_utc(parsed) if parsed else None


def _parsed(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _in_utc(moment: datetime) -> datetime | None:
    """Return `moment` to the second, as Actionstep keeps it."""
    try:
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=EARLIEST_ZONE)
        return zoned.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        return None


def _moment_of(response: httpx2.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return None
