"""The local end of an upload or a download: what is read part by part, and what is written whole or not."""

import io
import os
import re
import secrets
import shutil
import tempfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from inspect import iscoroutinefunction
from pathlib import Path, PureWindowsPath
from typing import IO, Any

from actionstep_connect.exceptions import FileRefused

#: Actionstep: a part has 5 MB at most. Whether it counts in thousands is not known, so this does.
PART_SIZE = 5_000_000  # bytes
PIECE_SIZE = 256 * 1024

#: Actionstep: files of these types are refused.
REFUSED_TYPES = frozenset(
    {"bat", "cmd", "com", "dll", "exe", "jar", "msi", "sh", "src", "tpl", "vbs"}
)
FILE_NAME = re.compile(r"[^/\\\x00-\x1f\x7f\ud800-\udfff]{1,255}")

#: What can be uploaded. An async client takes an AsyncIterable[bytes] as well.
Readable = str | os.PathLike[str] | bytes | IO[bytes] | Iterable[bytes]
#: Is told how many bytes have arrived, and of how many; None where that is not known.
Progress = Callable[[int, int | None], object]
#: Where a download can go.
Writable = str | os.PathLike[str] | IO[bytes]


def checked_name(file: object, name: str) -> str:
    """Return the name that `file` is to have at Actionstep. Raises FileRefused, and ValueError if none."""
    own = file if isinstance(file, str | os.PathLike) else getattr(file, "name", "")
    if not name and isinstance(own, str | os.PathLike):
        name = PureWindowsPath(os.fsdecode(own)).name  # Which divides at both kinds of slash.
    name = str(name)  # A lazy text, or a path.
    if not FILE_NAME.fullmatch(name) or not name.strip(" ."):
        raise ValueError(
            "The file needs a name of at most 255 characters, without slashes: pass name=."
        )
    # Where Windows takes the last characters off, and where there is nothing before the dot, too.
    extension = name.rstrip(" .").rpartition(".")[2].lower() if "." in name else ""
    if extension in REFUSED_TYPES:
        raise FileRefused(f"Actionstep takes no files of the type {extension!r}: nothing was sent.")
    return name


@asynccontextmanager
async def in_reach(file: Any) -> AsyncIterator[Any]:
    """Yield what an asynchronous source holds as a file on disk, and everything else as it is."""
    is_reader = iscoroutinefunction(getattr(file, "read", None))
    if not (is_reader or hasattr(file, "__aiter__")):
        yield file
        return
    with _spool() as spool:
        async for piece in _read_to_end(file) if is_reader else file:
            spool.write(_bytes(piece))
        yield spool


async def _read_to_end(file: Any) -> AsyncIterator[Any]:
    while piece := await file.read(PIECE_SIZE):
        yield piece


class Source:
    """A file to be uploaded, from its beginning to the end that it has when it is opened.

    What can be read only once is copied to a temporary file, because its length must be known.
    """

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._own = ExitStack()
        self._stream: IO[bytes] = io.BytesIO()
        self.size = 0

    def open(self) -> None:
        """Open the file. Raises TypeError for text."""
        self._stream = self._seekable(self._file)
        self._stream.seek(0, os.SEEK_END)
        self.size = self._stream.tell()  # Not every `seek` says it.

    def read(self, start: int, length: int) -> bytes:
        """Return exactly these bytes. Raises OSError if the file has become shorter."""
        self._stream.seek(start)
        pieces: list[bytes] = []
        left = length
        while left:
            piece = _bytes(self._stream.read(left))
            if not piece:
                raise OSError("The file became shorter while it was uploaded.")
            pieces.append(piece)
            left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def checksum(self, length: int) -> int:
        """Return the CRC-32 of the first `length` bytes."""
        found = 0
        for start in range(0, length, PIECE_SIZE):
            found = zlib.crc32(self.read(start, min(PIECE_SIZE, length - start)), found)
        return found

    def close(self) -> None:
        """Close what was opened here."""
        self._own.close()

    def _seekable(self, file: Any) -> IO[bytes]:
        if isinstance(file, str | os.PathLike):
            opened = Path(os.fsdecode(file)).open("rb")  # noqa: SIM115 - closed by `close`.
            file = self._own.enter_context(opened)
        if (content := _memory(file)) is not None:
            return io.BytesIO(content)
        if isinstance(file, io.TextIOBase):
            raise TypeError("The file is open in text mode: open it with mode 'rb'.")
        if hasattr(file, "read"):
            if hasattr(file, "seekable") and file.seekable():
                stream: IO[bytes] = file
                return stream
            file = iter(partial(file.read, PIECE_SIZE), b"")
        return self._copied(file)

    def _copied(self, pieces: Iterable[Any]) -> IO[bytes]:
        spool: IO[bytes] = self._own.enter_context(_spool())
        for piece in pieces:
            spool.write(_bytes(piece))
        return spool


class Target:
    """Where a download goes: a file object, or a path at which there is the whole file or none."""

    def __init__(self, to: Writable) -> None:
        if hasattr(to, "write") and not _takes_bytes(to):
            raise TypeError("A download goes to a path, or to a file opened with mode 'wb'.")
        self._path = None if hasattr(to, "write") else Path(os.fsdecode(to))
        self._temporary: Path | None = None
        self._own = ExitStack()
        self.stream: Any = to

    def open(self) -> None:
        """Open a temporary file beside the path. Raises OSError if there can be none."""
        if self._path is None:
            return
        if self._path.is_dir():
            raise IsADirectoryError(f"{self._path} is a folder: name the file in it.")
        self._path = Path(os.path.realpath(self._path))  # A link stays, and leads to the file.
        is_there = self._path.exists()
        if is_there and not self._path.is_file():
            self.stream = self._own.enter_context(self._path.open("wb"))  # A pipe or a device.
            return
        path = self._path.with_name(f".{secrets.token_hex(8)}.part")
        self.stream = self._own.enter_context(path.open("xb"))
        self._temporary = path
        if is_there:
            shutil.copymode(self._path, path)  # Who may not read the one may not read the other.

    def write(self, piece: bytes) -> None:
        """Write all of `piece`, also to what takes it in parts."""
        while piece:
            written = self.stream.write(piece)
            piece = b"" if written is None else piece[written:]

    def commit(self) -> None:
        """Put the file in its place, once it is safely on disk."""
        if self._path is None:
            return
        self.stream.flush()
        if self._temporary is not None:
            os.fsync(self.stream.fileno())
        self._own.close()
        if self._temporary is not None:
            self._temporary.replace(self._path)
            self._temporary = None

    def discard(self) -> None:
        """Remove what is not complete. What is in its place already stays."""
        with suppress(OSError):  # The disk is full, perhaps.
            self._own.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)
            self._temporary = None


def _takes_bytes(file: Any) -> bool:
    for _ in range(
        2
    ):  # `tempfile` wraps files, and Django does, once and for a model's field twice.
        wrapped = getattr(file, "file", None)
        file = wrapped if hasattr(wrapped, "write") else file
    is_awaited = iscoroutinefunction(file.write)
    is_read_only = hasattr(file, "writable") and not file.writable()
    return not (is_awaited or is_read_only or isinstance(file, io.TextIOBase))


def _spool() -> Any:
    # In memory as long as it is no larger than a part, for which there is room anyhow.
    return tempfile.SpooledTemporaryFile(PART_SIZE)


def _memory(file: Any) -> bytes | memoryview | None:
    """Return the bytes that `file` holds in memory, if it is no file."""
    if hasattr(file, "read"):  # As what `mmap` gives has.
        return None
    try:
        view = memoryview(file)
    except TypeError:
        return None
    return view.cast("B") if view.c_contiguous else view.tobytes()


def _bytes(piece: object) -> bytes:
    if isinstance(piece, str):
        raise TypeError("The file gives text: it must give bytes.")
    return piece if isinstance(piece, bytes) else bytes(memoryview(piece))  # type: ignore[arg-type]
