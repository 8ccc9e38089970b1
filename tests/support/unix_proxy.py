"""A way to PostgreSQL that can be cut: a proxy between two Unix sockets."""

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

SOCKET = ".s.PGSQL.5432"


class UnixProxy:
    """Passes bytes on until it is cut; then no one gets through until it is repaired."""

    def __init__(self, *, here: Path, there: Path) -> None:
        self.folder, self._there = here, there / SOCKET
        self._pairs: list[socket.socket] = []
        self._lock = threading.Lock()
        self._whole = threading.Event()
        self._whole.set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(here / SOCKET))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection and refuse new ones."""
        self._whole.clear()
        with self._lock:
            for each in self._pairs:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            self._pairs.clear()

    def mend(self) -> None:
        """Let connections through again."""
        self._whole.set()

    def close(self) -> None:
        """Cut, and listen no longer."""
        self.cut()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._whole.is_set():
                    self._join(client)
                else:
                    client.close()

    def _join(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self._there))
        with self._lock:
            self._pairs += [client, server]
        threading.Thread(target=_pass_on, args=(client, server), daemon=True).start()


def _pass_on(client: socket.socket, server: socket.socket) -> None:
    with client, server:
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@contextmanager
def running_proxy(there: str) -> Generator[UnixProxy]:
    """Run a proxy to the server whose socket is in `there`."""
    # Not pytest's own folder: the path of a Unix socket may not be longer than 107 bytes.
    here = Path(tempfile.mkdtemp(prefix="pg-"))
    proxy = UnixProxy(here=here, there=Path(there))
    try:
        yield proxy
    finally:
        proxy.close()
        shutil.rmtree(here, ignore_errors=True)
