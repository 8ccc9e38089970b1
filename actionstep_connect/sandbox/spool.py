"""The bytes of uploaded files, on disk: nothing here holds more than a chunk of one in memory."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

CHUNK = 65536


class Spool:
    """Keeps the parts of a file until the last one is there, and then the file."""

    @property
    def folder(self) -> Path:
        return Path(settings.MEDIA_ROOT)

    def keep_part(self, upload: str, number: int, content: "UploadedFile[bytes]") -> None:
        """Keep a part; the same one may come again."""
        self.folder.mkdir(exist_ok=True)
        with self._part(upload, number).open("wb") as target:
            for chunk in content.chunks(CHUNK):
                target.write(chunk)

    def has_parts(self, upload: str, count: int) -> bool:
        return all(self._part(upload, number).exists() for number in range(1, count + 1))

    def join(self, upload: str, count: int) -> None:
        """Make one file of its parts."""
        first = self._part(upload, 1)
        with first.open("ab") as target:
            for number in range(2, count + 1):
                part = self._part(upload, number)
                with part.open("rb") as source:
                    shutil.copyfileobj(source, target, CHUNK)
                part.unlink()
        first.rename(self._whole(upload))

    def size(self, upload: str) -> int:
        return self._whole(upload).stat().st_size

    def beginning(self, upload: str, length: int) -> bytes:
        with self._whole(upload).open("rb") as source:
            return source.read(length)

    def read(self, upload: str, start: int, stop: int) -> Iterator[bytes]:
        """Return the bytes from `start` to before `stop`, chunk by chunk."""
        # Opened at once: the file may be deleted while it is on its way.
        return _chunks(self._whole(upload).open("rb"), start, stop)

    def remove(self, upload: str) -> None:
        self._whole(upload).unlink(missing_ok=True)

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _part(self, upload: str, number: int) -> Path:
        return self.folder / f"{upload}.{number}"

    def _whole(self, upload: str) -> Path:
        return self.folder / upload


def _chunks(source: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    with source:
        source.seek(start)
        while start < stop and (chunk := source.read(min(CHUNK, stop - start))):
            start += len(chunk)
            yield chunk


spool = Spool()
