"""Files to Actionstep, in parts, and documents of them. No more than a part is held in memory.

Part sizes, addresses and refused types are documented. What Actionstep says while it looks for viruses
is not: a document is asked for again while the refusal speaks of a scan.
"""

import re
import time
from collections.abc import Mapping
from functools import partial
from math import ceil
from typing import Any
from urllib.parse import quote

from actionstep_connect.client.answers import Row, json_object_of, page_of
from actionstep_connect.client.conversation import Answer, Ask, FileSteps, Pause, Run
from actionstep_connect.client.files import PART_SIZE, Progress, Readable, Source, checked_name
from actionstep_connect.client.refusals import unusable
from actionstep_connect.client.retries import REPEATS, TRANSIENT, Repeats
from actionstep_connect.client.values import as_json
from actionstep_connect.error_codes import ErrorCode
from actionstep_connect.exceptions import (
    ApiError,
    FileRefused,
    TemporarilyUnavailable,
    TransferInterrupted,
)

SCAN_INTERVAL = 2.0  # seconds between two tries to make a document of a file that is being scanned
#: What a refusal says of a file that is still being scanned; the words are a guess.
_SCANNING = re.compile(
    r"being scanned|scanning|quarantine|not (yet )?(been )?scanned", re.IGNORECASE
)

#: What is said of a file, or of a part of it, that is not taken.
_REFUSALS = frozenset({400, 413, 415, 422})
_NOT_FOUND = 404

_RESUME = re.compile(r"(\d{1,6})/(\d{1,6});(\d{1,18});([0-9a-f]{1,8});(.+)")


def upload(file: Readable, *, name: str, resume: str, progress: Progress | None) -> FileSteps[str]:
    """Upload `file`, and return what a document takes as its `file`."""
    name = checked_name(file, name)
    source = Source(file)
    try:
        yield Run(source.open)
        way = _Upload(name, max(1, ceil(source.size / PART_SIZE)))
        if resume:
            yield from way.go_on(source, resume)
        while way.done < way.count:
            start = way.done * PART_SIZE
            length = min(PART_SIZE, source.size - start)
            part: bytes = yield Run(partial(source.read, start, length))
            yield from way.send(part, source)
            del part
            if progress is not None:
                progress(start + length, source.size)
    finally:
        source.close()
    return f"{way.key};{name}"


class _Upload:
    """How far one upload has come."""

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._is_resumed = False
        self.count = count
        self.done = 0
        self.key = ""

    def go_on(self, source: Source, resume: str) -> FileSteps[None]:
        """Begin behind the parts that arrived. Raises ValueError if `source` is another file."""
        said = _RESUME.fullmatch(resume)
        if said is None:
            raise ValueError("resume is not what a TransferInterrupted carries.")
        done, count, size = map(int, said.group(1, 2, 3))
        if (size, count) == (source.size, self.count) and done < count:
            found = yield Run(partial(source.checksum, done * PART_SIZE))
            if f"{found:x}" == said[4]:
                self.done, self.key, self._is_resumed = done, said[5], True
                return
        raise ValueError("This is not the file whose upload was interrupted: upload it again.")

    def send(self, part: bytes, source: Source) -> FileSteps[None]:
        """Send the next part. It may be sent twice, because it takes its own place."""
        number, repeats = self.done + 1, Repeats()
        url = f"files/{quote(self.key, safe=':')}" if self.key else "files"
        options = {
            "params": {"part_number": number, "part_count": self.count},
            "files": {"file": (self._name, part)},
            "extensions": {REPEATS: repeats},
        }
        try:
            answer: Answer = yield Ask("POST", url, options)
            self._keep(answer)
        except ApiError as error:
            if error.status in _REFUSALS:
                said = f": {error.detail}" if error.detail else "."
                raise FileRefused(f"Actionstep refused the file{said}", error.detail) from error
            is_last_again = number == self.count > 1 and (repeats.count or self._is_resumed)
            if not (error.status == _NOT_FOUND and is_last_again):
                yield from self._stop(error, source)
            # It had arrived before, so that the upload lacks no part. Else no document will take it.
        except (*TRANSIENT, TemporarilyUnavailable) as error:
            yield from self._stop(error, source)
        self.done, self._is_resumed = number, False

    def _keep(self, answer: Answer) -> None:
        if self.key:
            json_object_of(answer.response, token=answer.token)
            return
        [row] = page_of(answer.response, token=answer.token).rows or [{}]
        if not (key := row.get("id")) or not isinstance(key, str | int):
            raise unusable(answer.response, "names no file")
        self.key = str(key)

    def _stop(self, error: Exception, source: Source) -> FileSteps[None]:
        """Raise what an interrupted upload ends in: `error` itself while nothing has arrived."""
        if not self.done:
            raise error
        resume = ""
        if not (isinstance(error, ApiError) and error.status == _NOT_FOUND):
            found = yield Run(partial(source.checksum, self.done * PART_SIZE))
            resume = f"{self.done}/{self.count};{source.size};{found:x};{self.key}"
        hint = "Go on with resume=." if resume else "Actionstep has lost the others: begin again."
        raise TransferInterrupted(
            f"Part {self.done + 1} of {self.count} did not arrive ({type(error).__name__}). {hint}",
            part=self.done + 1,
            part_count=self.count,
            resume=resume,
            retry_after=getattr(error, "retry_after", None),
        ) from error


def links_of(*, action: Any, participant: Any, folder: Any) -> dict[str, Any]:
    """Return what a document is linked to. Raises TypeError unless it is a matter or a contact."""
    if (action is None) == (participant is None):
        raise TypeError("Name where the document belongs: pass action or participant, one of both.")
    owner = {"participant": participant} if action is None else {"action": action}
    return owner if folder is None else {**owner, "folder": folder}


def attach(
    file: str, links: Mapping[str, Any], members: Mapping[str, Any], *, max_wait: float
) -> FileSteps[Row]:
    """Make a document of an uploaded `file`, as soon as it has been scanned, and return its row."""
    resource = "actiondocuments" if "action" in links else "contactdocuments"
    row = as_json(
        {"name": file.partition(";")[2], "file": file, **members, "links": links}, resource
    )
    ends_at = time.monotonic() + max_wait
    while True:
        try:
            answer: Answer = yield Ask("POST", resource, {"json": {resource: row}})
        except ApiError as error:
            if error.status not in _REFUSALS or not _SCANNING.search(error.detail):
                raise
            if time.monotonic() + SCAN_INTERVAL > ends_at:
                raise TemporarilyUnavailable(
                    "Actionstep is still scanning the file: attach it again later.",
                    code=ErrorCode.SCANNING,
                    retry_after=max(max_wait, SCAN_INTERVAL),
                ) from error
        else:
            for made in page_of(answer.response, token=answer.token).rows:
                return made
            raise unusable(answer.response, "shows no document")
        yield Pause(SCAN_INTERVAL)
