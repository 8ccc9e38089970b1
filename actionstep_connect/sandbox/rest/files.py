"""`files`: no rows; uploads come in parts of 5 MB, and downloads leave in such parts."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.multipartparser import MultiPartParserError

from actionstep_connect.sandbox.clock import clock
from actionstep_connect.sandbox.models import Upload
from actionstep_connect.sandbox.rest import contents, documents, requests, uploads
from actionstep_connect.sandbox.rest.errors import Mistake
from actionstep_connect.sandbox.rest.problems import ApiProblem, InvalidBody
from actionstep_connect.sandbox.rest.values import whole_number
from actionstep_connect.sandbox.rest.viewer import Viewer
from actionstep_connect.sandbox.scan import LOOKED_AT, fault_of_type
from actionstep_connect.sandbox.spool import spool
from actionstep_connect.sandbox.switchboard import switchboard

SCOPE = "files"
PART_SIZE = 5 * 1024 * 1024
MAX_PARTS = 1000
FORM_OVERHEAD = 65536
"""What a form may add to the bytes of a part."""

RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def files(request: HttpRequest, ids: str | None, viewer: Viewer) -> HttpResponseBase:
    viewer.check_scope(SCOPE)
    verbs = requests.answered(frozenset({"POST"} if ids is None else {"GET", "POST"}))
    requests.check_verb(request, verbs)
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers={"Allow": ", ".join(verbs)})
    if request.method == "POST":
        return _receive(request, ids, viewer)
    return _download(request, ids or "", viewer)


def _receive(request: HttpRequest, key: str | None, viewer: Viewer) -> HttpResponse:
    viewer.check_may_write()
    number, count = _whole(request, "part_number"), _whole(request, "part_count")
    if count > MAX_PARTS or number > count:
        detail = f"part_number must be one of part_count, and part_count {MAX_PARTS} at most."
        raise ApiProblem(400, Mistake(detail, parameter="part_number"))
    part = _part(request)
    upload = _new(part, number, count, viewer) if key is None else _known(key, count, viewer)
    with switchboard.rotation:
        spool.keep_part(upload.pk, number, part)
        if spool.has_parts(upload.pk, count):
            spool.join(upload.pk, count)
            upload.completed_at = clock.now()
            upload.save(update_fields=["completed_at"])
    return documents.answer({"files": {"id": upload.pk, "status": uploads.status(upload)}})


def _part(request: HttpRequest) -> "UploadedFile[bytes]":
    """Return the part in the form; Django keeps a large one in a temporary file."""
    if request.content_type != "multipart/form-data":
        raise ApiProblem(415, "Content-Type must be multipart/form-data.")
    too_large = InvalidBody(Mistake(f"A part has {PART_SIZE} bytes at most.", pointer="/file"))
    if int(request.META.get("CONTENT_LENGTH") or 0) > PART_SIZE + FORM_OVERHEAD:
        raise too_large
    try:
        part = request.FILES.get("file")
    except MultiPartParserError:
        part = None
    if part is None:
        raise InvalidBody(Mistake("The form must have a file in its field file.", pointer="/file"))
    if (part.size or 0) > PART_SIZE:
        raise too_large
    return part


def _new(part: "UploadedFile[bytes]", number: int, count: int, viewer: Viewer) -> Upload:
    if number != 1:
        detail = "part_number must be 1 where there is no id yet."
        raise ApiProblem(400, Mistake(detail, parameter="part_number"))
    name = part.name or ""
    if fault := fault_of_type(name, part.read(LOOKED_AT)):
        raise InvalidBody(Mistake(f"The file {fault}.", pointer="/file"))
    return Upload.objects.create(
        id=secrets.token_hex(16), membership=viewer.membership, name=name, part_count=count
    )


def _known(key: str, count: int, viewer: Viewer) -> Upload:
    uploading = Upload.objects.filter(membership=viewer.membership, completed_at=None)
    upload = uploading.filter(pk=key).first()
    if upload is None:
        raise ApiProblem(404, f"There is no upload {key[:100]} that lacks parts.")
    if upload.part_count != count:
        detail = f"part_count must be {upload.part_count}, as it was at first."
        raise ApiProblem(400, Mistake(detail, parameter="part_count"))
    return upload


@dataclass(frozen=True)
class Span:
    """Bytes from `start` to before `stop`, of a whole file or of one part of it."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start


def _download(request: HttpRequest, said: str, viewer: Viewer) -> HttpResponseBase:
    # Clients send what a row has as its `file`, some with the file's name after a semicolon.
    identifier = said.partition(";")[0]
    found = uploads.find_row(identifier, viewer.firm)
    if found is None or not viewer.sees(*found):
        raise ApiProblem(404, f"There is no file {identifier[:100]}.")
    content = contents.of(*found, viewer.firm.orgkey)
    part = _part_of(request, content.size)
    headers = {"Accept-Ranges": "bytes"}
    wanted = _ranged(request.headers.get("Range", ""), part.length)
    if wanted is None:
        return _stream(content.read(part.start, part.stop), part.length, 200, headers)
    if not wanted.length:
        headers["Content-Range"] = f"bytes */{part.length}"
        return HttpResponse(status=416, headers=headers)
    headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{part.length}"
    chunks = content.read(part.start + wanted.start, part.start + wanted.stop)
    return _stream(chunks, wanted.length, 206, headers)


def _stream(
    chunks: Iterator[bytes], length: int, status: int, headers: dict[str, str]
) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        chunks,
        status=status,
        content_type="application/octet-stream",
        headers={**headers, "Content-Length": str(length)},
    )


def _part_of(request: HttpRequest, size: int) -> Span:
    """Return the part that is asked for; the whole file without a part_number."""
    if "part_number" not in request.GET:
        return Span(0, size)
    start = (_whole(request, "part_number") - 1) * PART_SIZE
    if start and start >= size:
        raise ApiProblem(404, "The file has fewer parts.")
    return Span(start, min(start + PART_SIZE, size))


def _ranged(header: str, size: int) -> Span | None:
    """Return the one range asked for; None if there is none to heed (RFC 9110, section 14.2)."""
    found = RANGE.fullmatch(header.replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        return Span(max(0, size - int(found[2])), size)
    start, last = int(found[1]), int(found[2] or size)
    if last < start:
        return None
    return Span(min(start, size), min(last + 1, size))


def _whole(request: HttpRequest, name: str) -> int:
    try:
        number = whole_number(request.GET.get(name, ""))
    except ValueError:
        number = 0
    if number < 1:
        raise ApiProblem(400, Mistake(f"{name} must be a whole number from 1 on.", parameter=name))
    return number
