"""`upload`, `attach` and `download`: in parts, whole or not at all, and the same in async code."""

import asyncio
import io
import mmap
import os
import pickle
import stat
import threading
import traceback
import tracemalloc
from array import array
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
from django.core.files.base import File
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext_lazy

from actionstep_connect.api import AsyncActionstepClient
from actionstep_connect.client.files import PART_SIZE, REFUSED_TYPES
from actionstep_connect.exceptions import (
    ApiError,
    FileRefused,
    RateLimited,
    ReconnectRequired,
    ScopeNotGranted,
    TemporarilyUnavailable,
    TransferInterrupted,
    UntrustedHost,
)
from actionstep_connect.models import Connection
from actionstep_connect.testing import Sandbox
from tests.support.api_calls import Clock
from tests.support.both_clients import Caller, connection_to_all
from tests.support.connections import make_connection, make_user
from tests.support.documents import module_of
from tests.support.hostile_server import Answer, HostileServer

PAGE = "docs/client/files.md"
PDF = b"%PDF-1.7\n" + b"words " * 300
LARGE = PDF + os.urandom(2 * PART_SIZE + 1000)
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
DOCUMENT = "DL::Actions::15::127"
MIB = 2**20


class Pipe(io.RawIOBase):
    """A source of bytes that can be read once, a few at a time, as from a socket."""

    def __init__(self, content: bytes) -> None:
        self._left = io.BytesIO(content)

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return less than was asked for."""
        return self._left.read(min(size, 70_000))


class AsyncReader:
    """A file whose `read` is awaited, as Starlette's uploads are."""

    def __init__(self, content: bytes) -> None:
        self._left = io.BytesIO(content)

    async def read(self, size: int) -> bytes:
        """Return the next bytes."""
        return self._left.read(size)


def pieces(content: bytes) -> Iterator[bytes]:
    """Yield `content` bit by bit."""
    for start in range(0, len(content), 999_999):
        yield content[start : start + 999_999]


async def apieces(content: bytes) -> AsyncIterator[bytes]:
    """Yield `content` bit by bit, in async code."""
    for piece in pieces(content):
        yield piece


def posts(sandbox: Sandbox) -> list[int | None]:
    """Return the statuses of the parts that the sandbox was sent, the oldest first."""
    sent = [each for each in sandbox.activity() if each.resource.startswith("files")]
    return [each.status for each in reversed(sent)]


def back(caller: Caller, file: str, folder: Path) -> bytes:
    """Make a document of an upload, and return what is downloaded of it."""
    row = caller("attach", file, action=15)
    target = folder / "back"
    assert caller("download", f"DL::Actions::15::{row['id']}", target) == target.stat().st_size
    return target.read_bytes()


@pytest.mark.parametrize(
    "content",
    [PDF, LARGE, LARGE[: 2 * PART_SIZE], PDF[:0]],
    ids=["small", "large", "even", "empty"],
)
def test_a_file_goes_up_in_parts_and_comes_back(
    caller: Caller, actionstep_sandbox: Sandbox, tmp_path: Path, content: bytes
) -> None:
    """It takes as many parts as it must, and is what it was."""
    path = tmp_path / "lease.pdf"
    path.write_bytes(content)
    told: list[tuple[int, int | None]] = []
    file = caller("upload", path, progress=lambda *said: told.append(said))
    assert file.endswith(";lease.pdf")
    count = max(1, -(-len(content) // PART_SIZE))
    assert posts(actionstep_sandbox) == [200] * count
    assert (len(told), told[-1]) == (count, (len(content), len(content)))
    assert back(caller, file, tmp_path) == content


@pytest.mark.parametrize("kind", ["text path", "bytes", "file", "upload", "pipe", "pieces"])
def test_any_readable_is_taken(caller: Caller, tmp_path: Path, kind: str) -> None:
    """A path, bytes, a file object from its beginning, what a form brought, and what is read once."""
    path = tmp_path / "lease.pdf"
    path.write_bytes(LARGE)
    with path.open("rb") as file:
        file.read(100)
        given: dict[str, Any] = {
            "text path": str(path),
            "bytes": LARGE,
            "file": file,
            "upload": SimpleUploadedFile("lease.pdf", LARGE),
            "pipe": Pipe(LARGE),
            "pieces": pieces(LARGE),
        }
        has_name = kind in ("text path", "file", "upload")
        said = {} if has_name else {"name": "lease.pdf"}
        uploaded = caller("upload", given[kind], **said)
        assert not file.closed
    assert uploaded.endswith(";lease.pdf")
    assert back(caller, uploaded, tmp_path) == LARGE


class OnlyRead:
    """A file object of a library that has `read`, and nothing else."""

    def __init__(self, content: bytes) -> None:
        self.read = io.BytesIO(content).read


def mapped(path: Path) -> Any:
    """Return the file at `path` as memory."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


@pytest.mark.parametrize(
    "make",
    [
        mapped,
        lambda path: OnlyRead(path.read_bytes()),
        lambda path: bytearray(path.read_bytes()),
        lambda path: array("B", path.read_bytes()),
        lambda path: memoryview(array("B", path.read_bytes())),
        lambda path: memoryview(
            bytes(byte for pair in zip(PDF, PDF, strict=True) for byte in pair)
        )[::2],
    ],
    ids=["mmap", "only read", "bytearray", "array", "wide view", "view with gaps"],
)
def test_memory_and_odd_files_are_taken_too(caller: Caller, tmp_path: Path, make: Any) -> None:
    """Whatever holds or gives bytes: memory of any shape, and files that cannot do all that others can."""
    path = tmp_path / "lease.pdf"
    path.write_bytes(PDF)
    file = caller("upload", make(path), name="lease.pdf")
    assert back(caller, file, tmp_path) == PDF


def test_a_path_may_lead_to_a_pipe(caller: Caller, tmp_path: Path) -> None:
    """As `/dev/stdin` does: it is read once, and its length is known at its end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(PDF,))
    writer.start()
    file = caller("upload", pipe, name="lease.pdf")
    writer.join()
    assert back(caller, file, tmp_path) == PDF


@pytest.mark.parametrize("source", [apieces, AsyncReader], ids=["pieces", "reader"])
def test_async_code_takes_what_gives_bytes_there(
    actionstep_sandbox: Sandbox, transactional_db: None, tmp_path: Path, source: Any
) -> None:
    """An async iterator, such as another answer, and a file whose `read` is awaited."""
    caller = Caller(connection_to_all(actionstep_sandbox), is_async=True)
    file = caller("upload", source(LARGE), name="lease.pdf")
    assert back(caller, file, tmp_path) == LARGE


def test_what_cannot_be_uploaded_is_a_mistake(caller: Caller, tmp_path: Path) -> None:
    """Text, no name, and a name with a slash: nothing is sent."""
    path = tmp_path / "lease.txt"
    path.write_text("words")
    with path.open() as text, pytest.raises(TypeError, match="mode 'rb'"):
        caller("upload", text)
    with pytest.raises(TypeError, match="bytes"):
        caller("upload", iter(["words"]), name="lease.txt")
    for name in ("", "a/b.txt", "a\nb.txt", "x" * 256, ".", " ", "\udcff.txt"):
        with pytest.raises(ValueError, match="name"):
            caller("upload", b"words", name=name)
    with pytest.raises(FileNotFoundError):
        caller("upload", tmp_path / "nowhere.txt")


@pytest.mark.parametrize("extension", sorted(REFUSED_TYPES))
def test_refused_types_are_refused_before_a_byte_is_sent(
    caller: Caller, actionstep_sandbox: Sandbox, tmp_path: Path, extension: str
) -> None:
    """Also in capitals, and whether the file exists or not."""
    with pytest.raises(FileRefused, match=extension):
        caller("upload", tmp_path / f"letter.{extension.upper()}")
    assert actionstep_sandbox.activity() == []


@pytest.mark.parametrize("name", ["a.exe.", "a.exe ", "a.exe. .", ".bat", "a.txt.JS.vbs"])
def test_no_spelling_of_a_refused_type_is_sent(
    caller: Caller, actionstep_sandbox: Sandbox, name: str
) -> None:
    """Windows takes dots and spaces off the end of a name, and runs what is left."""
    with pytest.raises(FileRefused):
        caller("upload", b"MZ", name=name)
    assert posts(actionstep_sandbox) == []


def test_a_name_may_be_lazy_or_a_path(caller: Caller, tmp_path: Path) -> None:
    """Whatever is text in the end; a path that is bytes has a name as well."""
    path = tmp_path / "lease.pdf"
    path.write_bytes(PDF)
    for given, name in (
        (path, gettext_lazy("lease.pdf")),
        (path, Path("lease.pdf")),
        (AsBytes(path), ""),
    ):
        assert caller("upload", given, name=name).endswith(";lease.pdf")


class AsBytes:
    """A path as file systems have it."""

    def __init__(self, path: Path) -> None:
        self._path = os.fsencode(path)

    def __fspath__(self) -> bytes:
        return self._path


def test_what_actionstep_refuses_says_why(caller: Caller, actionstep_sandbox: Sandbox) -> None:
    """A signature that does not match is refused at the upload, a virus at the document."""
    with pytest.raises(FileRefused, match="signature") as caught:
        caller("upload", b"words", name="lease.pdf")
    assert "signature" in caught.value.detail
    assert isinstance(caught.value.__cause__, ApiError)
    file = caller("upload", EICAR, name="a.txt")
    with pytest.raises(ApiError, match="virus"):
        caller("attach", file, action=15)


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", 503, 429])
@pytest.mark.parametrize("part", [1, 2, 3])
def test_a_part_that_is_lost_is_repeated(
    caller: Caller,
    actionstep_sandbox: Sandbox,
    clock: Clock,
    tmp_path: Path,
    fault: Any,
    part: int,
) -> None:
    """Whichever it is and whether it had arrived or not: the file is whole."""
    actionstep_sandbox.fail("api", fault, skip=part - 1, resource="files")
    file = caller("upload", LARGE, name="lease.pdf")
    assert len(posts(actionstep_sandbox)) == 4
    assert back(caller, file, tmp_path) == LARGE


def test_a_storm_of_429_within_an_upload_is_waited_out(
    caller: Caller, actionstep_sandbox: Sandbox, clock: Clock, tmp_path: Path
) -> None:
    """Each part waits for as long as it is told to."""
    for skip in (0, 1, 2):
        actionstep_sandbox.fail("api", 429, retry_after=7, times=2, skip=skip, resource="files")
    file = caller("upload", LARGE, name="lease.pdf")
    assert clock.waits
    assert all(7 <= wait <= 8 for wait in clock.waits)
    actionstep_sandbox.clear_faults()
    assert back(caller, file, tmp_path) == LARGE


@pytest.mark.parametrize("fault", [429, 503, "drop_before", "drop_after"])
@pytest.mark.parametrize("part", [2, 3])
def test_an_interrupted_upload_says_where_and_goes_on(
    caller: Caller,
    actionstep_sandbox: Sandbox,
    clock: Clock,
    tmp_path: Path,
    fault: Any,
    part: int,
) -> None:
    """The error names the part and survives JSON and pickle; only what is missing is sent again."""
    actionstep_sandbox.fail("api", fault, times=None, skip=part - 1, resource="files")
    with pytest.raises(TransferInterrupted, match=f"Part {part} of 3") as caught:
        caller("upload", LARGE, name="lease.pdf")
    actionstep_sandbox.clear_faults()
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.part, error.part_count) == (part, 3)
    before = len(posts(actionstep_sandbox))
    file = caller("upload", LARGE, name="lease.pdf", resume=error.resume)
    assert len(posts(actionstep_sandbox)) == before + 4 - part
    assert back(caller, file, tmp_path) == LARGE


def test_the_error_says_when(caller: Caller, actionstep_sandbox: Sandbox, clock: Clock) -> None:
    """`retry_after` is what Actionstep said; while nothing has arrived it is RateLimited itself."""
    actionstep_sandbox.fail("api", 429, retry_after=300, skip=1, resource="files")
    with pytest.raises(TransferInterrupted) as caught:
        caller("upload", LARGE, name="lease.pdf")
    assert (caught.value.retry_after, type(caught.value.__cause__)) == (300, RateLimited)
    clock.now += 301
    actionstep_sandbox.fail("api", 429, retry_after=300, resource="files")
    with pytest.raises(RateLimited):
        caller("upload", LARGE, name="lease.pdf")


def test_another_file_is_not_joined_to_the_first(
    caller: Caller, actionstep_sandbox: Sandbox, clock: Clock
) -> None:
    """`resume` is for the same bytes: another length, other contents and nonsense are refused."""
    actionstep_sandbox.fail("api", 503, times=None, skip=1, resource="files")
    with pytest.raises(TransferInterrupted) as caught:
        caller("upload", LARGE, name="lease.pdf")
    resume, before = caught.value.resume, len(posts(actionstep_sandbox))
    for other in (LARGE + b"x", PDF[:-1] + b"X" + LARGE[len(PDF) :], PDF):
        with pytest.raises(ValueError, match="not the file"):
            caller("upload", other, name="lease.pdf", resume=resume)
    with pytest.raises(ValueError, match="resume"):
        caller("upload", LARGE, name="lease.pdf", resume="nonsense")
    assert len(posts(actionstep_sandbox)) == before


def test_an_upload_that_actionstep_has_lost_begins_again(
    caller: Caller, actionstep_sandbox: Sandbox, clock: Clock
) -> None:
    """404 for a part in the middle: there is no `resume`, and the error says so."""
    actionstep_sandbox.fail("api", 404, skip=1, resource="files")
    with pytest.raises(TransferInterrupted, match="begin again") as caught:
        caller("upload", LARGE, name="lease.pdf")
    assert caught.value.resume == ""


def test_what_only_the_user_can_cure_is_raised_as_it_is(
    caller: Caller, actionstep_sandbox: Sandbox
) -> None:
    """A connection that ends on the way is ReconnectRequired, so that a view sends its user there."""
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    # A token so young would not be replaced.
    Connection.objects.update(connected_at=long_ago, last_refreshed_at=long_ago)
    caller.connection.refresh_from_db()
    with pytest.raises(ReconnectRequired):
        caller("upload", LARGE, name="lease.pdf", progress=lambda *_: actionstep_sandbox.revoke())


def test_a_document_waits_for_the_scan(
    caller: Caller, actionstep_sandbox: Sandbox, clock: Clock, tmp_path: Path
) -> None:
    """It is tried again while the file is scanned; the error says that it still is."""
    actionstep_sandbox.change_options(scan_seconds=3600)
    file = caller("upload", PDF, name="lease.pdf")
    with pytest.raises(TemporarilyUnavailable, match="scanning") as caught:
        caller("attach", file, action=15, max_wait=30)
    assert (caught.value.code, caught.value.retry_after) == ("scanning", 30)
    assert 20 <= sum(clock.waits) <= 30
    waits = len(clock.waits)
    with pytest.raises(TemporarilyUnavailable):
        caller("attach", file, action=15, max_wait=0)
    assert len(clock.waits) == waits
    actionstep_sandbox.change_options(scan_seconds=0)
    assert caller("attach", file, action=15, name="Lease")["name"] == "Lease"


def test_documents_belong_to_matters_and_contacts(caller: Caller, tmp_path: Path) -> None:
    """Of a row from `iterate` the file is known; one of the owners must be named."""
    file = caller("upload", PDF, name="passport.pdf")
    row = caller("attach", file, participant=12, summary="As of 2026")
    assert (row["file"], row["summary"]) == (f"CD::Contacts::12::{row['id']}", "As of 2026")
    assert caller("download", row, tmp_path / "passport.pdf") == len(PDF)
    with pytest.raises(TypeError, match="action or participant"):
        caller("attach", file)
    rows = caller.rows("iterate", "actiondocuments", fields=":default,file", action=15)
    buffer = io.BytesIO()
    assert caller("download", rows[0], buffer) == rows[0]["fileSize"] == len(buffer.getvalue())
    with pytest.raises(ValueError, match="fields"):
        caller("download", {"id": 7}, buffer)


def test_a_download_needs_no_scope_but_files(
    actionstep_sandbox: Sandbox, transactional_db: None, tmp_path: Path
) -> None:
    """Where the size cannot be looked up, the parts themselves say where they end."""
    to_all = Caller(connection_to_all(actionstep_sandbox), is_async=False)
    [row] = to_all.rows("iterate", "actiondocuments", id=1, fields="file,fileSize")
    for is_async in (False, True):
        connection = connection_to_all(actionstep_sandbox, "files")
        caller = Caller(connection, is_async=is_async)
        assert caller("download", row["file"], tmp_path / "a") == row["fileSize"]
        with pytest.raises(ApiError, match="404"):
            caller("download", "DL::Actions::1::999999", tmp_path / "b")
        with pytest.raises(ScopeNotGranted):
            caller("attach", "x;y.txt", action=1)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a"]


def test_the_page_is_run(
    caller: Caller, actionstep_sandbox: Sandbox, clock: Clock, tmp_path: Path
) -> None:
    """Its examples file what they are given, fetch it, and go on after an interruption."""
    path = tmp_path / "lease.pdf"
    path.write_bytes(LARGE)
    leases = module_of("leases.py", PAGE)
    key = leases.file_lease(caller.connection, path, 15)
    (folder := tmp_path / "fetched").mkdir()
    leases.fetch_documents(caller.connection, 15, folder)
    assert (folder / f"{key}.pdf").read_bytes() == LARGE
    file_passport = module_of("leases_async.py", PAGE).file_passport
    row = asyncio.run(file_passport(caller.connection, SimpleUploadedFile("a.pdf", PDF), 12))
    assert row["fileSize"] == len(PDF)
    send, waits = module_of("nightly.py", PAGE).send, list[tuple[float, str]]()
    before = len(posts(actionstep_sandbox))
    actionstep_sandbox.fail("api", 429, retry_after=90, skip=2, resource="files")
    send(caller.connection, path, 15, again=lambda *said: waits.append(said))
    [(seconds, resume)] = waits
    assert seconds == 90
    clock.now += seconds
    send(caller.connection, path, 15, again=waits.append, resume=resume)
    assert posts(actionstep_sandbox)[before:] == [200, 200, 429, 200]
    assert len(waits) == 1


# What the sandbox does not do: answers that are cut off.


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def hostile(
    request: pytest.FixtureRequest, server: HostileServer, transactional_db: None
) -> Caller:
    """Return a way to call the scripted server with either client."""
    return Caller(make_connection(make_user(), granted_scopes=["all"]), is_async=request.param)


def cut(content: bytes, length: int, **headers: str) -> Answer:
    """Return an answer that hangs up after `content`, though it said that `length` bytes come."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    status = "206 Partial Content" if "Content_Range" in headers else "200 OK"
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {length}", *lines, "", ""])
    return Answer(raw=head.encode() + content)


def whole(content: bytes) -> Answer:
    """Return an answer that holds all of `content`."""
    return Answer(body=content, headers={"Content-Type": "application/octet-stream"})


def ranged(content: bytes, start: int, size: int) -> Answer:
    """Return the rest of a part, from `start` on."""
    said = f"bytes {start}-{size - 1}/{size}"
    return Answer(status=206, body=content[start:], headers={"Content-Range": said})


def test_the_rest_of_a_part_is_asked_for(
    hostile: Caller, server: HostileServer, clock: Clock, tmp_path: Path
) -> None:
    """Cut off twice, it goes on where it ended."""
    size = len(PDF)
    server.script([cut(PDF[:500], size), cut(b"", size), ranged(PDF, 500, size)])
    assert hostile("download", DOCUMENT, tmp_path / "a.pdf", size=size) == size
    assert (tmp_path / "a.pdf").read_bytes() == PDF
    assert [each.headers.get("Range") for each in server.requests] == [
        None,
        "bytes=500-",
        "bytes=500-",
    ]
    assert {each.target for each in server.requests} == {
        f"/api/rest/files/{DOCUMENT}?part_number=1"
    }


@pytest.mark.parametrize(
    "other",
    [ranged(PDF, 400, len(PDF)), ranged(PDF, 500, len(PDF) + 9), Answer(status=206, body=PDF)],
    ids=["other start", "other size", "no range"],
)
def test_a_range_that_is_not_heeded_does_no_harm(
    hostile: Caller, server: HostileServer, clock: Clock, tmp_path: Path, other: Answer
) -> None:
    """The whole part serves too, and a range that means something else is not believed."""
    size = len(PDF)
    server.script([cut(PDF[:500], size), whole(PDF)])
    assert hostile("download", DOCUMENT, tmp_path / "a.pdf", size=size) == size
    assert (tmp_path / "a.pdf").read_bytes() == PDF
    server.script([cut(PDF[:500], size), other, whole(PDF)])
    assert hostile("download", DOCUMENT, tmp_path / "b.pdf", size=size) == size
    assert (tmp_path / "b.pdf").read_bytes() == PDF
    assert "Range" not in server.requests[-1].headers


@pytest.mark.parametrize(
    "answers",
    [
        [cut(PDF[:500], len(PDF))],
        [whole(PDF[:-1]), Answer(status=404)],
        [whole(PDF[:-1]), whole(b"")],
        [whole(PDF[:-1]), Answer(status=204)],
        [whole(PDF[:-1]), Answer(status=503)],
        [whole(PDF[:-1]), Answer(status=429, headers={"Retry-After": "300"})],
        [whole(PDF[:-1]), Answer(drop=True)],
        [Answer(raw=b"HTTP/1.1 200 OK\r\n\r\n" + PDF[:500]), Answer(status=404)],
        [Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n%PDF-\r\n")],
    ],
    ids=["cut", "404", "empty", "204", "503", "429", "lost", "no length", "chunked"],
)
def test_a_download_that_is_cut_off_is_never_a_short_file(
    hostile: Caller, server: HostileServer, clock: Clock, tmp_path: Path, answers: list[Answer]
) -> None:
    """It is an error, what was there before stays, and nothing else is left."""
    server.script(answers[:-1])
    server.answer(**vars(answers[-1]))
    target = tmp_path / "a.pdf"
    target.write_bytes(b"before")
    with pytest.raises(TransferInterrupted, match="cut off") as caught:
        hostile("download", DOCUMENT, target, size=len(PDF))
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]
    assert caught.value.part == len(answers)
    assert caught.value.resume == ""
    assert caught.value.retry_after in (None, 300)
    assert len(server.requests) <= 10


@pytest.mark.parametrize(
    "answer",
    [
        whole(PDF + b"x"),
        Answer(status=307, headers={"Location": "https://files.example/a"}),
        Answer(status=206, body=PDF),
        Answer(status=404),
    ],
    ids=["longer", "redirect", "unasked range", "404"],
)
def test_another_answer_is_no_file(
    hostile: Caller, server: HostileServer, clock: Clock, tmp_path: Path, answer: Answer
) -> None:
    """It is an error at once, and there is no file."""
    server.answer(**vars(answer))
    with pytest.raises(ApiError):
        hostile("download", DOCUMENT, tmp_path / "a.pdf", size=len(PDF))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_changes_on_the_way_is_not_joined(
    hostile: Caller, server: HostileServer, clock: Clock, tmp_path: Path
) -> None:
    """The part has another length the second time."""
    server.script([cut(PDF[:500], len(PDF)), whole(PDF + b"x")])
    with pytest.raises(ApiError, match="another file"):
        hostile("download", DOCUMENT, tmp_path / "a.pdf", size=len(PDF))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", [PART_SIZE, 5 * MIB, len(LARGE)], ids=["MB", "MiB", "all at once"])
@pytest.mark.parametrize("size", [len(LARGE), None], ids=["known", "unknown"])
def test_parts_may_have_any_size(
    hostile: Caller, server: HostileServer, tmp_path: Path, part: int, size: int | None
) -> None:
    """Whether Actionstep's megabytes are thousands or not, the file is whole."""
    server.script(whole(LARGE[at : at + part]) for at in range(0, len(LARGE), part))
    server.answer(status=404)
    assert hostile("download", "EM::Emails::1::1", tmp_path / "a", size=size) == len(LARGE)
    assert (tmp_path / "a").read_bytes() == LARGE


def test_a_size_that_nobody_knows_needs_an_end(
    hostile: Caller, server: HostileServer, tmp_path: Path
) -> None:
    """An answer that could be cut off unseen is refused, unless the size is passed."""
    server.answer(raw=b"HTTP/1.1 200 OK\r\n\r\n" + PDF)
    with pytest.raises(ApiError, match="pass size="):
        hostile("download", "EM::Emails::1::1", tmp_path / "a")
    assert hostile("download", "EM::Emails::1::1", tmp_path / "a", size=len(PDF)) == len(PDF)


def test_the_disk_is_asked_before_actionstep(
    hostile: Caller, server: HostileServer, tmp_path: Path
) -> None:
    """A folder, or a path in none: nothing is sent."""
    for path in (tmp_path, tmp_path / "nowhere" / "a.pdf"):
        with pytest.raises(OSError, match=r"folder|No such file"):
            hostile("download", DOCUMENT, path, size=7)
    assert server.requests == []


def test_s39_an_interrupted_transfer_shows_no_token(
    hostile: Caller, server: HostileServer, clock: Clock, tmp_path: Path
) -> None:
    """Neither the error of a download that is cut off nor its frames hold the bearer."""
    server.answer(**vars(cut(PDF[:500], len(PDF))))
    with pytest.raises(TransferInterrupted) as caught:
        hostile("download", DOCUMENT, tmp_path / "a.pdf", size=len(PDF))
    assert server.requests[0].headers["Authorization"] == "Bearer an-access-token"
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "an-access-token" not in "".join(frames.format())


def test_ids_cannot_leave_the_files(hostile: Caller, server: HostileServer, tmp_path: Path) -> None:
    """What a row says is one step of the address, whatever it holds."""
    server.answer(**vars(whole(b"x")))
    hostile("download", "7/8?a=b", tmp_path / "a", size=1)
    assert server.requests[0].target == "/api/rest/files/7%2F8%3Fa%3Db?part_number=1"
    with pytest.raises(UntrustedHost):
        hostile("download", "../users/current", tmp_path / "a", size=1)
    assert len(server.requests) == 1


class AsyncWriter:
    """A file whose `write` is awaited, as those of aiofiles are."""

    async def write(self, _piece: bytes) -> int:
        """Take nothing."""
        return 0


@pytest.mark.parametrize("target", [io.StringIO, AsyncWriter])
def test_what_takes_no_bytes_is_refused_before_anything_is_asked(
    caller: Caller, actionstep_sandbox: Sandbox, target: Any
) -> None:
    """A file open for text, and one that only async code can write."""
    with pytest.raises(TypeError, match="mode 'wb'"):
        caller("download", DOCUMENT, target())
    assert actionstep_sandbox.activity() == []


@pytest.mark.parametrize("mode", ["w", "rb"])
def test_a_wrapped_file_must_take_bytes_too(
    caller: Caller, actionstep_sandbox: Sandbox, mode: Any
) -> None:
    """As those of `tempfile` and of Django are: one for text, and one that is only read."""
    with NamedTemporaryFile(mode) as target:
        for each in (target, File(target)):
            with pytest.raises(TypeError, match="mode 'wb'"):
                caller("download", DOCUMENT, each)
    assert actionstep_sandbox.activity() == []


def test_a_path_of_bytes_is_a_path(caller: Caller, tmp_path: Path) -> None:
    """As it is for an upload."""
    row = caller("attach", caller("upload", PDF, name="a.pdf"), action=15)
    assert caller("download", f"DL::Actions::15::{row['id']}", AsBytes(tmp_path / "b")) == len(PDF)
    assert (tmp_path / "b").read_bytes() == PDF


def test_a_link_stays_and_the_file_keeps_who_may_read_it(
    hostile: Caller, server: HostileServer, tmp_path: Path
) -> None:
    """A file that is there is replaced by one with its mode, wherever a link to it lies."""
    private, link = tmp_path / "kept" / "lease.pdf", tmp_path / "latest"
    private.parent.mkdir()
    private.touch(mode=0o600)
    link.symlink_to(private)
    server.answer(**vars(whole(PDF)))
    hostile("download", DOCUMENT, link, size=len(PDF))
    assert (link.is_symlink(), private.read_bytes()) == (True, PDF)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert list(tmp_path.rglob("*.part")) == []


def test_a_pipe_or_a_device_is_written_and_not_replaced(
    hostile: Caller, server: HostileServer, tmp_path: Path
) -> None:
    """A file in place of `/dev/null` would fill the disk for every process of the machine."""
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    # Open for both, so that no test that fails waits for the other end.
    other_end = os.open(pipe, os.O_RDWR)
    server.answer(**vars(whole(PDF)))
    try:
        hostile("download", DOCUMENT, pipe, size=len(PDF))
        assert pipe.is_fifo()
        read.append(os.read(other_end, len(PDF)))
    finally:
        os.close(other_end)
    assert read == [PDF]


def test_cancelling_while_the_disk_is_slow_leaves_nothing(
    server: HostileServer, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a thread has begun is waited for: else it makes a file after all has been taken away."""
    connection.granted_scopes = ["all"]
    is_opening, may_open, open_now = threading.Event(), threading.Event(), Path.open

    def open_late(path: Path, mode: str) -> Any:
        is_opening.set()
        may_open.wait(10)
        return open_now(path, mode)

    monkeypatch.setattr(Path, "open", open_late)

    async def cancel() -> None:
        async with AsyncActionstepClient(connection) as actionstep:
            task = asyncio.create_task(actionstep.download(DOCUMENT, tmp_path / "a", size=9))
            await asyncio.to_thread(is_opening.wait, 10)
            task.cancel()
            asyncio.get_running_loop().call_later(0.05, may_open.set)
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancel())
    assert list(tmp_path.iterdir()) == []


def test_cancelling_a_download_leaves_nothing(
    server: HostileServer, connection: Connection, tmp_path: Path
) -> None:
    """A task that is cancelled amid a file closes it and takes it away."""
    server.script([whole(PDF)])
    server.answer(body=PDF, headers={"Content-Length": "999999"}, stay=True)
    connection.granted_scopes = ["all"]

    async def cancel() -> None:
        begun = asyncio.Event()
        async with AsyncActionstepClient(connection, timeout=20) as actionstep:
            download = actionstep.download(
                DOCUMENT, tmp_path / "a", size=999_999, progress=lambda *_: begun.set()
            )
            task = asyncio.create_task(download)
            await begun.wait()
            assert list(tmp_path.iterdir())  # noqa: ASYNC240 - a folder of one file.
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancel())
    assert list(tmp_path.iterdir()) == []


SIZE = 60 * MIB


def test_memory_stays_flat_however_large_a_file_is(
    caller: Caller, actionstep_sandbox: Sandbox, tmp_path: Path
) -> None:
    """60 MB go up from a path and from pieces, and come down, within a few parts of memory."""
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(SIZE)
    caller("upload", PDF, name="lease.pdf")
    tracemalloc.start()
    try:
        uploaded = caller("upload", path)
        with path.open("rb") as file:
            caller("upload", iter(partial(file.read, 70_000), b""), name="a.bin")
        row = caller("attach", uploaded, action=15)
        assert caller("download", f"DL::Actions::15::{row['id']}", tmp_path / "back") == SIZE
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5 * PART_SIZE
