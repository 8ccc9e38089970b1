"""Files from Actionstep, in parts, whole or not at all. No more than a piece is held in memory."""

import random
import re
import time
from collections.abc import Mapping
from math import ceil
from typing import Any
from urllib.parse import quote

import httpx2

from actionstep_connect.client.answers import page_of, whole_number
from actionstep_connect.client.conversation import Answer, Ask, Fetch, FileSteps, Pause, Run
from actionstep_connect.client.files import PART_SIZE, Progress, Target, Writable
from actionstep_connect.client.refusals import unusable
from actionstep_connect.client.retries import (
    ATTEMPTS,
    FIRST_WAIT,
    JITTER,
    LOST,
    MAX_PAUSE,
    TRANSIENT,
)
from actionstep_connect.exceptions import (
    ActionstepPermissionDenied,
    ApiError,
    ScopeNotGranted,
    TemporarilyUnavailable,
    TransferInterrupted,
)

#: What answers where a part is asked for behind the last.
_NO_PART = frozenset({404, 416})

_DOCUMENT = re.compile(r"(DL::Actions|CD::Contacts)::[^:]+::(\d+)")
_DOCUMENTS = {"DL::Actions": "actiondocuments", "CD::Contacts": "contactdocuments"}
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})")


def download(
    file: str | Mapping[str, Any],
    to: Writable,
    *,
    size: int | None,
    progress: Progress | None,
    max_wait: float,
) -> FileSteps[int]:
    """Write the file of a document to `to`, and return how many bytes it has."""
    said = file if isinstance(file, str) else file.get("file") or ""
    key = str(said).partition(";")[0]
    if not key:
        raise ValueError("The row does not say its file: ask for it with fields=':default,file'.")
    target = Target(to)
    if size is None:
        size = yield from _size_of(key, file)
    try:
        yield Run(target.open)
        way = _Download(f"files/{quote(key, safe=':')}", target, size, max_wait)
        while not way.is_complete:
            yield from way.fetch_part()
            if progress is not None:
                progress(way.received, size)
        yield Run(target.commit)
    finally:
        target.discard()
    return way.received


def _size_of(key: str, file: str | Mapping[str, Any]) -> FileSteps[int | None]:
    if not isinstance(file, str) and "fileSize" in file:
        return whole_number(file["fileSize"])
    if (document := _DOCUMENT.fullmatch(key)) is None:
        return None
    url = f"{_DOCUMENTS[document[1]]}/{document[2]}"
    try:
        answer: Answer = yield Ask("GET", url, {"params": {"fields": "fileSize"}})
    except (ScopeNotGranted, ActionstepPermissionDenied):
        return None  # The file itself needs another scope.
    for row in page_of(answer.response, token=answer.token).rows:
        return whole_number(row.get("fileSize"))
    return None


class _Download:
    """How far one download has come. Whatever the size of a part, parts follow until all is there."""

    def __init__(self, url: str, target: Target, size: int | None, max_wait: float) -> None:
        self._url, self._target, self._size, self._max_wait = url, target, size, max_wait
        self._number = 0
        self.received = 0
        self.is_complete = False

    def fetch_part(self) -> FileSteps[None]:
        """Fetch the next part. Raises TransferInterrupted where the file is cut off."""
        self._number += 1
        left = None if self._size is None else self._size - self.received
        part = _Part(self._target, left)
        try:
            yield from self._fetch(part)
        except ApiError as error:
            is_behind_last = self._size is None and error.status in _NO_PART
            if self._number == 1 or error.status < httpx2.codes.BAD_REQUEST:
                raise
            if not is_behind_last:
                raise self._cut_off(error) from error
        except (*TRANSIENT, TemporarilyUnavailable) as error:
            if not (self.received or part.taken):
                raise
            raise self._cut_off(error) from error
        self.received += part.taken
        if self._size is None:
            # A shorter one is the last, whether Actionstep's parts have 5 MB or 5 MiB.
            self.is_complete = part.taken < PART_SIZE
        elif self.received == self._size:
            self.is_complete = True
        elif not part.taken:
            raise self._cut_off(None)

    def _fetch(self, part: "_Part") -> FileSteps[None]:
        # A client repeats a request whose answer does not begin. Where one ends too early, this does.
        tries, ends_at = 0, time.monotonic() + self._max_wait
        while True:
            before, options = part.taken, part.options(self._number)
            try:
                yield Fetch(self._url, part, options)
            except _UnknownRangeError:
                part.may_ask_for_rest = False
                continue
            except LOST:
                if part.taken > before:
                    tries, ends_at = 0, time.monotonic() + self._max_wait
                tries += 1
                if not part.has_begun or tries >= ATTEMPTS or time.monotonic() >= ends_at:
                    raise
            else:
                return
            wait = min(FIRST_WAIT * 2 ** (tries - 1), MAX_PAUSE)
            yield Pause(wait + random.uniform(0, JITTER))  # noqa: S311 - no secret.

    def _cut_off(self, error: Exception | None) -> TransferInterrupted:
        count = ceil((self._size or 0) / PART_SIZE)
        of = f" of {self._size}" if self._size is not None else ""
        why = f" ({type(error).__name__})" if error is not None else ""
        return TransferInterrupted(
            f"The download was cut off in part {self._number}, after {self.received}{of} bytes"
            f"{why}: download it again.",
            part=self._number,
            part_count=count,
            retry_after=getattr(error, "retry_after", None),
        )


class _UnknownRangeError(Exception):
    """The rest of a part was asked for, and something else came."""


class _Part:
    """One part of a download, which may take several requests."""

    def __init__(self, target: Target, left: int | None) -> None:
        self._target, self._left = target, left
        self._length: int | None = None
        self._skip = 0
        self.taken = 0
        self.has_begun = False
        self.may_ask_for_rest = True
        self._asks_for_rest = False

    def options(self, number: int) -> dict[str, Any]:
        """Return what asks for it, or for the rest of it."""
        self.has_begun = False
        headers = {"Accept": "application/vnd.api+json, */*", "Accept-Encoding": "identity"}
        self._asks_for_rest = bool(self.taken and self._length and self.may_ask_for_rest)
        if self._asks_for_rest:
            headers["Range"] = f"bytes={self.taken}-"
        return {"params": {"part_number": number}, "headers": headers}

    def begin(self, response: httpx2.Response) -> None:
        """Look at where the answer begins. Raises ApiError if it is not the part."""
        status, length = response.status_code, whole_number(response.headers.get("Content-Length"))
        if status == httpx2.codes.PARTIAL_CONTENT and self._asks_for_rest:
            found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if found is None or (int(found[1]), int(found[2])) != (self.taken, self._length):
                raise _UnknownRangeError
            self._skip = 0
        elif status in (httpx2.codes.OK, httpx2.codes.NO_CONTENT):
            if self.taken and length != self._length:
                raise unusable(response, "is another file than before")
            self._length, self._skip = length, self.taken
        else:
            raise unusable(response, f"is no file ({status})")
        if self._left is None and length is None and not _has_end(response):
            raise unusable(response, "does not say how long it is: pass size=")
        self.has_begun = True
        self._response = response

    def take(self, piece: bytes) -> None:
        """Write what was not written before. Raises ApiError beyond the end of the file."""
        if self._skip:
            skipped = min(self._skip, len(piece))
            self._skip -= skipped
            piece = piece[skipped:]
        if self._left is not None and self.taken + len(piece) > self._left:
            raise unusable(self._response, "is longer than the file")
        self._target.write(piece)
        self.taken += len(piece)


def _has_end(response: httpx2.Response) -> bool:
    """Return whether an answer without a length can be seen to be cut off."""
    is_chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
    return is_chunked or response.status_code == httpx2.codes.NO_CONTENT or _is_http2(response)


def _is_http2(response: httpx2.Response) -> bool:
    return response.http_version == "HTTP/2"
