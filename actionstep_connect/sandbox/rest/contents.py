"""The bytes of a document: those that were uploaded, or made up for a row of the start."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from actionstep_connect.sandbox.models import Upload
from actionstep_connect.sandbox.scan import SIGNATURES, extension_of
from actionstep_connect.sandbox.spool import CHUNK, spool
from actionstep_connect.sandbox.store import Row

FILLER = b"Made up by the sandbox.\n"


@dataclass(frozen=True)
class Content:
    size: int
    read: Callable[[int, int], Iterator[bytes]]
    """The bytes from a first to before a last one, chunk by chunk."""


def of(resource: str, row: Row, orgkey: str) -> Content:
    upload = Upload.objects.filter(
        taken_as=row["file"], membership__organisation__key=orgkey
    ).first()
    if upload is not None:
        key = upload.pk
        return Content(spool.size(key), lambda start, stop: spool.read(key, start, stop))
    is_attachment = resource == "emailattachments"
    name = row["displayName"] if is_attachment else row["fileName"]
    size = row["attachmentSize"] if is_attachment else row["fileSize"]
    made_up = _made_up(name, size)
    return Content(size, lambda start, stop: _chunks(made_up, start, stop))


def _made_up(name: str, size: int) -> bytes:
    beginning = SIGNATURES.get(extension_of(name), (b"",))[0]
    return (beginning + FILLER * (size // len(FILLER) + 1))[:size]


def _chunks(content: bytes, start: int, stop: int) -> Iterator[bytes]:
    for position in range(start, stop, CHUNK):
        yield content[position : min(position + CHUNK, stop)]
